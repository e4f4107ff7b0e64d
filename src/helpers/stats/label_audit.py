"""Results of the label audit, nested by the keys under which a run records them.

Definitions: age groups are Young (at most 40), Middle (over 40 to 55) and Older (over 55). Age analyses leave out
patients without an age; all other analyses use everyone. The top quarter is ``dice >= quantile(dice, 0.75)`` over all
patients, undefined if ties put everyone into it, and the fixed threshold is ``dice > 0.8``. A number that cannot be
computed for a cohort (for example, of a source that it does not have) is None. Values keep full precision. An estimate
has the keys of `helpers.stats.estimate`; any other number has the ``n`` of the mapping that holds it. ``gap`` is the
range of the means of three groups and ``DIR_YO`` the smaller rate over the larger; neither has an interval. The
contrasts of two groups do: ``gap_O_minus_Y`` is Older minus Young, and ``rate_ratio_YO`` the rate of Young over that of
Older.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.stats import gaps, hypothesis, models
from helpers.stats.notation import estimate
from helpers.stats.resample import bootstrap

YOUNG, OLDER = "Young", "Older"
AGE_RULE = (
    "Young age<={young}, Middle {young}<age<={older}, Older age>{older}, pd.cut([0,{young},{older},inf], right=True)"
)
ETHNICITIES = ["Caucasian", "African American", "Asian", "Other"]


def cohort_values(cohort: pd.DataFrame, *, young: int = 40, older: int = 55) -> dict[str, Any]:
    """Count the patients in each group, also under alternative definitions of the age bins.

    Parameters
    ----------
    cohort : pandas.DataFrame
        Columns ``age, age_group, ethnicity, dataset``, one row per patient.
    young, older : int
        Edges from which ``age_group`` was made, in years.
    """
    age, missing = cohort["age"], int(cohort["ethnicity"].isin(["Missing"]).sum() + cohort["ethnicity"].isna().sum())
    alternatives = {"<40|40-55|>55": (age < 40, age > 55), "<40|40-54|>=55": (age < 40, age >= 55)}
    alternatives["<=40|41-54|>=55"] = (age <= 40, age >= 55)
    counts = {
        name: [int(young.sum()), int((~young & ~older & age.notna()).sum()), int(older.sum())]
        for name, (young, older) in alternatives.items()
    }
    levels = _counts(paper_ethnicity(cohort["ethnicity"]))
    levels[f"Other_including_{missing}_missing"] = levels.pop("Other", 0)
    return {
        "age_bins": {
            "rule": AGE_RULE.format(young=young, older=older),
            "n": _counts(cohort["age_group"]) | {"missing": int(age.isna().sum())},
        },
        "alt_bins_check": counts,
        "ethnicity": levels | {"missing": missing},
        "dataset": _counts(cohort["dataset"]),
    }


def silver_values(frame: pd.DataFrame, *, n_boot: int = 10_000, seed: int = 0) -> dict[str, Any]:
    """Compute the results on Dice of the automatic against the expert masks, by age, source and ethnicity.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``dice, age, age_group, ethnicity, dataset``.
    n_boot, seed : int
        Replicates of each bootstrap interval, and their seed.
    """
    dice, age_group = frame["dice"], frame["age_group"]
    aged = frame[age_group.notna()]
    top, threshold = _top_quarter(dice)
    rates = _or_none(lambda: gaps.success_rates(top, groups=age_group)["count"])
    difference = bootstrap(dice, groups=age_group, a=YOUNG, b=OLDER, n_boot=n_boot, seed=seed)
    anova, kruskal = (test(dice, groups=age_group) for test in (hypothesis.anova, hypothesis.kruskal))
    return {
        "mean_sd_by_age": _mean_sd(dice, age_group),
        "n": len(aged),
        "gap": gaps.gap(dice, groups=age_group),
        "gap_O_minus_Y": estimate(difference, n=len(aged)),
        "anova_F": anova.statistic,
        "anova_p": anova.p,
        "kruskal_H": kruskal.statistic,
        "kruskal_p": kruskal.p,
        "ols_dice_on_age": _line(aged),
        "top25_threshold": threshold,
        "top25_counts": rates if rates is None else {str(group): int(count) for group, count in rates.items()},
        **_young_older(top, age_group, n_boot, seed),
        "fixed_0.8": _fixed(dice, age_group, n_boot, seed),
        **_source_values(aged),
        **_ethnicity_values(frame, top),
        "dice_zero": int((dice == 0).sum()),
        "dice_exactly_one": int((dice == 1).sum()),
    }


def out_of_fold_values(frame: pd.DataFrame, *, n_boot: int = 10_000, seed: int = 0) -> dict[str, Any]:
    """Compute the results on Dice of a cross-validated network against the expert masks, by age.

    Ratios are Young over Older.
    """
    dice, groups = frame["dice"], frame["age_group"]
    top, _ = _top_quarter(dice)
    good, _ = gaps.success(dice, threshold=0.8)
    difference = bootstrap(dice, groups=groups, a=YOUNG, b=OLDER, n_boot=n_boot, seed=seed)
    line = _line(frame[groups.notna()])
    return {
        "mean_sd_by_age": _mean_sd(dice, groups),
        "gap_O_minus_Y": estimate(difference, n=int(groups.notna().sum())),
        "anova_p": hypothesis.anova(dice, groups=groups).p,
        "welch_p": _or_none(lambda: hypothesis.welch(dice, groups=groups).p),
        "kruskal_p": hypothesis.kruskal(dice, groups=groups).p,
        "ols_R2": line["R2"],
        "ols_p": line["p"],
        "fixed_0.8": _young_older(good, groups, n_boot, seed),
        "top25_DIR_Y_over_O": _or_none(lambda: gaps.rate_ratio(top, groups=groups, a=YOUNG, b=OLDER)),
    }


def volume_values(frame: pd.DataFrame) -> dict[str, Any]:
    """Compare expert tumour volume in cm^3 by age group (columns ``expert_cc, age_group``), and Young over Older."""
    if "expert_cc" not in frame:
        fix = "Read a table of scores with expert volumes, or omit this part."
        raise InputError("column expert_cc", "not in the frame", fix)
    known = frame[frame["expert_cc"].notna()]
    table = gaps.by_group(known["expert_cc"], groups=known["age_group"])
    pairs = table.reindex([YOUNG, OLDER])[["mean", "sd"]].T.to_numpy()
    mean, sd = (float(young / older) if older > 0 and young >= 0 else None for young, older in pairs)
    return {
        "n": int(known["age_group"].notna().sum()),
        "mean": {group: mean for group, (mean, _) in _mean_sd(known["expert_cc"], known["age_group"]).items()},
        "mean_ratio_YO": mean,
        "sd_ratio_YO": sd,
        "variance_ratio_YO": None if sd is None else sd**2,
    }


def paper_ethnicity(ethnicity: pd.Series) -> pd.Series:
    """Recode ethnicity into the four levels of the paper, which counts missing values as Other."""
    merged = ethnicity.astype(object).where(ethnicity.notna() & (ethnicity != "Missing"), "Other")
    unknown = sorted(set(merged.astype(str)) - set(ETHNICITIES))
    if unknown:
        raise InputError(
            "column ethnicity", f"unknown level {unknown[0]!r}", f"Use {', '.join(ETHNICITIES)} or Missing."
        )
    return pd.Series(pd.Categorical(merged, ETHNICITIES), index=ethnicity.index, name=ethnicity.name)


def _source_values(aged: pd.DataFrame) -> dict[str, Any]:
    added = _or_none(lambda: models.nested_f(aged, score="dice", base=["age_group"], added=["dataset"]))
    line = _or_none(lambda: models.slope(aged, score="dice", on="age", adjust=["dataset"])) if added else None
    both = _or_none(lambda: models.interaction(aged, score="dice", group="age_group", source="dataset"))
    return {
        "source_adjustment_agegroup": {"F": added and added.statistic, "p": added and added.p},
        "adjusted_age_slope": line and line.estimate,
        "adjusted_age_p": line and line.p,
        "interaction_agegroup_x_dataset_p": both and both.term.p,
        "overall_model_F_p_of_interaction_model": both and both.overall.p,
    }


def _ethnicity_values(frame: pd.DataFrame, top: np.ndarray) -> dict[str, Any]:
    frame = frame.assign(ethnicity=paper_ethnicity(frame["ethnicity"]))
    groups, inside = frame["ethnicity"], (frame["dataset"] == "ISPY2").to_numpy()
    kruskal = _or_none(lambda: hypothesis.kruskal(frame["dice"], groups=groups))
    added = _or_none(lambda: models.nested_f(frame, score="dice", base=["ethnicity"], added=["dataset"]))
    before = _or_none(lambda: models.partial_eta2(frame, score="dice", group="ethnicity"))
    after = _or_none(lambda: models.partial_eta2(frame, score="dice", group="ethnicity", adjust=["dataset"]))
    change = f"{100 * (1 - after / before):.2f}% reduction" if before and after is not None else None
    dpd, ratio = gaps.demographic_parity_difference, gaps.disparate_impact_ratio
    return {
        "ethnicity_kruskal": {"H": kruskal and kruskal.statistic, "p": kruskal and kruskal.p, "n": len(frame)},
        "ethnicity_top25": {
            "DPD": _or_none(lambda: dpd(top, groups=groups)),
            "DIR": _or_none(lambda: ratio(top, groups=groups)),
            "n": len(frame),
        },
        "ethnicity_ISPY2": {
            "DPD_global_threshold": _or_none(lambda: dpd(top[inside], groups=groups[inside])),
            "n": int(inside.sum()),
        },
        "ethnicity_source_F_p": [added and added.statistic, added and added.p],
        "ethnicity_eta2_before_after": [before, after, change],
    }


def _fixed(dice: pd.Series, groups: pd.Series, n_boot: int, seed: int) -> dict[str, Any]:
    good, _ = gaps.success(dice, threshold=0.8)
    counts = gaps.success_rates(good, groups=groups)["count"]
    return {"counts": {str(g): int(k) for g, k in counts.items()}, **_young_older(good, groups, n_boot, seed)}


def _young_older(good: np.ndarray, groups: pd.Series, n_boot: int, seed: int) -> dict[str, Any]:
    """Compute DPD and DIR of Young and Older as in the papers, and the interval of the ratio Young over Older."""
    outer = groups.isin([YOUNG, OLDER]).to_numpy()
    ratio = _or_none(
        lambda: bootstrap(good, groups=groups, a=YOUNG, b=OLDER, statistic="ratio", n_boot=n_boot, seed=seed)
    )
    return {
        "DPD_YO": _or_none(lambda: gaps.demographic_parity_difference(good[outer], groups=groups[outer])),
        "DIR_YO": _or_none(lambda: gaps.disparate_impact_ratio(good[outer], groups=groups[outer])),
        "rate_ratio_YO": estimate(ratio or dict.fromkeys(("estimate", "low", "high")), n=int(groups.notna().sum())),
    }


def _top_quarter(dice: pd.Series) -> tuple[np.ndarray, float | None]:
    """Mark the best quarter; NaN, without a threshold, if ties put every case into it."""
    return _or_none(lambda: gaps.success(dice, quantile=0.75)) or (np.full(len(dice), np.nan), None)


def _line(aged: pd.DataFrame) -> dict[str, float]:
    fit = models.slope(aged, score="dice", on="age")
    return {"slope": fit.estimate, "intercept": fit.intercept, "R2": fit.r2, "p": fit.p}


def _mean_sd(dice: pd.Series, groups: pd.Series) -> dict[str, list[float | None]]:
    table = gaps.by_group(dice, groups=groups)
    large = table["n"] >= SMALLEST_CELL
    return {str(g): [float(table["mean"][g]), float(table["sd"][g])] if large[g] else [None, None] for g in table.index}


def _counts(column: pd.Series) -> dict[str, int]:
    counts = column.value_counts(sort=False)
    names = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else sorted(counts.index)
    return {str(name): int(counts.get(name, 0)) for name in names}


def _or_none(compute: Callable[[], Any]) -> Any:
    """Return a number, or None if it cannot be computed for the cohort."""
    try:
        return compute()
    except InputError:
        return None
