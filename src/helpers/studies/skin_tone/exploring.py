"""Views of a network's learned variation: images decoded from moved codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from helpers import figures, stats
from helpers.errors import InputError
from helpers.figures.withholding import WITHHELD, sentence
from helpers.widgets.showing import asking, choice, explorer, figure_html, message

if TYPE_CHECKING:
    from ipywidgets import Widget
    from torch import nn

    from helpers.studies.skin_tone.coding import Codes

DIRECTIONS = 3  # to choose from


def code_view(
    models: Mapping[tuple[int, str], nn.Module],
    images: np.ndarray,
    names: Sequence[str],
    *,
    image: int = 0,
    run: int = 0,
    trainings: Sequence[str] = stats.TRAININGS,
    direction: int = 1,
    steps: Sequence[float] = (-2, 2),
    real: bool = False,
) -> Figure:
    """Draw an image, its reconstruction, and images decoded from its code moved along a principal direction.

    The directions are the principal components of the mean codes of all these images, computed for each network. Codes
    differ most along the first, and all directions point towards brighter images. A single channel of the code would be
    simpler, but many channels contain almost no information.

    Parameters
    ----------
    models : mapping of (run, training) to torch.nn.Module
        Networks from `helpers.learn.load_vae`.
    images : uint8 ndarray of shape (n, 3, s, s)
    names : sequence of n str
        Names of the images.
    image, run : int
        Index of the image, and run of the networks.
    trainings : sequence of str
        Trainings, one row of pictures each.
    direction : int
        Number of the direction; 1 is the first.
    steps : sequence of float
        Moves along the direction, in standard deviations of these images' codes; one picture each.
    real : bool
        True if the images are real: a sentence is then drawn in their place.

    Raises
    ------
    InputError
        There is no such image, network or direction, or the number of names differs from that of images; see also
        `helpers.studies.skin_tone.codes`.
    """
    if real:
        return sentence(WITHHELD)
    from helpers.studies.skin_tone import coding

    def coded(model: nn.Module) -> Codes:
        return coding.codes(model, images, directions=direction)

    where = {"image": image, "run": run, "trainings": trainings, "direction": direction, "steps": steps}
    return _code_figure(models, images, names, coded, **where)


def explore_codes(
    models: Mapping[tuple[int, str], nn.Module], images: np.ndarray, names: Sequence[str], *, real: bool = False
) -> Widget:
    """Build controls for `code_view`: pick the image, the training and the run, and slide along a direction.

    A network encodes the images when it is first picked; after that, pictures are only decoded.

    Parameters
    ----------
    models, images, names
        See `code_view`; there is a network for each pair of a run and a training.
    real : bool
        True if the images are real: then none is drawn, or saved with the notebook, until a reader asks for it.

    Raises
    ------
    InputError
        A pair of a run and a training has no network; see also `code_view`.
    """
    import ipywidgets

    from helpers.studies.skin_tone import coding

    runs, trainings = (sorted({key[k] for key in models}) for k in (0, 1))
    missing = [f"run {r} and training {t}" for r in runs for t in trainings if (r, t) not in models]
    if missing or not models:
        problem = f"no network of {missing[0]}" if missing else "there is no network"
        raise InputError("models", problem, "Give one for each pair of a run and a training")
    image = ipywidgets.Dropdown(options=[(name, i) for i, name in enumerate(names)], description="image")
    training, run = choice("training", trainings), choice("run", runs)
    direction = ipywidgets.Dropdown(options=range(1, DIRECTIONS + 1), description="direction")
    asked = asking("show real images")
    step = ipywidgets.FloatSlider(2, min=-3, max=3, step=0.5, description="step, sd", continuous_update=False)

    @cache
    def coded(model: nn.Module) -> Codes:
        return coding.codes(model, images, directions=DIRECTIONS)

    def draw() -> tuple[str, str]:
        if real and not asked.value:
            return message(f"{WITHHELD} Do not save the state of widgets with this notebook."), ""
        where = {"image": image.value, "run": run.value, "trainings": [training.value]}
        where |= {"direction": direction.value, "steps": [step.value]}
        figure = _code_figure(models, images, names, coded, **where)
        alt = f"{names[image.value]}: original, reconstruction, and moved {step.value:+g} sd along {direction.value}."
        return "", figure_html(figure, alt)

    controls = [image, training, run, direction, step, *([asked] if real else [])]
    return explorer(controls, draw)


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
    from helpers.studies.skin_tone import coding

    if len(names) != len(images):
        raise InputError("names", f"{len(names)} for {len(images)} images", "Name each image")
    if not 0 <= image < len(images):
        raise InputError(f"image = {image}", f"there are {len(images)} images", f"Give 0 to {len(images) - 1}")
    grid, labels = [], []
    for training in trainings:
        if (run, training) not in models:
            raise InputError(
                "models", f"no network of run {run} and training {training}", "Pick another, or give that network"
            )
        model = models[run, training]
        codes = coded(model)
        way = codes.directions[direction - 1]
        made = coding.decode(model, np.stack([codes.mean[image] + step * way for step in (0, *steps)]))
        grid.append([images[image], *made])
        labels.append(f"{training}\n{codes.share[direction - 1]:.0%} of variance")
    columns = ["original", "reconstruction", *(f"{step:+g} sd".replace("-", "−") for step in steps)]
    side = 5.6 / len(columns)
    figure = Figure(figsize=(7, side * len(trainings) + 0.8), layout="constrained")
    ax = figure.subplots()
    figures.pictures(grid, rows=labels, columns=columns, ax=ax)
    ax.set_xlabel(f"{figures.labels(names, 'row')[names[image]]}; run {run}, direction {direction}")
    return figure
