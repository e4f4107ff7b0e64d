"""Per-case scores of two groups at two hospitals with planted effects: a whole cohort in a millisecond.

A case's score on gold labels has a Beta distribution; its mean and variance contain the effects. The audit sees the
score on reference labels, some of which are flawed, or copied from the model that is judged. So every expected contrast
is a finite sum. The noise of a case depends on the seed alone: a changed effect does not change the noise, and a larger
cohort includes the cases of a smaller one.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import betaincc, betaincinv

from helpers.datasets.shared.checks import check_seed
from helpers.errors import InputError, check_choice

GROUPS = ("A", "B")
HOSPITALS = ("hospital 1", "hospital 2")
MEAN, PRECISION = 0.8, 8.0
FLAW = 0.3  # share of a case's score that is lost by a flawed reference label
LARGEST = 20_000  # most patients of a group

# Planted effects: name -> (default, unit, meaning). The defaults plant nothing.
SCORED_EFFECTS: dict[str, tuple[float, str, str]] = {
    "difficulty": (0.0, "score", "mean of A minus B on gold labels, at both hospitals"),
    "spread": (1.0, "ratio", "variance of B's scores over A's, at the same mean"),
    "label_bias": (0.0, "share", "flawed reference labels in B; under 0: labels copied from the model"),
    "hospital_effect": (0.0, "score", "mean at hospital 1 minus hospital 2, in both groups"),
    "opposite": (0.0, "score", "what B gains at hospital 1 and loses at hospital 2"),
    "second_a": (0.5, "share", "of A seen at hospital 2"),
    "second_b": (0.5, "share", "of B seen at hospital 2"),
}

# Set-ups for teaching: name -> arguments of `scored_cohort`, with the threshold of success if it matters.
SET_UPS: dict[str, dict[str, float]] = {
    "a gap from noise": {"n_a": 60, "n_b": 60, "attributes": 12},
    "hidden by pooling": {"n_a": 300, "n_b": 300, "opposite": 0.06},
    "made by pooling": {"n_a": 300, "n_b": 300, "hospital_effect": 0.15, "second_a": 0.2, "second_b": 0.8},
    "another threshold": {"n_a": 300, "n_b": 300, "difficulty": -0.02, "spread": 4, "threshold": 0.6},
    "other labels": {"n_a": 300, "n_b": 300, "difficulty": 0.05, "label_bias": -0.5},
}


def scored_cohort(
    *,
    n_a: int = 300,
    n_b: int = 300,
    attributes: int = 0,
    levels: int = 4,
    threshold: float = 0.8,
    seed: int = 0,
    **planted: float,
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Simulate scores of two groups at two hospitals, on gold and on reference labels, and return the planted truth.

    Parameters
    ----------
    n_a, n_b : int
        Patients of each group; one of them may be 0.
    attributes, levels : int
        Number of further columns "attribute 1" and so on, and number of values of each. They are unrelated to the
        score.
    threshold : float
        A case is a success if its score is above the threshold; used for the truth alone.
    seed : int
    **planted : float
        Effects by the names of `SCORED_EFFECTS`; the defaults plant nothing.

    Returns
    -------
    frame : pandas.DataFrame
        One row per patient: ``group``, ``hospital`` (categories), ``gold`` (score on gold labels), ``score`` (on
        reference labels), and the attributes.
    truth : dict
        ``score`` and ``gold``, each with the expected B - A of the ``mean`` and of the ``rate`` of success, pooled
        (``pooled``) and at each hospital (by its name). NaN at a hospital where a group is never seen.

    Raises
    ------
    InputError
        A size, a share or an effect is out of range, or an effect is unknown.
    """
    effects = _checked(planted)
    sizes = {"A": _size(n_a, "n_a"), "B": _size(n_b, "n_b")}
    _size(attributes, "attributes")
    if _size(levels, "levels") == 0:
        raise InputError("levels", "must be 1 or more, got 0", "Give 1 or more")
    if n_a + n_b == 0:
        raise InputError("n_a, n_b", "both groups are empty", "Give one of the groups some patients")
    parts = []
    for stream, (group, n) in zip(np.random.default_rng(check_seed(seed)).spawn(2), sizes.items(), strict=True):
        # One row of draws per patient, so that a larger cohort begins with the smaller one.
        luck = stream.random((n, 3))
        others = stream.spawn(1)[0].random((n, attributes))
        hospital = (luck[:, 0] < effects["second_b" if group == "B" else "second_a"]).astype(int)
        mean, precision = _beta(effects, group)
        gold = betaincinv(mean[hospital] * precision, (1 - mean[hospital]) * precision, luck[:, 1])
        bias = effects["label_bias"] if group == "B" else 0.0
        changed = np.where(bias > 0, (1 - FLAW) * gold, 1.0)
        part = {"group": group, "hospital": np.array(HOSPITALS)[hospital], "gold": gold}
        part["score"] = np.where(luck[:, 2] < abs(bias), changed, gold)
        part |= {f"attribute {k + 1}": 1 + np.floor(others[:, k] * levels).astype(int) for k in range(attributes)}
        parts.append(pd.DataFrame(part))
    frame = pd.concat(parts, ignore_index=True)
    categories = {"group": pd.CategoricalDtype(GROUPS), "hospital": pd.CategoricalDtype(HOSPITALS)}
    return frame.astype(categories), _truth(effects, threshold)


def _checked(planted: dict[str, float]) -> dict[str, float]:
    for name, value in planted.items():
        check_choice("planted effect", name, SCORED_EFFECTS)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
            raise InputError(name, f"{value!r} is not a finite number", f"Give a number ({SCORED_EFFECTS[name][1]})")
    effects = {name: float(planted.get(name, default)) for name, (default, _, _) in SCORED_EFFECTS.items()}
    for name, least in (("label_bias", -1), ("second_a", 0), ("second_b", 0)):
        if not least <= effects[name] <= 1:
            raise InputError(name, f"{effects[name]:g} is not a share", f"Give {least} to 1")
    if not 0 < effects["spread"] < PRECISION:
        raise InputError(
            "spread", f"{effects['spread']:g} is out of range", f"Give more than 0, less than {PRECISION:g}"
        )
    means = np.concatenate([_beta(effects, group)[0] for group in GROUPS])
    if means.min() < 0.05 or means.max() > 0.98:
        raise InputError(
            "difficulty, hospital_effect, opposite",
            f"together they ask for mean scores from {means.min():.2f} to {means.max():.2f}, outside 0.05 to 0.98",
            "Plant smaller effects",
        )
    return effects


def _size(n: int, name: str) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 0 <= n <= LARGEST:
        raise InputError(name, f"{n!r} is not a whole number from 0 to {LARGEST:,}", "Give a number such as 300")
    return int(n)


def _beta(effects: dict[str, float], group: str) -> tuple[np.ndarray, float]:
    """Compute the mean of the score on gold labels at each hospital, shape (2,), and its Beta precision."""
    half = np.array([0.5, -0.5])
    mean = MEAN + effects["hospital_effect"] * half
    if group == "A":
        return mean, PRECISION
    # The variance of a Beta distribution is m (1 - m) / (precision + 1).
    return mean - effects["difficulty"] + effects["opposite"] * 2 * half, (PRECISION + 1) / effects["spread"] - 1


def _truth(effects: dict[str, float], threshold: float) -> dict[str, object]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for labels in ("score", "gold"):
        found[labels] = {}
        for kind in ("mean", "rate"):
            cells, shares = {}, {}
            for group in GROUPS:
                mean, precision = _beta(effects, group)
                bias = effects["label_bias"] if (labels, group) == ("score", "B") else 0.0
                cells[group] = _expected(kind, mean, precision, bias, threshold)
                second = effects[f"second_{group.lower()}"]
                shares[group] = np.array([1 - second, second])
            there = (shares["A"] > 0) & (shares["B"] > 0)
            within = np.where(there, cells["B"] - cells["A"], np.nan)
            pooled = float(shares["B"] @ cells["B"] - shares["A"] @ cells["A"])
            found[labels][kind] = {"pooled": pooled, **dict(zip(HOSPITALS, within.tolist(), strict=True))}
    return found


def _expected(kind: str, mean: np.ndarray, precision: float, bias: float, threshold: float) -> np.ndarray:
    """Compute the expected score, or rate above the threshold, if a share of the labels is flawed or copied."""

    def over(limit: float) -> np.ndarray:
        return betaincc(mean * precision, (1 - mean) * precision, np.clip(limit, 0, 1))

    if kind == "mean":
        right, changed = mean, (1 - FLAW) * mean if bias > 0 else np.ones(2)
    else:
        right, changed = over(threshold), over(threshold / (1 - FLAW)) if bias > 0 else np.full(2, float(threshold < 1))
    return (1 - abs(bias)) * right + abs(bias) * changed
