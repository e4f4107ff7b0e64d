"""Pictures of a CheXpert download, real or simulated, with a marker, a finding and the sex, and their roles."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets.chexpert import layout
from helpers.datasets.shared.files import read_csv
from helpers.errors import InputError, check_choice
from helpers.studies.prototypes.worlds import ATTRIBUTES, FINDING, Drawn, simulate_prototype_world

LEAST = 20  # pictures of either value of an attribute in the reference
MOST_PHI = 0.95  # of two attributes of the reference
EACH_SEX = 16  # test pictures of each sex, without marker and finding


class Cohort(NamedTuple):
    """Pictures by role: those trained on, the balanced reference and test, and balanced ones for the oracle.

    dropped : DataFrame of counts by reason; root : folder of the pictures that are trained on
    """

    train: Drawn
    reference: Drawn
    test: Drawn
    oracle: Drawn
    dropped: pd.DataFrame
    root: Path


def load_labelled(
    root: str | Path, *, finding: str = FINDING, marker: str = layout.SUPPORT_DEVICES, size: int = 16
) -> tuple[Drawn, pd.Series, pd.DataFrame]:
    """Load frontal pictures of a CheXpert download for which marker, finding and sex are known.

    A blank label is not a negative: a picture with one is left out, and counted.

    Parameters
    ----------
    root : path
        As in `helpers.datasets.load_chexpert`.
    finding, marker : str
        Columns of the table.
    size : int
        Side in pixels of the square to which pictures are scaled and cropped.

    Returns
    -------
    drawn : Drawn
    split : Series
        ``train``, ``validation`` or ``test``, by patient.
    dropped : DataFrame

    Raises
    ------
    InputError
        The table has no such column, no picture is left, or as in `helpers.datasets.load_chexpert`.
    """
    check_choice("finding", finding, datasets.FINDINGS)
    cases, dropped = datasets.load_chexpert(root, views="frontal")
    table = _table(Path(root).expanduser())
    if marker not in table:
        raise InputError(f"column {marker}", "there is no such column", "Name a column of the table of labels")
    marks = pd.to_numeric(table.set_index(layout.PATH)[marker], errors="coerce").replace(-1, np.nan)
    sex = cases["sex"].map({"F": 1.0, "M": 0.0})
    labels = pd.DataFrame({"marker": cases["image"].map(marks), "finding": cases[finding], "sex": sex})
    known = labels.notna().all(axis=1)
    if not known.any():
        raise InputError(f"{marker}, {finding}", "no picture has both labels and the sex", "Name other columns")
    out = {"table": layout.TRAIN, "reason": "marker, finding or sex unknown", "n": int((~known).sum())}
    dropped = pd.concat([dropped, pd.DataFrame([out])], ignore_index=True)
    pixels = datasets.load_pictures(cases["file"][known].tolist(), size, scale="bytes", progress=False)
    drawn = Drawn(pixels.astype(np.float32) / 255, labels[known].astype(int).reset_index(drop=True))
    return drawn, cases["split"][known].reset_index(drop=True), dropped


def _table(root: Path) -> pd.DataFrame:
    places = [root, *(root / name for name in layout.FOLDERS)]
    return read_csv(next(place / layout.TRAIN for place in places if (place / layout.TRAIN).is_file()))


def balanced(drawn: Drawn, *, seed: int = 0) -> Drawn:
    """Select as many pictures of each combination of marker, finding and sex as the rarest has, at random.

    Raises
    ------
    InputError
        A combination does not occur.
    """
    code = (drawn.labels[list(ATTRIBUTES)] @ [4, 2, 1]).to_numpy()
    places = [np.flatnonzero(code == cell) for cell in range(8)]
    fewest = min(map(len, places))
    if not fewest:
        fix = "Give a reference in which marker, finding and sex occur in each combination"
        raise InputError("reference", "a combination of marker, finding and sex has no picture", fix)
    rng = np.random.default_rng((seed, 11))
    return take(drawn, np.sort(np.concatenate([rng.permutation(part)[:fewest] for part in places])))


def take(drawn: Drawn, rows: np.ndarray) -> Drawn:
    """Select pictures by their numbers."""
    return Drawn(drawn.pictures[rows], drawn.labels.iloc[rows].reset_index(drop=True))


def check_reference(drawn: Drawn) -> None:
    """Refuse a reference that cannot tell whose prototype is whose.

    Raises
    ------
    InputError
        An attribute is missing, has fewer than 20 pictures of either value, or nearly always agrees with another.
    """
    for name in ATTRIBUTES:
        if name not in drawn.labels:
            raise InputError(f"column {name}", "there is none", "The diagnosis needs a label of each attribute")
        counts = [int((drawn.labels[name] == value).sum()) for value in (0, 1)]
        if min(counts) < LEAST:
            problem = f"{counts[1]} pictures with and {counts[0]} without"
            raise InputError(f"reference, {name}", problem, f"Give {LEAST} of both or more")
    phi = drawn.labels[list(ATTRIBUTES)].corr().abs().to_numpy() - np.eye(len(ATTRIBUTES))
    if phi.max() > MOST_PHI:
        one, other = (ATTRIBUTES[k] for k in np.unravel_index(phi.argmax(), phi.shape))
        problem = f"{one} and {other} agree with a phi of {phi.max():.2f}: whose prototype is whose cannot be decided"
        raise InputError("reference", problem, "Give a balanced reference")


def phi(labels: pd.DataFrame, one: str = "marker", other: str = "finding") -> float:
    """Compute the phi coefficient of two attributes: the whole diagnosis where both have labels."""
    return float(labels[[one, other]].corr().iloc[0, 1])


def simulated_cohort(
    world: str, *, n: int = 2_000, n_reference: int = 400, size: int = 16, seed: int = 0, folder: str | Path = ""
) -> Cohort:
    """Simulate the pictures of all roles: a world for training, and balanced draws for the others.

    Parameters
    ----------
    world, n, size, seed, folder
        As in `simulate_prototype_world`.
    n_reference : int
        Pictures of the reference, and half as many again from which the test is taken; the oracle has twice as many.

    Raises
    ------
    InputError
        As in `simulate_prototype_world`, or there are too few pictures for the test.
    """
    free = "absent" if world == "absent" else "balanced"  # the marker is drawn nowhere, or for the oracle alone
    extra = max(n_reference // 2, 4 * EACH_SEX + 96)
    wanted = {"train": (world, n), "held": (free, n_reference + extra), "oracle": ("balanced", 2 * n_reference)}
    read, roots = {}, []
    for stage, (name, (planted, count)) in enumerate(wanted.items()):
        root = simulate_prototype_world(planted, count, size=size, seed=seed, stage=stage, folder=folder)
        read[name] = load_labelled(root, size=size)
        roots.append(root)
    held = read["held"][0]
    reference = take(held, np.arange(n_reference))
    check_reference(reference)
    rest = take(held, np.arange(n_reference, len(held.labels)))
    return Cohort(read["train"][0], reference, _tested(rest), read["oracle"][0], read["train"][2], roots[0])


def real_cohort(root: str | Path, *, finding: str, size: int = 224, seed: int = 0, n: int | None = None) -> Cohort:
    """Load the pictures of all roles from a CheXpert download.

    Training has the patients of the split ``train``; the oracle has a balanced selection of ``validation``, reference
    and test one of ``test``.

    Parameters
    ----------
    root, finding, size
        As in `load_labelled`.
    seed : int
        Seed of the selections.
    n : int, optional
        Most pictures of the training.

    Raises
    ------
    InputError
        As in `load_labelled`, `balanced` and `check_reference`; or there are too few pictures for the test.
    """
    drawn, split, dropped = load_labelled(root, finding=finding, size=size)
    parts = {name: np.flatnonzero(split == name) for name in ("train", "validation", "test")}
    rng = np.random.default_rng((seed, 12))
    held = rng.permutation(parts["test"])
    half = len(held) // 2
    reference = balanced(take(drawn, held[:half]), seed=seed)
    check_reference(reference)
    train = take(drawn, rng.permutation(parts["train"])[:n])
    oracle = balanced(take(drawn, parts["validation"]), seed=seed)
    return Cohort(train, reference, _tested(take(drawn, held[half:])), oracle, dropped, Path(root))


def _tested(drawn: Drawn) -> Drawn:
    """Select the first pictures of each sex that have neither marker nor finding."""
    plain = (drawn.labels[["marker", "finding"]] == 0).all(axis=1).to_numpy()
    rows = [np.flatnonzero(plain & (drawn.labels["sex"] == sex))[:EACH_SEX] for sex in (0, 1)]
    if min(map(len, rows)) < 10:
        problem = f"{min(map(len, rows))} pictures of a sex without marker and finding"
        raise InputError("test", problem, "Give more pictures")
    return take(drawn, np.concatenate(rows))
