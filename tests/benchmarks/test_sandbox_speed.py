"""One redraw of the sandbox against seaborn, which bootstraps the mean of each group as often and draws one panel."""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from helpers import figures
from helpers.studies import calibration
from helpers.widgets.showing import figure_html, table_html

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


def test_a_redraw_takes_no_longer_than_twice_one_panel_of_seaborn(record_property):
    figures.style()
    seconds = {}
    for name, draw in (("ours", ours), ("seaborn", theirs)):
        draw()  # warm
        seconds[name] = min(_seconds(draw) for _ in range(7))
    ratio = seconds["ours"] / seconds["seaborn"]
    record_property("ours_s", round(seconds["ours"], 3))
    record_property("ratio", round(ratio, 2))
    print(f"\nours {seconds['ours']:.3f} s, one panel of seaborn {seconds['seaborn']:.3f} s, ratio {ratio:.2f}")
    assert ratio <= 2


def _seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start
