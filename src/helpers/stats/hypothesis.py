"""Tests of the null hypothesis "the groups do not differ", their assumptions, and the choice between them.

ANOVA and Welch compare means. Kruskal-Wallis tests if the scores of one group tend to be larger. These are different
questions, so the tests may rightly disagree on the same cases.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from helpers.errors import InputError
from helpers.stats.inputs import Grouped, group_scores


@dataclass(frozen=True)
class Test:
    """Result of a hypothesis test.

    `df1, df2` are degrees of freedom (NaN if a test has none), and `effect` is an effect size, named by `effect_name`.
    `note` lists the cases or groups left out, and values defined by convention.
    """

    __test__ = False  # not a test class of pytest

    name: str
    statistic: float
    p: float
    n: int
    df1: float = float("nan")
    df2: float = float("nan")
    effect: float = float("nan")
    effect_name: str = ""
    note: str = ""


def anova(score: ArrayLike, *, groups: ArrayLike) -> Test:
    """Test equal means by one-way analysis of variance, assuming normal scores of equal variance. Effect: eta squared.

    Groups of fewer than two cases are left out and named in the note. If all scores are equal, F is 0/0 and is defined
    as 0 with p = 1. If each group is constant but the groups differ, F is infinite and p = 0.
    """
    return test_named("ANOVA", *testable(score, groups))


def welch(score: ArrayLike, *, groups: ArrayLike) -> Test:
    """Test equal means by Welch's analysis of variance, which allows unequal variances. Effect: eta squared.

    Small groups and equal scores are treated as in `anova`; otherwise a constant group raises InputError. Source: Welch
    1951.
    """
    return test_named("Welch", *testable(score, groups))


def kruskal(score: ArrayLike, *, groups: ArrayLike) -> Test:
    """Test by Kruskal-Wallis on ranks, corrected for ties. Effect: epsilon squared, ``H / (n - 1)``.

    If all scores are equal, H is defined as 0 with p = 1.
    """
    return test_named("Kruskal-Wallis", *testable(score, groups))


def compare(score: ArrayLike, *, groups: ArrayLike) -> pd.DataFrame:
    """Tabulate ANOVA, Welch and Kruskal-Wallis; if Welch is undefined, its row has NaN and the reason in `note`."""
    rows = []
    for name, test in (("ANOVA", anova), ("Welch", welch), ("Kruskal-Wallis", kruskal)):
        try:
            rows.append(asdict(test(score, groups=groups)))
        except InputError as error:
            if test is not welch:
                raise
            rows.append({"name": name, "note": f"undefined: {error.problem}"})
    return pd.DataFrame(rows).rename(columns={"name": "test"}).set_index("test")


def assumptions(score: ArrayLike, *, groups: ArrayLike) -> pd.DataFrame:
    """Check the assumptions of ANOVA.

    Returns
    -------
    pandas.DataFrame
        Rows: Shapiro-Wilk on the residuals (at most 5,000, the limit of its validity, evenly spaced in sorted order),
        Levene, Brown-Forsythe, the ratio of the largest to the smallest SD, and the size of the smallest group. Columns
        ``statistic, p, assumption`` (a small p is evidence against the assumption).
    """
    data, _ = testable(score, groups)
    parts = data.split()
    sds = np.array([part.std(ddof=1) if np.ptp(part) > 0 else 0.0 for part in parts])  # else it is rounding
    residuals = np.sort(np.concatenate([part - part.mean() for part in parts]))
    constant = not np.any(sds > 0)
    rows: dict[str, tuple[float, float, str]] = {}
    if len(residuals) > 5000:
        residuals = residuals[np.linspace(0, len(residuals) - 1, 5000).astype(int)]
    defined = not constant and len(residuals) >= 3
    rows["Shapiro-Wilk"] = (*_pair_of(stats.shapiro, residuals, defined=defined), "residuals are normal")
    for name, center in (("Levene", "mean"), ("Brown-Forsythe", "median")):
        values = _pair_of(stats.levene, *parts, defined=not constant, center=center)
        rows[name] = (*values, "variances are equal")
    ratio = float(sds.max() / sds.min()) if sds.min() > 0 else (1.0 if constant else float("inf"))
    rows["SD ratio"] = (ratio, np.nan, "near 1: largest over smallest SD")
    rows["smallest group"] = (float(min(map(len, parts))), np.nan, "30 cases or more, or normal residuals")
    return pd.DataFrame.from_dict(rows, orient="index", columns=["statistic", "p", "assumption"])


def choose_test(score: ArrayLike, *, groups: ArrayLike, alpha: float = 0.05) -> tuple[Test, str]:
    """Choose the test that suits the cases by a fixed rule; return it with the reason in a sentence.

    With at least 30 cases in every group, group means are nearly normal for any distribution of scores, so means are
    compared: by Welch if Brown-Forsythe rejects equal variances, otherwise by ANOVA. ANOVA is also used if a constant
    group leaves Welch undefined. With fewer cases the same rule holds if Shapiro-Wilk does not reject normal residuals;
    otherwise the test is Kruskal-Wallis.
    """
    checks = assumptions(score, groups=groups)
    smallest = int(checks.loc["smallest group", "statistic"])
    normal, equal = (checks.loc[row, "p"] >= alpha for row in ("Shapiro-Wilk", "Brown-Forsythe"))
    p_normal, p_equal = (f"p = {checks.loc[row, 'p']:.2g}" for row in ("Shapiro-Wilk", "Brown-Forsythe"))
    if smallest < 30 and not normal:
        chosen = kruskal(score, groups=groups)
        why = f"the smallest group has {smallest} cases and the residuals are not normal (Shapiro-Wilk {p_normal})"
    else:
        enough = f"the smallest group has {smallest} cases" + ("" if smallest >= 30 else ", residuals look normal")
        spread = "equal" if equal else "unequal"
        why = f"{enough}, and variances are {spread} (Brown-Forsythe {p_equal})"
        no_welch = equal or checks.loc["SD ratio", "statistic"] == np.inf
        chosen = anova(score, groups=groups) if no_welch else welch(score, groups=groups)
    what = "distributions" if chosen.name == "Kruskal-Wallis" else "means"
    return chosen, f"{chosen.name} compares {what}, because {why}."


_CONSTANT = "all scores are equal: statistic defined as 0, p as 1; "


def testable(score: ArrayLike, groups: ArrayLike) -> tuple[Grouped, str]:
    """Return the labelled cases of groups with at least two cases, and a note on the cases and groups left out."""
    data = group_scores(score, groups)
    sizes = np.bincount(data.codes[data.codes >= 0], minlength=len(data.levels))
    small = [level for level, size in zip(data.levels, sizes, strict=True) if size < 2]
    notes = [f"{data.n_missing} cases without a group left out"] if data.n_missing else []
    notes += [f"too few cases to test, left out: {', '.join(map(str, small))}"] if small else []
    keep = [k for k, size in enumerate(sizes) if size >= 2]
    if len(keep) < 2:
        raise InputError("groups", f"only {len(keep)} group(s) have two cases or more", "A test needs two such groups.")
    rank = np.full(len(data.levels) + 1, -1)
    rank[keep] = np.arange(len(keep))
    return Grouped(data.values, rank[data.codes], [data.levels[k] for k in keep]).labelled(), "; ".join(notes)


def test_named(name: str, data: Grouped, note: str = "") -> Test:
    """Make one of the three tests on checked cases, all of which have a group; see `testable`."""
    if name == "Kruskal-Wallis":
        return _kruskal(data, note)
    return _one_way(name, data, note, equal_variance=name == "ANOVA")


def _kruskal(data: Grouped, note: str) -> Test:
    k, n = len(data.levels), len(data.values)
    if np.ptp(data.values) == 0:
        return Test("Kruskal-Wallis", 0.0, 1.0, n, k - 1, effect=0.0, effect_name="epsilon2", note=_CONSTANT + note)
    h, p = stats.kruskal(*data.split())
    return Test(
        "Kruskal-Wallis", float(h), float(p), n, k - 1, effect=float(h / (n - 1)), effect_name="epsilon2", note=note
    )


def _one_way(name: str, data: Grouped, note: str, *, equal_variance: bool) -> Test:
    parts, n, k = data.split(), len(data.values), len(data.levels)
    if np.ptp(data.values) == 0:
        return Test(name, 0.0, 1.0, n, k - 1, n - k, 0.0, "eta2", _CONSTANT + note)
    means = np.array([part.mean() for part in parts])
    sizes = np.array([len(part) for part in parts])
    constant = [np.ptp(part) == 0 for part in parts]
    eta2 = float((sizes * (means - data.values.mean()) ** 2).sum() / ((data.values - data.values.mean()) ** 2).sum())
    if equal_variance and all(constant):
        return Test(name, float("inf"), 0.0, n, k - 1, n - k, eta2, "eta2", "every group is constant; " + note)
    if not equal_variance:
        if any(constant):
            which = [str(level) for level, flat in zip(data.levels, constant, strict=True) if flat]
            raise InputError("score", f"constant in {', '.join(which)}, Welch is undefined", "Use stats.permutation.")
        weight = sizes / np.array([part.var(ddof=1) for part in parts])
        spread = ((1 - weight / weight.sum()) ** 2 / (sizes - 1)).sum()
        df2 = (k**2 - 1) / (3 * spread)
    else:
        df2 = n - k
    f, p = stats.f_oneway(*parts, equal_var=equal_variance)
    return Test(name, float(f), float(p), n, k - 1, float(df2), eta2, "eta2", note)


def _pair_of(test, *samples, defined: bool, **options) -> tuple[float, float]:
    if not defined:
        return float("nan"), 1.0
    with np.errstate(divide="ignore"):  # no spread within groups: the statistic is infinite
        result = test(*samples, **options)
    return float(result.statistic), float(result.pvalue)
