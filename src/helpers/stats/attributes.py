"""One score over several attributes: contrasts with a reference group, permutation nulls and detectable differences."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice
from helpers.stats import gaps, hypothesis
from helpers.stats.complement import beside_small_cells, small
from helpers.stats.inputs import check_scores
from helpers.stats.judging import judge
from helpers.stats.permute import Permutation, permutation
from helpers.stats.questions import adjust_once
from helpers.stats.resample import bootstrap, bootstrap_change

NOT_RECORDED = "not recorded"


def comparable(groups: pd.Series) -> pd.Series:
    """Return the groups as categories, with groups of fewer than ten cases set to missing.

    Raises
    ------
    InputError
        Fewer than two groups are left.
    """
    categories = groups.astype("category")
    sizes = categories.value_counts()
    kept = categories.where(categories.map(sizes).astype(float) >= SMALLEST_CELL).cat.remove_unused_categories()
    if len(kept.cat.categories) < 2:
        problem = f"{len(kept.cat.categories)} group(s) with {SMALLEST_CELL} cases or more, 2 are needed"
        suppressed = int((sizes.gt(0) & sizes.lt(SMALLEST_CELL)).sum())
        problem += f"; {suppressed} smaller group(s) suppressed" if suppressed else ""
        raise InputError(f"groups {groups.name}", problem, "Compare an attribute with larger groups.")
    return kept


def described(score: pd.Series, *, groups: pd.Series) -> pd.DataFrame:
    """Describe the score as `by_group` does, with cases without a group as an additional group, "not recorded"."""
    table = gaps.by_group(score, groups=groups, show_missing=True)
    return table.rename(index={"(missing)": NOT_RECORDED})


def group_sizes(groups: pd.Series) -> pd.DataFrame:
    """Count the cases of each group, "not recorded" last; one column ``n``."""
    counts = groups.astype("category").value_counts(sort=False).astype(int)
    table = pd.DataFrame({"n": counts.to_numpy()}, index=pd.Index(list(counts.index), dtype=object, name="group"))
    if missing := int(groups.isna().sum()):
        table.loc[NOT_RECORDED] = missing
    return table


def reference_group(groups: pd.Series) -> object:
    """Return the largest group: the choice by size does not depend on the scores."""
    return comparable(groups).value_counts(sort=False).idxmax()


def against_reference(score: pd.Series, *, groups: pd.Series, n_boot: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """Compute the mean of every group minus the mean of the reference, the largest group.

    Returns
    -------
    DataFrame
        Index ``group``; columns ``reference, n, n_reference, estimate, low, high`` (95% bootstrap interval),
        ``detectable`` (see `detectable_difference`), ``note``. Groups under ten cases are left out.
    """
    kept = comparable(groups)
    reference, rows = reference_group(groups), {}
    for group in kept.cat.categories.drop(reference):
        found = bootstrap(score, groups=kept, a=reference, b=group, n_boot=n_boot, seed=seed)
        first, second = (score[kept == g] for g in (reference, group))
        rows[group] = {
            "reference": reference,
            "n": len(second),
            "n_reference": len(first),
            "estimate": found.estimate,
            "low": found.low,
            "high": found.high,
            "detectable": detectable_difference(first, second),
            "note": found.note,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def detectable_difference(first: ArrayLike, second: ArrayLike, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Compute the smallest true difference of two means that a study of these sizes and SDs would detect.

    This is the minimum detectable effect: a two-sided t test at `alpha` would reject in a share `power` of such
    studies. It is the sum of two quantiles of Student's t, times the standard error from the pooled SD. It is not the
    "observed power" of the observed difference. Source: Bloom 1995; on observed power: Hoenig and Heisey 2001.
    """
    a, b = check_scores(first, "first"), check_scores(second, "second")
    if min(len(a), len(b)) < 2:
        raise InputError("groups", "a group has fewer than two cases", "A spread needs two cases.")
    df = len(a) + len(b) - 2
    squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    error = np.sqrt(squares / df * (1 / len(a) + 1 / len(b)))
    return float((stats.t.ppf(1 - alpha / 2, df) + stats.t.ppf(power, df)) * error)


def over_attributes(
    score: pd.Series,
    *,
    groups: Mapping[str, pd.Series],
    same: Mapping[str, str] = MappingProxyType({}),
    n_permutations: int = 5000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test the gap of every attribute against its permutation null, corrected for multiple testing.

    Parameters
    ----------
    same : mapping of str to str
        Attributes that are coarsenings of others, see `coarsenings`; both count once in the correction.

    Returns
    -------
    DataFrame
        Index ``attribute``; columns ``groups`` (number compared), ``n, gap, expected`` (mean of the null: the gap by
        chance alone), ``p, p_holm, p_bh``, ``test`` and ``p_test`` (of `choose_test`), ``note``. An attribute without
        two groups of ten cases stays in the table, with missing numbers and a note, and is not counted in the
        correction. ``attrs["questions"]`` is the number of questions corrected for, and ``attrs["nulls"]`` has the
        `Permutation` of each attribute that is compared.
    """
    nulls: dict[str, Permutation] = {}
    rows = {}
    for name, of in groups.items():
        rows[name], null = _attribute(score, of, n_permutations, seed)
        nulls |= {name: null} if null else {}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    corrected = adjust_once(table["p"], same)
    for position, (name, of) in enumerate({"p_holm": "holm", "p_bh": "bh"}.items()):
        table.insert(table.columns.get_loc("p") + 1 + position, name, corrected[of])
    table.attrs |= {"questions": corrected.attrs["questions"], "nulls": nulls}
    return table


def _attribute(score: pd.Series, groups: pd.Series, n: int, seed: int) -> tuple[dict[str, object], Permutation | None]:
    try:
        kept = comparable(groups)
    except InputError as error:
        nothing = dict.fromkeys(("gap", "expected", "p"), float("nan"))
        return {"groups": 0, "n": 0, **nothing, "test": "", "p_test": float("nan"), "note": error.problem}, None
    null = permutation(score, groups=kept, n=n, seed=seed)
    test, why = hypothesis.choose_test(score, groups=kept)
    row = {
        "groups": len(kept.cat.categories),
        "n": int(kept.notna().sum()),
        "gap": null.statistic,
        "expected": float(null.null.mean()),
        "p": null.p,
        "test": test.name,
        "p_test": test.p,
        "note": why,
    }
    return row, null


def intersections(groups: pd.DataFrame, *, cluster: ArrayLike | None = None) -> dict[str, pd.Series]:
    """Combine every pair of attributes into one attribute, "a and b".

    It is missing where either attribute is, and in the cells that `beside_small_cells` hides. With `cluster`, the
    patient of each row, these count patients.
    """
    found = {}
    for first, second in itertools.combinations(groups.columns, 2):
        names = [groups[column].astype("category").cat.categories for column in (first, second)]
        both = groups[first].astype(object) + ", " + groups[second].astype(object)
        both = both.mask(beside_small_cells(groups[first], groups[second], cluster=cluster))
        order = [f"{a}, {b}" for a, b in itertools.product(*names)]
        dtype = pd.CategoricalDtype([name for name in dict.fromkeys(order) if (both == name).any()])
        found[f"{first} and {second}"] = both.astype(dtype).rename(f"{first} and {second}")
    return found


def changed_by_ruler(
    first: pd.Series, second: pd.Series, *, groups: pd.Series, n_boot: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """Estimate the change of each group's contrast with the reference between two scores of the same cases.

    The second score measures the cases in another way (with another ruler). Both scores of a case are resampled
    together, see `bootstrap_change`.

    Returns
    -------
    DataFrame
        Index ``group``; columns ``n, n_reference, first, second, change, low, high`` (of the change) and ``verdict``
        (of `judge`).
    """
    kept = comparable(groups)
    reference, sizes, rows = reference_group(groups), kept.value_counts(), {}
    for level in kept.cat.categories.drop(reference):
        found = bootstrap_change(first, second, groups=kept, a=reference, b=level, n_boot=n_boot, seed=seed)
        rows[level] = {
            "n": int(sizes[level]),
            "n_reference": int(sizes[reference]),
            "first": found.first.estimate,
            "second": found.second.estimate,
            "change": found.change.estimate,
            "low": found.change.low,
            "high": found.change.high,
            "verdict": judge(found)[0],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def rates_at(
    score: pd.Series, *, groups: pd.Series, threshold: float, better: str = "higher", n: int = 5000, seed: int = 0
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Compute the share of successes in each group, and the max-min statistics over groups of ten cases or more.

    Parameters
    ----------
    threshold : float
        A case is a success if its score is above the threshold or, where lower is better, below it.
    better : {"higher", "lower"}
    n, seed : int
        Permutations for the p of the difference, and their seed.

    Returns
    -------
    table : DataFrame
        As `success_rates`, and ``rare``: True if 1 to 9 cases of the group succeed, or fail.
    summary : dict
        ``n`` cases compared, ``DPD`` (demographic parity difference), ``DIR`` (disparate impact ratio; NaN if no case
        succeeds) and ``p`` of the difference. If a compared group is rare, DPD and DIR are NaN: they would reveal its
        count.
    """
    good = score > threshold if _higher(better) else score < threshold
    kept = comparable(groups)
    null = permutation(good, groups=kept, n=n, seed=seed)
    ratio = gaps.disparate_impact_ratio(good, groups=kept) if good[kept.notna()].any() else float("nan")
    table = gaps.success_rates(good, groups=groups)
    table["rare"] = _rare(table["count"], table["n"])
    told = not table.loc[table["n"] >= SMALLEST_CELL, "rare"].any()
    dpd, ratio = (null.statistic, ratio) if told else (float("nan"), float("nan"))
    return table, {"n": int(kept.notna().sum()), "DPD": dpd, "DIR": ratio, "p": null.p}


def sweep_against_reference(
    score: pd.Series, *, groups: pd.Series, better: str = "higher"
) -> dict[object, pd.DataFrame]:
    """Compute `threshold_sweep` of every group against the reference, at thresholds spread over the scores.

    Counts, rates, differences and ratios are NaN where 1 to 9 cases of either group succeed, or fail.
    """
    kept, reference = comparable(groups), reference_group(groups)
    sign = 1 if _higher(better) else -1
    thresholds = np.unique(np.quantile(sign * score, np.linspace(0.05, 0.95, 19)))
    swept = {}
    for level in kept.cat.categories.drop(reference):
        table = gaps.threshold_sweep(sign * score, groups=kept, a=level, b=reference, thresholds=thresholds)
        rare = _rare(table["count_a"], table["n_a"]) | _rare(table["count_b"], table["n_b"])
        told = table.filter(regex="^(count|rate|difference|ratio)")
        swept[level] = table.assign(threshold=sign * table["threshold"], **told.mask(rare))
    return swept


def _rare(count: pd.Series, n: pd.Series) -> pd.Series:
    return small(count) | small(n - count)


def _higher(better: str) -> bool:
    check_choice("better", better, ("higher", "lower"))
    return better == "higher"
