"""One redraw of the sandbox against seaborn, which bootstraps the mean of each group as often and draws one panel."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from helpers import figures
from helpers.studies import calibration
from helpers.widgets.showing import figure_html, table_html
from tests.benchmarks import contest

N_BOOT = 500  # as the sliders take


def ours() -> None:
    """Cohort, seven readings with intervals, table, figure and picture: all that follows a slider."""
    table, figure = calibration.sandbox_view(**calibration.SET_UPS["hidden by pooling"], n_boot=N_BOOT)
    assert table_html(table) and figure_html(figure, "")


def theirs() -> None:
    """Pooled and by hospital, on given labels alone, with seaborn's own bootstrap of each mean."""
    frame, _ = calibration.scored_cohort(**calibration.SET_UPS["hidden by pooling"])
    every = pd.concat([frame.assign(hospital="pooled"), frame.astype({"hospital": str})])
    both = sns.pointplot(data=every, x="hospital", y="score", hue="group", n_boot=N_BOOT, seed=0)
    assert figure_html(both.figure, "")
    plt.close(both.figure)


def test_a_redraw_takes_no_longer_than_twice_one_panel_of_seaborn():
    figures.style()
    turns = contest.take_turns({"ours": ours, "seaborn": theirs}, rounds=7)
    contest.at_least(0.5, "a redraw of the sandbox; the peer's is one panel", turns, "seaborn", package="seaborn")
