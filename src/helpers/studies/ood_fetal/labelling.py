"""Facts that a table of labels has without any image: confounded factors, a hidden shift, and clusters of images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import stats
from helpers.stats import drawing
from helpers.stats.complement import beside_small_cells, small
from helpers.stats.resample import percentile_interval

PAIRS = (("operator", "machine"), ("plane", "machine"))


def parts_of_machines(cases: pd.DataFrame) -> pd.DataFrame:
    """Count the images and patients of each machine, and the images in the test part.

    Returns
    -------
    DataFrame
        Index machine; ``n`` (images), ``n_patients``, ``n_test`` (images), ``share_test``.
    """
    by = cases.assign(test=cases["part"] == "test").groupby("machine", sort=False)
    table = by.agg(n=("image", "size"), n_patients=("patient", "nunique"), n_test=("test", "sum"))
    return table.assign(share_test=table["n_test"] / table["n"]).sort_values("n", ascending=False)


def crossed_factors(cases: pd.DataFrame, first: str, second: str) -> tuple[pd.DataFrame, int]:
    """Count images of each combination of two factors; cells with one to nine patients are hidden.

    So are the cells from which these could be found by subtraction, see `helpers.stats.complement`.

    Returns
    -------
    counts : DataFrame
        NaN where a cell is hidden.
    hidden : int
        Number of hidden cells.
    """
    factors, patient = [cases[first], cases[second]], cases["patient"]
    patients = patient.groupby(factors).nunique().unstack(fill_value=0)
    beside = pd.Series(beside_small_cells(*factors, cluster=patient), index=cases.index)
    hidden = small(patients) | beside.groupby(factors).any().unstack(fill_value=False)
    return pd.crosstab(*factors).astype(float).mask(hidden), int(hidden.to_numpy().sum())


def association(cases: pd.DataFrame, first: str, second: str, *, n_boot: int = 200, seed: int = 0) -> dict[str, object]:
    """Estimate Cramér's V of two factors over images, with an interval over patients.

    Returns
    -------
    dict
        ``estimate, low, high, n``. V is 0 for independent factors and 1 if one decides the other. It is larger in a
        sample than in the population, and in a replicate than in the sample; so replicates are shifted until their
        mean is the estimate.
    """
    codes = [pd.factorize(cases[name])[0] for name in (first, second)]
    sizes = [int(code.max()) + 1 for code in codes]
    weights, people = _draws(cases, n_boot, seed)
    cell = codes[0] * sizes[1] + codes[1]
    found = np.array([_cramer(np.bincount(cell, w, sizes[0] * sizes[1]).reshape(sizes)) for w in weights])
    shifted = np.clip(found[1:] - found[1:].mean() + found[0], 0, 1)
    return stats.estimate(percentile_interval(float(found[0]), shifted, people, 0.95))


def plane_from_machine(cases: pd.DataFrame, *, n_boot: int = 200, seed: int = 0) -> dict[str, dict[str, object]]:
    """Estimate how often the machine alone predicts the plane of the test part, and the commonest plane alone.

    The commonest plane of each machine, and of all, is that of the training part.

    Returns
    -------
    dict
        ``machine``, ``commonest`` and ``gain`` (their difference), each ``estimate, low, high, n`` with an interval
        over the patients of the test part.
    """
    training, test = (cases[cases["part"] == part] for part in ("train", "test"))
    most = training["plane"].mode().iloc[0]
    rule = training.groupby("machine")["plane"].agg(lambda planes: planes.mode().iloc[0])
    hits = {
        "machine": (test["machine"].map(rule).fillna(most) == test["plane"]).to_numpy(float),
        "commonest": (test["plane"] == most).to_numpy(float),
    }
    hits["gain"] = hits["machine"] - hits["commonest"]
    weights, people = _draws(test, n_boot, seed)
    found = {name: weights @ values / weights.sum(1) for name, values in hits.items()}
    return {k: stats.estimate(percentile_interval(float(v[0]), v[1:], people, 0.95)) for k, v in found.items()}


def crowding(cases: pd.DataFrame) -> dict[str, float]:
    """Describe how images crowd in patients: the largest number of a patient, and the mean that an image meets.

    Returns
    -------
    dict
        ``patients``, ``largest``, and ``effective``: sum of squares over sum, which bounds the factor by which images
        of one patient widen a variance.
    """
    sizes = cases.groupby("patient").size().to_numpy(float)
    return {"patients": float(len(sizes)), "largest": sizes.max(), "effective": float((sizes**2).sum() / sizes.sum())}


def label_values(cases: pd.DataFrame, *, n_boot: int = 200, seed: int = 0) -> dict[str, object]:
    """Collect what a table of labels tells as nested values, with images and patients counted for each machine."""
    machines = parts_of_machines(cases)
    counts = machines[["n", "n_test"]].astype(int).to_dict("index")
    pairs = {f"{a}_{b}": association(cases, a, b, n_boot=n_boot, seed=seed) for a, b in PAIRS}
    images = {"images": len(cases), "machines": counts}
    return images | crowding(cases) | pairs | {"plane": plane_from_machine(cases, n_boot=n_boot, seed=seed)}


def _draws(cases: pd.DataFrame, n_boot: int, seed: int) -> tuple[np.ndarray, int]:
    """Return the weights of images, ones first and then those of drawn patients, and the number of patients."""
    code, people = pd.factorize(cases["patient"])
    times = drawing.multinomial(len(people), n_boot=n_boot, seed=seed)[:, code].astype(float)
    return np.concatenate([np.ones((1, len(code))), times]), len(people)


def _cramer(counts: np.ndarray) -> float:
    """Compute Cramér's V of a table of counts; lines without any count are left out."""
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
    n, expected = counts.sum(), np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / n / max(min(counts.shape) - 1, 1)))
