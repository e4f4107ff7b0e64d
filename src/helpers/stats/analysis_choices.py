"""Multiverse analysis: one question under every defensible choice of bins, outcome, test, exclusion and adjustment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats import gaps, hypothesis, models, pairs
from helpers.stats.label_audit import OLDER, YOUNG, paper_ethnicity
from helpers.stats.permute import permutation
from helpers.stats.resample import bootstrap

COLUMNS = ["choice", "setting", "effect_name", "effect", "low", "high", "p", "n", "verdict", "note"]


def choices(
    frame: pd.DataFrame,
    *,
    score: str = "dice",
    thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    alpha: float = 0.05,
    n_boot: int = 2000,
    n_permutations: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Estimate the effect of age under each analysis choice, Older minus Young.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns `score`, ``age, age_group, ethnicity, dataset``, and optionally ``site`` and ``expert_cc``.
    thresholds : sequence of float
        Fixed thresholds of success to try in addition to the top quarter.
    alpha, n_boot, n_permutations, seed
        Significance level of the verdict; numbers of bootstrap replicates and permutations, and their seed.

    Returns
    -------
    pandas.DataFrame
        Columns ``choice, setting, effect_name`` (name and unit of `effect`), ``effect, low, high`` (95% interval),
        ``p`` (of the test in the setting; ANOVA, Welch, Kruskal-Wallis and permutation compare all three groups), ``n``
        (cases used), ``verdict`` ("older higher", "younger higher", "not shown" if p >= `alpha`, "undefined"),
        ``note``. A choice that the frame does not allow stays in the table as undefined.

    Notes
    -----
    The table shows how much a verdict depends on the analysis. It is not a menu: choose one analysis before seeing the
    results, and report the others.
    """
    rows = _Rows(alpha)
    aged = frame[frame["age_group"].notna()]
    boot = {"n_boot": n_boot, "seed": seed}
    table = {"n": n_permutations, "seed": seed}

    rows.add("reference", "groups as given, mean, ANOVA", lambda: _means(aged, score, hypothesis.anova, boot))
    age = frame["age"]
    bins = {"young < 40": (age < 40, age > 55), "young < 40, older >= 55": (age < 40, age >= 55)}
    for setting, outer in bins.items():
        other = frame.assign(age_group=_bins(age, *outer))
        rows.add("age bins", setting, lambda other=other: _means(other, score, hypothesis.anova, boot))
    rows.add("age bins", "continuous age", lambda: _effect(models.slope(aged, score=score, on="age"), "per year"))
    for value in thresholds:
        rows.add("success", f"> {value:g}", lambda v=value: _rates(frame, score, threshold=v))
    rows.add("success", "top 25%", lambda: _rates(frame, score, quantile=0.75))

    rows.add("test", "Welch", lambda: _means(aged, score, hypothesis.welch, boot))
    rows.add("test", "Kruskal-Wallis", lambda: _ranks(aged, score))
    for setting, strata in (("permutation", None), ("permutation within sources", aged["dataset"])):

        def shuffle(values: pd.Series, *, groups: pd.Series, strata: pd.Series | None = strata) -> object:
            return permutation(values, groups=groups, strata=strata, **table)

        rows.add("test", setting, lambda test=shuffle: _means(aged, score, test, boot))

    for setting, left in (("Dice exactly 1", aged[score] < 1), ("Dice exactly 0", aged[score] > 0)):
        rows.add("exclude", setting, lambda kept=left: _means(aged[kept], score, hypothesis.anova, boot))

    for setting, subset, adjust in _adjustments(aged):
        rows.add("adjust", setting, lambda s=subset, t=adjust: _adjusted(s, score, t))
        rows.add("adjust", f"{setting}, HC3 errors", lambda s=subset, t=adjust: _adjusted(s, score, t, robust=True))
    clusters = [name for name in ("dataset", "site") if name in aged]
    rows.add(
        "adjust",
        f"mixed model, random intercept of {'/'.join(clusters)}",
        lambda: _effect(models.mixed_slope(aged, score=score, on="age", cluster=clusters), "per year"),
    )
    return rows.frame()


def ethnicity_choices(frame: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """Estimate the effect of ethnicity on Dice by test and by treatment of missing ethnicity; columns as in `choices`.

    The effect is the max-min gap of means, which has no interval (see `permutation`): `low` and `high` are NaN.
    """
    rows = _Rows(alpha)
    known = frame["ethnicity"].notna() & (frame["ethnicity"] != "Missing")
    own = frame["ethnicity"].astype(object).where(known, "Missing")
    treatments = {
        "missing counted as Other": (frame["dice"], paper_ethnicity(frame["ethnicity"])),
        "missing as its own level": (frame["dice"], own),
        "missing left out": (frame["dice"][known], own[known]),
    }
    for setting, (values, groups) in treatments.items():
        for test in (hypothesis.anova, hypothesis.welch, hypothesis.kruskal):

            def row(values: pd.Series = values, groups: pd.Series = groups, test: Callable = test) -> dict:
                result = test(values, groups=groups)
                found = {"effect_name": "gap of means", "effect": gaps.gap(values, groups=groups)}
                return found | {"low": np.nan, "high": np.nan, "p": result.p, "n": result.n, "note": result.note}

            rows.add(setting, {"anova": "ANOVA", "welch": "Welch", "kruskal": "Kruskal-Wallis"}[test.__name__], row)
    table = rows.frame()
    return table.assign(verdict=table["verdict"].replace({"older higher": "differs"}))


class _Rows:
    """Rows of the table of choices; a choice that is undefined for these cases has the reason in its note."""

    def __init__(self, alpha: float) -> None:
        self.alpha, self.rows = alpha, []

    def add(self, choice: str, setting: str, compute: Callable[[], dict[str, object]]) -> None:
        try:
            row = compute()
            shown = "older higher" if row["effect"] > 0 else "younger higher"
            row["verdict"] = shown if row["p"] < self.alpha else "not shown"
        except InputError as error:
            row = {"verdict": "undefined", "note": str(error)}
        self.rows.append({"choice": choice, "setting": setting} | row)

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=COLUMNS).assign(note=lambda t: t["note"].fillna(""))


def _bins(age: pd.Series, young: pd.Series, older: pd.Series) -> pd.Series:
    labels = np.select([age.isna(), young, older], [None, YOUNG, OLDER], "Middle")
    return pd.Series(pd.Categorical(labels, [YOUNG, "Middle", OLDER], ordered=True), index=age.index)


def _means(frame: pd.DataFrame, score: str, test: Callable, boot: dict[str, int]) -> dict[str, object]:
    values, groups = frame[score], frame["age_group"]
    p = test(values, groups=groups).p
    interval = bootstrap(values, groups=groups, a=YOUNG, b=OLDER, **boot)
    row = {"effect_name": "difference of means", "effect": interval.estimate, "low": interval.low}
    return row | {"high": interval.high, "p": p, "n": int(groups.notna().sum()), "note": interval.note}


def _rates(frame: pd.DataFrame, score: str, **definition: float) -> dict[str, object]:
    good, _ = gaps.success(frame[score], **definition)
    outer = frame["age_group"].isin([YOUNG, OLDER]).to_numpy()
    groups = frame["age_group"]
    sweep = {f"{name}s": [value] for name, value in definition.items()}
    found = gaps.threshold_sweep(frame[score], groups=groups, a=YOUNG, b=OLDER, **sweep).iloc[0]
    test = pairs.chi_square(good[outer], groups=groups[outer])
    row = {"effect_name": "difference of rates", "effect": found["difference"], "low": found["difference_low"]}
    note = "; ".join(filter(None, (f"ratio {found['ratio']:.3f}", found["note"])))
    return row | {"high": found["difference_high"], "p": test.p, "n": test.n, "note": note}


def _ranks(frame: pd.DataFrame, score: str) -> dict[str, object]:
    test = hypothesis.kruskal(frame[score], groups=frame["age_group"])
    effect, low, high = pairs.rank_biserial_interval(frame[score], groups=frame["age_group"], a=YOUNG, b=OLDER)
    row = {"effect_name": "rank-biserial correlation", "effect": effect, "low": low, "high": high}
    return row | {"p": test.p, "n": test.n, "note": test.note}


def _adjustments(aged: pd.DataFrame) -> list[tuple[str, pd.DataFrame, list[str]]]:
    known = aged["ethnicity"].notna() & (aged["ethnicity"] != "Missing")
    own = aged.assign(ethnicity=aged["ethnicity"].astype(object).where(known, "Missing"))
    found = [
        ("source", aged, ["dataset"]),
        ("source and ethnicity, missing as its own level", own, ["dataset", "ethnicity"]),
        ("source and ethnicity, missing left out", own[known], ["dataset", "ethnicity"]),
    ]
    if "expert_cc" in aged:
        volume = aged.assign(expert_cc=aged["expert_cc"].where(aged["expert_cc"] > 0))
        found.append(("log tumour volume", volume, ["np.log(expert_cc)"]))
        found.append(("source and log tumour volume", volume, ["dataset", "np.log(expert_cc)"]))
    return found


def _adjusted(frame: pd.DataFrame, score: str, adjust: list[str], robust: bool = False) -> dict[str, object]:
    options = {"score": score, "group": "age_group", "a": YOUNG, "b": OLDER, "adjust": adjust, "robust": robust}
    return _effect(models.adjusted_contrast(frame, **options), "Older - Young, adjusted")


def _effect(found: models.Effect, name: str) -> dict[str, object]:
    note = "; ".join(filter(None, (found.note, f"{found.dropped} rows left out" if found.dropped else "")))
    row = {"effect_name": name, "effect": found.estimate, "low": found.low, "high": found.high}
    return row | {"p": found.p, "n": found.n, "note": note}
