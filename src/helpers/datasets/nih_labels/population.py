"""Draws of a simulated twin of the NIH labels: patients, their findings, both readings, and the panel's sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.nih_labels import layout
from helpers.datasets.nih_labels.loader import NihLabels, checked
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.errors import check_choice

FIRST = 90_000_001  # number of the first simulated patient; those of NIH end at 30,805


class World(NamedTuple):
    """Planted properties of a simulated cohort.

    lost : how much lower the sensitivity of the mined labels is for women
    bedside : shares of AP images, of women and of men
    drawn : by view (AP, PA), shares of images that the panel reads, without and with a mined label of its findings
    alike : intraclass correlation of a finding, and of the errors about it, among the images of a patient
    many : whether some patients have up to 90 images; otherwise most have one to five
    """

    lost: float = 0.0
    bedside: tuple[float, float] = (0.4, 0.4)
    drawn: tuple[tuple[float, float], tuple[float, float]] = ((0.2, 0.2), (0.2, 0.2))
    alike: float = 0.05
    many: bool = False


NIH_WORLDS: dict[str, World] = {
    "none": World(),
    "sex": World(lost=0.15),
    "selection only": World(bedside=(0.8, 0.2), drawn=((0.1, 0.5), (0.25, 0.25))),
    "patients": World(alike=0.5, many=True),
}
WOMEN = 0.44
# Finding -> its prevalence, and sensitivity and specificity of the mined label.
READ = {
    "pneumothorax": (0.08, 0.65, 0.97),
    "nodule_or_mass": (0.14, 0.55, 0.94),
    "airspace_opacity": (0.40, 0.60, 0.85),
}
FRACTURE = 0.04
_OTHERS = {  # mined findings that the panel did not read
    "cardiomegaly": 0.03,
    "effusion": 0.12,
    "emphysema": 0.02,
    "fibrosis": 0.02,
    "hernia": 0.002,
    "pleural_thickening": 0.03,
}
# Shares of the mined findings as which a label of the panel's finding is written.
_WRITTEN = {
    "pneumothorax": {"pneumothorax": 1.0},
    "nodule_or_mass": {"nodule": 0.5, "mass": 0.5},
    "airspace_opacity": {
        "infiltration": 0.45,
        "atelectasis": 0.30,
        "consolidation": 0.12,
        "edema": 0.08,
        "pneumonia": 0.05,
    },
}
_SECOND = 0.15  # of labels have a second one of the same finding, drawn by the same shares and perhaps equal
# Finding -> middle (x from the patient's right, y), width and height of a box, as shares of the side; all are made up.
_PLACES = {
    "atelectasis": (0.27, 0.62, 0.20, 0.13),
    "cardiomegaly": (0.52, 0.62, 0.40, 0.25),
    "effusion": (0.24, 0.70, 0.22, 0.25),
    "infiltration": (0.30, 0.50, 0.24, 0.26),
    "mass": (0.32, 0.45, 0.14, 0.14),
    "nodule": (0.30, 0.45, 0.07, 0.07),
    "pneumonia": (0.30, 0.52, 0.24, 0.26),
    "pneumothorax": (0.27, 0.28, 0.18, 0.25),
}
_BOXES = 100  # images with a box, of each finding, if there are as many


class Drawn(NamedTuple):
    """Three tables in the published layout, and `truth`: one row an image, 1 where a finding is present."""

    entries: pd.DataFrame
    panel: pd.DataFrame
    boxes: pd.DataFrame
    truth: pd.DataFrame


def draw_nih_labels(world: str = "none", n_patients: int = 6_000, *, seed: int = 0) -> NihLabels:
    """Draw a simulated twin of the NIH labels in memory, as `load_nih_labels` would return it.

    Parameters and errors are those of `simulate_nih_labels`.
    """
    return checked(*draw(world, n_patients, seed)[:3])


def nih_truth(world: str) -> pd.DataFrame:
    """Compute the planted rates of a world, and those that a sample without weights has instead.

    Returns
    -------
    DataFrame
        One row a finding and sex: ``finding, sex``; ``prevalence``, ``sensitivity`` and ``specificity`` of the mined
        label by the primary mapping, with the panel as the reference; and ``plain_prevalence``, ``plain_sensitivity``
        and ``plain_specificity``, the same among the images that the panel reads, in expectation.

    Raises
    ------
    InputError
        There is no such world.
    """
    check_choice("world", world, tuple(NIH_WORLDS))
    planted, rows = NIH_WORLDS[world], []
    for sex, bedside in zip(layout.SEXES, planted.bedside, strict=True):
        rates = {finding: _rates(planted, finding, sex) for finding in READ}
        mined = {finding: p * se + (1 - p) * (1 - sp) for finding, (p, se, sp) in rates.items()}
        # Share drawn of all images of this sex with a mined label, and of those without one of this finding.
        views = np.array([bedside, 1 - bedside])
        without, labelled = views @ np.array(planted.drawn)
        for finding, (p, se, sp) in rates.items():
            other = 1 - np.prod([1 - share for name, share in mined.items() if name != finding])
            unlabelled = other * labelled + (1 - other) * without
            positive = p * np.array([se * labelled, (1 - se) * unlabelled])
            negative = (1 - p) * np.array([(1 - sp) * labelled, sp * unlabelled])
            row = {"finding": finding, "sex": sex, "prevalence": p, "sensitivity": se, "specificity": sp}
            row["plain_prevalence"] = positive.sum() / (positive.sum() + negative.sum())
            row["plain_sensitivity"] = positive[0] / positive.sum()
            row["plain_specificity"] = negative[1] / negative.sum()
            rows.append(row)
    return pd.DataFrame(rows)


def _rates(planted: World, finding: str, sex: str) -> tuple[float, float, float]:
    prevalence, sensitivity, specificity = READ[finding]
    return prevalence, sensitivity - planted.lost * (sex == "F"), specificity


def draw(world: str, n_patients: int, seed: int) -> Drawn:
    """Draw the three tables, with the truth; arguments and errors as in `simulate_nih_labels`."""
    check_choice("world", world, tuple(NIH_WORLDS))
    planted, n = NIH_WORLDS[world], check_count(n_patients, "n_patients")
    rng = np.random.default_rng(check_seed(seed))
    woman = rng.random(n) < WOMEN
    if planted.many:  # 56% have one image
        sizes = np.minimum(np.floor(rng.random(n) ** (-1 / 1.2)), 90).astype(int)
    else:
        sizes = rng.geometric(0.45, n)
    owner = np.repeat(np.arange(n), sizes)
    follow_up = np.arange(len(owner)) - np.repeat(sizes.cumsum() - sizes, sizes)
    bedside = rng.random(len(owner)) < np.where(woman, *planted.bedside)[owner]

    def patchy(share: np.ndarray | float) -> np.ndarray:
        """Draw 0 or 1 for each image with this share, alike within a patient."""
        rate = rng.beta(
            *(np.broadcast_to(side, n) * (1 / planted.alike - 1) for side in (share, 1 - np.asarray(share)))
        )
        return rng.random(len(owner)) < rate[owner]

    truth, mined = {}, {}
    for finding in READ:
        (p, low, sp), (_, high, _) = (_rates(planted, finding, sex) for sex in layout.SEXES)
        truth[finding] = patchy(p)
        mined[finding] = np.where(truth[finding], patchy(np.where(woman, low, high)), patchy(1 - sp))
    truth["fracture"] = patchy(FRACTURE)
    labels = _written(mined, rng) | {finding: patchy(share) for finding, share in _OTHERS.items()}
    entries = _entries(owner, follow_up, woman, bedside, labels, rng)
    shares = np.array(planted.drawn)[1 - bedside.astype(int), np.any(list(mined.values()), axis=0).astype(int)]
    part = np.array(layout.PARTS)[rng.integers(2, size=n)][owner]
    chosen = rng.random(len(owner)) < shares
    panel = _panel(entries[chosen], {k: v[chosen] for k, v in truth.items()}, part[chosen], rng)
    known = pd.DataFrame({layout.IMAGE: entries[layout.IMAGE]} | {k: v.astype(int) for k, v in truth.items()})
    return Drawn(entries, panel, _boxes(entries[layout.IMAGE].to_numpy(), labels, rng), known)


def _written(mined: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Write each mined label of a panel's finding as one or two of NIH's findings."""
    labels = {}
    for finding, held in mined.items():
        names, shares = list(_WRITTEN[finding]), np.cumsum(list(_WRITTEN[finding].values()))
        first, second = np.minimum(np.searchsorted(shares, rng.random((2, len(held)))), len(names) - 1)
        twice = rng.random(len(held)) < _SECOND
        labels |= {name: held & ((first == k) | (twice & (second == k))) for k, name in enumerate(names)}
    return labels


def _entries(
    owner: np.ndarray,
    follow_up: np.ndarray,
    woman: np.ndarray,
    bedside: np.ndarray,
    labels: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Write the NIH table: its eleven columns, one row an image."""
    names = {column: name for name, column in layout.FINDINGS.items()}
    order = sorted(labels)
    held = np.stack([labels[column] for column in order], axis=1)
    kinds, codes = np.unique(held @ (1 << np.arange(len(order))), return_inverse=True)
    texts = ["|".join(names[c] for k, c in enumerate(order) if kind >> k & 1) or layout.NO_FINDING for kind in kinds]
    age = rng.normal(47, 16, len(woman)).round().clip(1, 90).astype(int)[owner] + follow_up // 6
    number = FIRST + owner
    image = [f"{patient:08d}_{k:03d}.png" for patient, k in zip(number.tolist(), follow_up.tolist(), strict=True)]
    cells = (
        *(image, np.array(texts, dtype=object)[codes], follow_up, number, age.clip(max=layout.OLDEST)),
        *(np.where(woman, *layout.SEXES)[owner], np.where(bedside, *layout.VIEWS)),
        *(np.where(bedside, 2500, 2048), np.where(bedside, 2048, 2500), 0.168, 0.168),
    )
    return pd.DataFrame(dict(zip(layout.ENTRY_COLUMNS, cells, strict=True)))


def _panel(
    entries: pd.DataFrame, truth: dict[str, np.ndarray], part: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Write the panel's table: ages of another release, a year older in a third and far off in one of a thousand."""
    n = len(entries)
    older = (rng.random(n) < 0.35).astype(int)
    far = np.where(rng.random(n) < 0.001, rng.integers(2, 110, n), older)
    read = entries.assign(**{layout.AGE: entries[layout.AGE] + far})
    for column, finding in layout.PANEL_FINDINGS.items():
        read[column] = np.where(truth[finding], "YES", "NO")
    columns = [*layout.ENTRY_COLUMNS, "Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass", layout.PART]
    return read.assign(**{layout.PART: part})[columns].reset_index(drop=True)


def _boxes(image: np.ndarray, labels: dict[str, np.ndarray], rng: np.random.Generator) -> pd.DataFrame:
    """Write the table of boxes, with the three empty columns of the published one."""
    parts = []
    for name, finding in layout.BOX_FINDINGS.items():
        with_it = np.flatnonzero(labels[finding])
        chosen = np.sort(rng.choice(with_it, min(_BOXES, len(with_it)), replace=False))
        n, (x, y, width, height) = len(chosen), _PLACES[finding]
        x = x + rng.normal(0, 0.05, n)
        x = np.where((rng.random(n) < 0.5) & (finding != "cardiomegaly"), 1 - x, x)  # in either lung
        size = np.array([[width], [height]]) * rng.lognormal(0, 0.3, (2, n)).clip(0.4, 2)
        middle = np.clip([x, y + rng.normal(0, 0.08, n)], size / 2, 1 - size / 2)
        sides = np.vstack([middle - size / 2, size]).clip(0) * layout.SIDE
        cells = (image[chosen], name, *sides)
        parts.append(pd.DataFrame(dict(zip(layout.BOX_COLUMNS, cells, strict=True))))
    return pd.concat(parts, ignore_index=True).assign(**{f"Unnamed: {k}": np.nan for k in (6, 7, 8)})
