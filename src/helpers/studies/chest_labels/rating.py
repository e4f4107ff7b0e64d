"""Rates of the mined labels against the panel by group, plain and weighted, with their differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.errors import check_choice
from helpers.stats import adjust_p
from helpers.studies.chest_labels.preparing import ATTRIBUTES, FINDINGS, Cohort
from helpers.studies.chest_labels.resampling import Draws, interval
from helpers.studies.chest_labels.weighing import Design, effective

RATES = ("sensitivity", "specificity", "prevalence by panel", "prevalence by mining")
WEIGHTINGS = ("plain", "weighted")


@dataclass(frozen=True)
class Comparison:
    """Rates of the groups of one attribute: a statistic of `resample`.

    `group` is the group of each panel image (negative: none), `mined` and `panel` are 0 or 1, shape (n, findings).
    """

    design: Design
    levels: tuple[str, ...]
    group: np.ndarray
    mined: np.ndarray
    panel: np.ndarray

    def __call__(self, times: np.ndarray) -> np.ndarray:
        """Compute rates, shape (draws, 2 weightings, findings, groups, 4 rates); NaN where no image is drawn."""
        weights = (times[:, self.design.owner], self.design.weights(times))
        return np.stack([self.rates(of) for of in weights], axis=1)

    def rates(self, weights: np.ndarray) -> np.ndarray:
        """Compute rates under weights of the panel's images (draws, n): (draws, findings, groups, 4 rates)."""
        k, found = self.mined.shape[1], []
        ones = np.ones_like(self.mined)
        parts = [self.mined * self.panel, self.panel, (1 - self.mined) * (1 - self.panel), 1 - self.panel, ones]
        columns = np.concatenate([*parts, self.mined], axis=1)
        for code in range(len(self.levels)):
            inside = self.group == code
            sums = (weights[:, inside] @ columns[inside]).reshape(len(weights), 6, k)
            true, positive, rejected, negative, all_, mined = np.moveaxis(sums, 1, 0)
            with np.errstate(invalid="ignore", divide="ignore"):
                found.append(np.stack([true / positive, rejected / negative, positive / all_, mined / all_], axis=-1))
        return np.stack(found, axis=2)

    @cached_property
    def once(self) -> np.ndarray:
        """Return the weights of the panel's images with each patient drawn once, shape (n,)."""
        return self.design.weights()[0]

    def sides(self, rate: str) -> np.ndarray:
        """Mark the images that are counted below a rate: positives, negatives or all, shape (n, findings)."""
        check_choice("rate", rate, RATES)
        return {"sensitivity": self.panel == 1, "specificity": self.panel == 0}.get(rate, self.panel >= 0)

    def sizes(self, finding: int, rate: str) -> pd.DataFrame:
        """Count the images, their patients, and the effective images below a rate, for each group."""
        weights, below = self.once, self.sides(rate)[:, finding]
        cells = [np.flatnonzero(below & (self.group == code)) for code in range(len(self.levels))]
        columns = {
            "n": [len(cell) for cell in cells],
            "n_patients": [len(np.unique(self.design.owner[cell])) for cell in cells],
            "effective": [effective(weights[cell]) for cell in cells],
        }
        return pd.DataFrame(columns, index=list(self.levels))


def compare(
    cohort: Cohort, design: Design, by: str, levels: tuple[str, ...] | None = None, *, part: str = ""
) -> Comparison:
    """Prepare the rates of the groups of one column.

    Parameters
    ----------
    cohort : Cohort
        Prepared with the mapping that is compared.
    design : Design
        Of the attribute that is compared.
    by : str
        Column of the panel: "sex", "age", "view" or "age_2019".
    levels : tuple of str, optional
        Groups, the reference first; those of the attribute if left out.
    part : str
        Only this part of the panel; all of it if empty.
    """
    levels = levels or ATTRIBUTES[by.removesuffix("_2019")]
    labels = cohort.panel[by].where(cohort.panel["part"] == part) if part else cohort.panel[by]
    group = pd.Categorical(labels, categories=levels).codes
    mined, panel = (cohort.panel[[f"{f}_{ruler}" for f in FINDINGS]].to_numpy(float) for ruler in ("mined", "panel"))
    return Comparison(design, levels, np.asarray(group), mined, panel)


def rate_table(comparison: Comparison, draws: Draws) -> pd.DataFrame:
    """Tabulate each rate of each group, plain and weighted.

    Returns
    -------
    DataFrame
        Index (finding, rate, group); columns ``n`` (images below the rate), ``n_patients``, ``effective`` (Kish),
        ``plain``, ``weighted`` and ``change`` (weighted less plain, from the same replicates), each followed by its
        ``_low, _high, _z, _p``. All groups are suppressed (NaN) if one has under ten patients.
    """
    rows = {}
    for (f, finding), (r, rate) in product(enumerate(FINDINGS), enumerate(RATES)):
        sizes = comparison.sizes(f, rate)
        for g, level in enumerate(comparison.levels):
            here = draws.of(lambda x, f=f, g=g, r=r: x[..., :, f, g, r])
            rows[finding, rate, level] = sizes.loc[level].to_dict() | _sides(here, sizes)
    return _sized(rows, ["finding", "rate", "group"])


def gap_table(
    comparison: Comparison, draws: Draws, *, rates: Sequence[str] = RATES, contrast: Sequence[float] = (-1, 1)
) -> pd.DataFrame:
    """Tabulate a contrast of the groups in each rate, plain and weighted.

    Parameters
    ----------
    comparison : Comparison
    draws : Draws
        Of `comparison`.
    rates : sequence of str
    contrast : sequence of float
        A factor for each group; the second less the first by default.

    Returns
    -------
    DataFrame
        Index (finding, rate); columns as in `rate_table`, of the contrast, with the sizes of all groups together.
    """
    rows, factors = {}, np.asarray(contrast, float)
    for (f, finding), rate in product(enumerate(FINDINGS), rates):
        sizes, r = comparison.sizes(f, rate), RATES.index(rate)
        here = draws.of(lambda x, f=f, r=r: x[..., :, f, :, r] @ factors)
        rows[finding, rate] = together(comparison, f, rate) | _sides(here, sizes)
    return _sized(rows, ["finding", "rate"])


def change_table(
    comparison: Comparison, first: Draws, second: Draws, *, names: tuple[str, str], rates: Sequence[str] = RATES[:2]
) -> pd.DataFrame:
    """Tabulate the weighted gap under two versions of the groups, such as two releases of age, and its paired change.

    Parameters
    ----------
    comparison : Comparison
        Of the second version; its sizes are shown.
    first, second : Draws
        Of both versions, from one call of `resample`.
    names : tuple of str
        Names of both versions.
    rates : sequence of str

    Returns
    -------
    DataFrame
        Index (finding, rate, version): both versions and "change" (second less first); columns ``n, n_patients``, and
        ``plain`` and ``weighted``, each followed by ``_low, _high, _p``.
    """
    rows, change = {}, Draws(second.estimate - first.estimate, second.replicates - first.replicates)
    for (f, finding), rate in product(enumerate(FINDINGS), rates):
        sizes, r = comparison.sizes(f, rate), RATES.index(rate)
        for name, of in ((names[0], first), (names[1], second), ("change", change)):
            here = of.of(lambda x, f=f, r=r: x[..., :, f, 1, r] - x[..., :, f, 0, r])
            rows[finding, rate, name] = together(comparison, f, rate) | _sides(here, sizes)
    table = _sized(rows, ["finding", "rate", "version"])
    return table.drop(columns=["effective", *(c for c in table if c.startswith("change") or c.endswith("_z"))])


def together(comparison: Comparison, finding: int, rate: str) -> dict[str, float]:
    """Count the images, patients and effective images of all groups together; a patient may be in several groups."""
    sizes = comparison.sizes(finding, rate)
    below = comparison.sides(rate)[:, finding] & (comparison.group >= 0)
    return sizes.sum().to_dict() | {"n_patients": len(np.unique(comparison.design.owner[below]))}


def _sized(rows: dict[tuple[str, ...], dict[str, float]], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(names)
    return table.astype({"n": int, "n_patients": int})


def _sides(here: Draws, sizes: pd.DataFrame) -> dict[str, float]:
    """Write a number plain, weighted, and as the change between them; NaN if a group has under ten patients."""
    n, row = int(sizes["n_patients"].sum()), {}
    takes = {"plain": lambda x: x[..., 0], "weighted": lambda x: x[..., 1], "change": lambda x: x[..., 1] - x[..., 0]}
    for name, take in takes.items():
        found = interval(here.of(take), n)
        row |= {name: found["estimate"], f"{name}_low": found["low"], f"{name}_high": found["high"]}
        row |= {f"{name}_z": found["z"], f"{name}_p": found["p"]}
    few = (sizes["n_patients"] < SMALLEST_CELL).any()
    return dict.fromkeys(row, float("nan")) if few else row


def primary(gaps: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the primary analysis: three findings, three attributes and two rates, with Holm over all of them.

    Parameters
    ----------
    gaps : dict of str to DataFrame
        `gap_table` of each attribute.

    Returns
    -------
    DataFrame
        Index (attribute, finding, rate); columns ``n, n_patients, effective, estimate, low, high`` (weighted), ``z, p,
        holm`` and ``reject_holm``. A suppressed difference has no p, and Holm corrects for the others.
    """
    table = pd.concat(gaps, names=["attribute"])
    table = table[table.index.get_level_values("rate").isin(RATES[:2])]
    named = {"weighted": "estimate"} | {f"weighted_{part}": part for part in ("low", "high", "z", "p")}
    table = table.rename(columns=named)[["n", "n_patients", "effective", "estimate", "low", "high", "z", "p"]]
    made = table["p"].notna()
    corrected = adjust_p(table.loc[made, "p"]) if made.any() else pd.DataFrame(columns=["holm", "reject_holm"])
    return table.join(corrected[["holm", "reject_holm"]])


def ruler_table(comparison: Comparison, draws: Draws, weighting: str = "weighted") -> pd.DataFrame:
    """Tabulate the gap in prevalence by the panel and by mining, and its paired change (mining less panel).

    Returns
    -------
    DataFrame
        Index (finding, ruler): "panel", "mined" and "mined less panel"; columns ``estimate, low, high, n``.
    """
    w, rows = WEIGHTINGS.index(weighting), {}
    for f, finding in enumerate(FINDINGS):
        sizes = comparison.sizes(f, "prevalence by panel")
        here = draws.of(lambda x, f=f: x[..., w, f, -1, 2:] - x[..., w, f, 0, 2:])
        takes = {"panel": lambda x: x[..., 0], "mined": lambda x: x[..., 1]}
        takes["mined less panel"] = lambda x: x[..., 1] - x[..., 0]
        for ruler, take in takes.items():
            size = together(comparison, f, "prevalence by panel")
            found = interval(here.of(take), size["n_patients"])
            few = (sizes["n_patients"] < SMALLEST_CELL).any()
            found = dict.fromkeys(found, float("nan")) if few else found
            rows[finding, ruler] = size | {k: found[k] for k in ("estimate", "low", "high", "p")}
    return _sized(rows, ["finding", "ruler"]).drop(columns="effective")
