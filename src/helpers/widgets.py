"""ipywidgets over finished results; every view is a plain function that draws the same without a widget."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers import audit, figures
from helpers.errors import InputError
from helpers.report.tables import show

if TYPE_CHECKING:
    from ipywidgets import Widget
    from matplotlib.figure import Figure
    from torch import nn

    from helpers.generate import Codes


def group_view(frame: pd.DataFrame, group: str, score: str, threshold: float) -> tuple[pd.DataFrame, Figure]:
    """Group means and success rates of one score: the table and the figure.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    group, score : str
        Columns of the frame; cases without a score are left out.
    threshold : float
        A case is a success when its score is over it.

    Returns
    -------
    table : DataFrame
        n, mean with interval, success rate with interval; groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    known = frame[frame[score].notna()]
    means = audit.by_group(known[score], groups=known[group])
    good, _ = audit.success(known[score], threshold=threshold)
    rates = audit.success_rates(good, groups=known[group]).add_prefix("rate_")
    table = pd.concat([means[["n", "mean", "low", "high"]], rates[["rate_rate", "rate_low", "rate_high"]]], axis=1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.5 * len(table) + 1.6), sharey=True)
    shown = table[table["n"] >= 10]
    figures.forest(shown, ax=axes[0], estimate="mean", no_effect=known[score].mean(), xlabel=f"mean {score}")
    rate = {"estimate": "rate_rate", "low": "rate_low", "high": "rate_high"}
    figures.forest(shown, ax=axes[1], **rate, no_effect=good.mean(), xlabel=f"share with {score} > {threshold:g}")
    plt.close(figure)
    return show(table.rename(columns={"rate_rate": "rate"})), figure


def explore_groups(frame: pd.DataFrame, *, groups: Sequence[str], scores: Sequence[str]) -> Widget:
    """Controls for `group_view`: pick the attribute, the score and the threshold of success.

    The view is shown as HTML and as a picture, not captured by an Output widget: a headless run can wait for ever on
    what such a widget captures.
    """
    import ipywidgets

    group = ipywidgets.Dropdown(options=list(groups), description="group")
    score = ipywidgets.Dropdown(options=list(scores), description="score")
    threshold = ipywidgets.FloatSlider(0.8, min=0.05, max=0.95, step=0.05, description="success >")
    table_view, figure_view = ipywidgets.HTML(), ipywidgets.Image(format="png")

    def update(_: object = None) -> None:
        table, figure = group_view(frame, group.value, score.value, threshold.value)
        table_view.value, figure_view.value = table.to_html(border=0), _png(figure)

    return _controlled([group, score, threshold], update, [table_view, figure_view])


def change_view(table: pd.DataFrame, attribute: str, metric: str) -> tuple[pd.DataFrame, Figure]:
    """How one measure of fairness changes from the original, arm by arm: the table and the figure.

    Parameters
    ----------
    table : DataFrame
        From `audit.prediction_fairness` or `audit.score_fairness`; without a column ``finding`` there is one row.
    attribute, metric : str
        Which of them.

    Returns
    -------
    table : DataFrame
        Groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    part = table[(table["attribute"] == attribute) & (table["metric"] == metric)]
    if part.empty:
        raise InputError(f"{attribute}, {metric}", "the table has no such rows", "Pick an attribute and a metric of it")
    part = part if "finding" in part else part.assign(finding=metric)
    figure, ax = plt.subplots(figsize=(7, 0.45 * part["finding"].nunique() + 1.4))
    figures.changes(part, ax=ax, xlabel=f"change of {metric} between groups of {attribute}")
    plt.close(figure)
    columns = ["finding", "arm", "baseline", "value", "change", "low", "high", "q"]
    sizes = [c for c in part if c in ("n_positive", "n_negative", "n_smallest")]
    return show(part[columns + sizes].set_index("finding"), estimate="change"), figure


def explore_changes(table: pd.DataFrame) -> Widget:
    """Controls for `change_view`: pick the attribute and the measure."""
    import ipywidgets

    attribute = ipywidgets.Dropdown(options=list(dict.fromkeys(table["attribute"])), description="attribute")
    metric = ipywidgets.Dropdown(options=list(dict.fromkeys(table["metric"])), description="measure")
    table_view, figure_view = ipywidgets.HTML(), ipywidgets.Image(format="png")

    def update(_: object = None) -> None:
        shown, figure = change_view(table, attribute.value, metric.value)
        table_view.value, figure_view.value = shown.to_html(border=0), _png(figure)

    return _controlled([attribute, metric], update, [table_view, figure_view])


def methods_view(
    tables: Mapping[tuple[str, str], pd.DataFrame], rule: str, part: str, metric: str
) -> tuple[pd.DataFrame, Figure]:
    """What methods of mitigation reach, and how that differs from plain fine-tuning: the table and the figure.

    Parameters
    ----------
    tables : mapping of (rule, part) to DataFrame
        From `helpers.mitigate.comparison`.
    rule, part, metric : str
        How candidates were chosen, on which cases they are judged, and what is shown against the AUROC.

    Returns
    -------
    table : DataFrame
        Changes of the metric, with intervals; groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    if (rule, part) not in tables:
        raise InputError(f"{rule}, {part}", "there is no such table", f"Pick one of {sorted(tables)}")
    table = tables[rule, part]
    figure, ax = plt.subplots(figsize=(7, 4))
    figures.tradeoff(table, ax=ax, y=metric)
    plt.close(figure)
    rows = table[table["metric"] == metric].drop(columns=["low", "high"])
    rows = rows.rename(columns={"change_low": "low", "change_high": "high"}).set_index("method")
    return show(rows[["value", "change", "low", "high", "q", "n_smallest"]], estimate="change"), figure


def explore_methods(tables: Mapping[tuple[str, str], pd.DataFrame]) -> Widget:
    """Controls for `methods_view`: pick the rule, the cases and the measure."""
    import ipywidgets

    first = next(iter(tables.values()))
    rule, part = (
        ipywidgets.Dropdown(options=list(dict.fromkeys(key[k] for key in tables)), description=name)
        for k, name in enumerate(("chosen by", "cases"))
    )
    measures = [name for name in dict.fromkeys(first["metric"]) if name != "auroc"]
    metric = ipywidgets.Dropdown(options=measures, description="measure")
    table_view, figure_view = ipywidgets.HTML(), ipywidgets.Image(format="png")

    def update(_: object = None) -> None:
        shown, figure = methods_view(tables, rule.value, part.value, metric.value)
        table_view.value, figure_view.value = shown.to_html(border=0), _png(figure)

    return _controlled([rule, part, metric], update, [table_view, figure_view])


def code_view(
    models: Mapping[tuple[int, str], nn.Module],
    images: np.ndarray,
    names: Sequence[str],
    *,
    image: int = 0,
    run: int = 0,
    trainings: Sequence[str] = audit.TRAININGS,
    direction: int = 1,
    steps: Sequence[float] = (-2, 2),
) -> Figure:
    """An image, its reconstruction, and what is made of its code moved along a direction in which codes differ.

    The directions are the principal ones of the mean codes of all these images, in each network its own; along the
    first they differ most, and all point to where the images are brighter. A single channel of the code would be
    simpler, but many hold next to nothing.

    Parameters
    ----------
    models : mapping of (run, training) to torch.nn.Module
        From `helpers.generate.load`.
    images : uint8 ndarray of shape (n, 3, s, s)
    names : sequence of n str
        What the images are called.
    image, run : int
        Which image, by its place, and the networks of which run.
    trainings : sequence of str
        One row of pictures each.
    direction : int
        1 is the first.
    steps : sequence of float
        How far, in standard deviations of these images' codes along the direction; one picture each.

    Raises
    ------
    InputError
        There is no such image, network or direction, or not a name for each image; as `helpers.generate.codes`.
    """
    from helpers import generate

    def coded(model: nn.Module) -> Codes:
        return generate.codes(model, images, directions=direction)

    where = {"image": image, "run": run, "trainings": trainings, "direction": direction, "steps": steps}
    return _code_figure(models, images, names, coded, **where)


def explore_codes(
    models: Mapping[tuple[int, str], nn.Module], images: np.ndarray, names: Sequence[str], *, directions: int = 3
) -> Widget:
    """Controls for `code_view`: pick the image, the training and the run, and slide along a direction.

    A network codes the images when it is first picked; after that, pictures are only decoded.

    Parameters
    ----------
    models, images, names
        As `code_view` takes them; a network for each pair of a run and a training.
    directions : int
        How many to choose from.

    Raises
    ------
    InputError
        A pair of a run and a training has no network; as `code_view`.
    """
    import ipywidgets

    from helpers import generate

    runs, trainings = (sorted({key[k] for key in models}) for k in (0, 1))
    missing = [f"run {r} and training {t}" for r in runs for t in trainings if (r, t) not in models]
    if missing or not models:
        problem = f"none of {missing[0]}" if missing else "there is no network"
        raise InputError("models", problem, "Give one for each pair of a run and a training")
    image = ipywidgets.Dropdown(options=[(name, i) for i, name in enumerate(names)], description="image")
    training = ipywidgets.Dropdown(options=trainings, description="training")
    run = ipywidgets.Dropdown(options=runs, description="run")
    direction = ipywidgets.Dropdown(options=range(1, directions + 1), description="direction")
    step = ipywidgets.FloatSlider(2, min=-3, max=3, step=0.5, description="step, sd", continuous_update=False)
    view = ipywidgets.Image(format="png")

    @cache
    def coded(model: nn.Module) -> Codes:
        return generate.codes(model, images, directions=directions)

    def update(_: object = None) -> None:
        where = {"image": image.value, "run": run.value, "trainings": [training.value]}
        where |= {"direction": direction.value, "steps": [step.value]}
        view.value = _png(_code_figure(models, images, names, coded, **where))

    return _controlled([image, training, run, direction, step], update, [view])


def _code_figure(
    models: Mapping[tuple[int, str], nn.Module],
    images: np.ndarray,
    names: Sequence[str],
    coded: Callable[[nn.Module], Codes],
    *,
    image: int,
    run: int,
    trainings: Sequence[str],
    direction: int,
    steps: Sequence[float],
) -> Figure:
    import matplotlib.pyplot as plt

    from helpers import generate

    if len(names) != len(images):
        raise InputError("names", f"{len(names)} for {len(images)} images", "Name each image")
    if not 0 <= image < len(images):
        raise InputError(f"image = {image}", f"there are {len(images)} images", f"Give 0 to {len(images) - 1}")
    grid, labels = [], []
    for training in trainings:
        if (run, training) not in models:
            raise InputError("models", f"none of run {run} and training {training}", "Pick another, or give it")
        model = models[run, training]
        codes = coded(model)
        way = codes.directions[direction - 1]
        made = generate.decode(model, np.stack([codes.mean[image] + step * way for step in (0, *steps)]))
        grid.append([images[image], *made])
        labels.append(f"{training}\n{codes.share[direction - 1]:.0%} of variance")
    columns = ["original", "reconstruction", *(f"{step:+g} sd".replace("-", "−") for step in steps)]
    side = 5.6 / len(columns)
    figure, ax = plt.subplots(figsize=(7, side * len(trainings) + 0.8), layout="constrained")
    figures.pictures(grid, rows=labels, columns=columns, ax=ax)
    ax.set_xlabel(f"{names[image]}; run {run}, direction {direction}")
    plt.close(figure)
    return figure


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight")
    return stream.getvalue()


def _controlled(controls: Sequence[Widget], update: Callable[..., None], views: Sequence[Widget]) -> Widget:
    """Controls above views, updated now and whenever a control changes."""
    import ipywidgets

    for control in controls:
        control.observe(update, "value")
    update()
    return ipywidgets.VBox([ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}), *views])


from helpers.widgets_sandbox import explore_sandbox, sandbox_view  # noqa: E402, F401
