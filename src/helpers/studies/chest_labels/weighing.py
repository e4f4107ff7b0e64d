"""Design weights: one over the share of images that were drawn for the panel, in strata, and their balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from helpers.datasets import NIH_MAPPING
from helpers.disclosure import SMALLEST_CELL
from helpers.studies.chest_labels.preparing import LABELS, Cohort


def ladder(images: pd.DataFrame, attribute: str) -> list[np.ndarray]:
    """Number the keys of strata, from fine to coarse, each crossed with the view and the attribute.

    They are: every mined label that a mapping uses; the outcomes of all mappings; the outcomes of the first mapping;
    whether any of those is positive; nothing more.

    Returns
    -------
    list of ndarray of int, shape (n,)
    """
    mappings = [list(mapping.values()) for mapping in NIH_MAPPING.values()]
    columns = dict.fromkeys(column for mapping in mappings for used in mapping for column in used)
    outcomes = [images[list(used)].max(axis=1) for mapping in mappings for used in mapping]
    first = outcomes[: len(mappings[0])]
    rungs = [[images[c] for c in columns], outcomes, first, [pd.concat(first, axis=1).max(axis=1)], []]
    base = [images[name] for name in dict.fromkeys(["view", attribute])]
    return [_crossed([*base, *rung]) for rung in rungs]


def _crossed(columns: Sequence[pd.Series]) -> np.ndarray:
    """Number the combinations of several columns."""
    codes = np.zeros(len(columns[0]), int)
    for column in columns:
        found, levels = pd.factorize(column)
        codes = pd.factorize(codes * (len(levels) + 1) + found + 1)[0]
    return codes


def strata(keys: Sequence[np.ndarray], drawn: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Divide images into strata from each of which images of ten patients or more were drawn.

    A stratum with fewer is joined with the other small ones that have the same next coarser key, and so on. The images
    that are left at the coarsest key join the stratum of that key with most patients drawn, if there is one.

    Parameters
    ----------
    keys : sequence of ndarray of int, shape (n,)
        Keys from fine to coarse.
    drawn : ndarray of bool, shape (n,)
        Images that were drawn.
    patient : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int, shape (n,)
        Stratum of each image, 0 to S - 1.
    """
    found, used = np.full(len(drawn), -1), 0
    for key in keys:
        open_ = np.flatnonzero(found < 0)
        codes, _ = pd.factorize(key[open_])
        enough = _people(codes, drawn[open_], patient[open_]) >= SMALLEST_CELL
        kept = enough[codes] if len(codes) else np.zeros(0, bool)
        found[open_[kept]] = used + codes[kept]
        used += len(enough)
    codes, _ = pd.factorize(keys[-1])
    for code in np.unique(codes[found < 0]):
        here = codes == code
        settled = here & (found >= 0)
        home = used + code
        if settled.any():
            home = int(np.argmax(_people(found[settled], drawn[settled], patient[settled])))
        found[here & (found < 0)] = home
    return pd.factorize(found)[0]


def _people(codes: np.ndarray, drawn: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Count the patients with a drawn image in each stratum."""
    pairs = pd.DataFrame({"code": codes, "patient": patient})[drawn].drop_duplicates()
    return np.bincount(pairs["code"], minlength=codes.max() + 1 if len(codes) else 0)


@dataclass(frozen=True)
class Design:
    """Strata of all images and of the panel's.

    `owner` and `stratum` are the patient and the stratum of each panel image. `totals` counts each patient's images in
    each stratum, times the share that the stratum's part has of the panel.
    """

    owner: np.ndarray
    stratum: np.ndarray
    totals: sparse.csr_matrix

    def weights(self, times: np.ndarray | None = None) -> np.ndarray:
        """Compute the weights anew from a resampling of all patients.

        Parameters
        ----------
        times : ndarray of shape (draws, n_patients), optional
            How often each patient is drawn; once each if left out.

        Returns
        -------
        ndarray of shape (draws, n)
            How often each panel image is drawn, times all images of its stratum over its panel images. An image
            outside all strata has 0.
        """
        times = np.ones((1, self.totals.shape[0])) if times is None else times
        often = times[:, self.owner]
        within = sparse.csr_matrix(
            (np.ones(len(self.stratum)), (np.arange(len(self.stratum)), self.stratum)),
            shape=(len(self.stratum), self.totals.shape[1]),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = (times @ self.totals) / (often @ within)
        return often * np.where(np.isfinite(ratio), ratio, 0)[:, self.stratum]


def design(cohort: Cohort, attribute: str, *, parts: bool = True) -> Design:
    """Build the strata of one attribute.

    The part of an image is only known if it was drawn. So each part of the panel counts as a sample of all images, and
    divides them into strata by `strata`. The parts then count by their shares of the panel, in each group alike.

    Parameters
    ----------
    cohort : Cohort
    attribute : str
        "sex", "age" or "view". Images without a group of it are outside all strata.
    parts : bool
        Whether each part has strata; otherwise the panel is one sample.
    """
    images, panel = cohort.images, cohort.panel
    known = images[attribute].notna().to_numpy()
    keys = [key[known] for key in ladder(images, attribute)]
    patient, rows = images["patient"].to_numpy()[known], np.cumsum(known) - 1
    stratum, totals, used = np.zeros(len(panel), int), [], 0
    grouped = known[panel["position"]].sum()
    every = panel["part"].to_numpy() if parts else np.zeros(len(panel))
    for part in np.unique(every):
        inside = (every == part) & known[panel["position"]]
        position = rows[panel["position"][inside]]
        drawn = np.zeros(known.sum(), bool)
        drawn[position] = True
        codes = strata(keys, drawn, patient)
        size = codes.max() + 1
        share = np.full(len(codes), inside.sum() / grouped)
        totals.append(sparse.csr_matrix((share, (patient, codes)), shape=(cohort.n_patients, size)))
        stratum[inside] = used + codes[position]
        used += size
    totals.append(sparse.csr_matrix((cohort.n_patients, 1)))  # of images without a group: weight 0
    stratum[~known[panel["position"]]] = used
    return Design(panel["patient"].to_numpy(), stratum, sparse.hstack(totals).tocsr())


def balance(cohort: Cohort, weights: np.ndarray) -> pd.DataFrame:
    """Compare the panel's images with all images, before and after weighting.

    Parameters
    ----------
    cohort : Cohort
    weights : ndarray of shape (n,)
        Weights of the panel's images.

    Returns
    -------
    DataFrame
        Index: groups and mined labels. Columns ``all, panel, weighted`` (shares of images), ``before, after``
        (standardised differences from all images, in standard deviations of all), ``n`` (panel images that have it),
        ``n_all`` (images that have it) and ``drawn`` (the share of those that the panel read).
    """
    images = cohort.images
    marks = {"women": images["sex"] == "F", "50 and over": images["age"] == "50 and over", "AP": images["view"] == "AP"}
    marks |= {label.replace("_", " "): images[label] == 1 for label in LABELS}
    rows = {}
    for name, mark in marks.items():
        inside = mark.to_numpy()[cohort.panel["position"]]
        shares = {"all": mark.mean(), "panel": inside.mean(), "weighted": np.average(inside, weights=weights)}
        spread = np.sqrt(shares["all"] * (1 - shares["all"]))
        spread = spread if spread > 0 else np.nan
        apart = {"before": "panel", "after": "weighted"}
        rows[name] = shares | {k: (shares[of] - shares["all"]) / spread for k, of in apart.items()}
        rows[name] |= {"n": int(inside.sum()), "n_all": int(mark.sum())}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.assign(drawn=table["n"] / table["n_all"])


def weight_table(designs: dict[str, Design]) -> pd.DataFrame:
    """Tabulate strata and weights of several designs: number of strata, range of the weights, effective images."""
    rows = {}
    for name, of in designs.items():
        weights = of.weights()[0]
        inside = weights > 0
        range_ = {"lowest": weights[inside].min(), "highest": weights.max()}
        rows[name] = {"strata": len(np.unique(of.stratum[inside])), **range_, "effective": effective(weights)}
        rows[name]["n"] = int(inside.sum())
    return pd.DataFrame.from_dict(rows, orient="index")


def effective(weights: np.ndarray) -> float:
    """Compute Kish's effective number of images under weights: (sum of w)^2 over the sum of w^2.

    Source: Kish 1965, Survey sampling, section 11.7. It ignores that images of one patient resemble each other.
    """
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0
