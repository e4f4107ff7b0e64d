"""Does a model serve a group worse because it saw too few of it, or whatever it saw?

A model is trained on group a alone (A), on both (B) and on group b alone (C), many times, and each time an error is
measured on images of either group that none of the three has seen. Larger is worse; contrasts are above 0 where `b` is
served worse, or where being represented helps.

Runs draw their images from one pool, so an image is in several of them: runs are no independent samples, and an
interval over runs alone says how much the luck of training and drawing moves a result, not how much other images would.
The intervals here resample images and runs, each on its own; the pool that is trained from they take as it is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError
from helpers.stats.crossed import two_sided_p
from helpers.stats.decompose import kitagawa
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.pairs import adjust_p
from helpers.stats.runs import TRAININGS, RunMeans

# Contrast -> (group, training) of what is worse, and of what it is compared with; a, b stand for the groups.
CONTRASTS = {
    "effect on b": (("b", "A"), ("b", "C")),
    "effect on a": (("a", "C"), ("a", "A")),
    "balanced gap": (("b", "B"), ("a", "B")),
    "best-case gap": (("b", "C"), ("a", "A")),
    "worst-case gap": (("b", "A"), ("a", "C")),
}
CAUSES = ("representation", "tone", "condition")
ALPHA = 0.05


def representation_effects(
    rows: pd.DataFrame, *, score: str, a: str, b: str, group: str = "group", n_boot: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Effect of representation on each group, and the gap between groups in the balanced, best and worst case.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per run, training and image: ``run, training`` ("A", "B", "C"), ``image``, `group`, `score`.
    score : str
        Column; larger is worse.
    a, b : str
        Group that training A has alone, and group that training C has alone.
    n_boot, seed : int
        Replicates of images and runs, and seed.

    Returns
    -------
    pandas.DataFrame
        One row per contrast: ``estimate, low, high`` (95%, over images and runs), ``runs_low, runs_high`` (95%,
        Student's t over runs alone), ``p_runs`` (Wilcoxon's signed ranks over runs, exact up to 50 runs; at least
        2 / 2^runs), ``runs``, and ``n_<a>, n_<b>``, the images that were tested.

    Raises
    ------
    InputError
        A column, group or training is missing, a score is not a number, an image is there twice in a run or not tested
        by all three trainings, a run tests one group alone, or there are fewer than three runs.
    """
    crossed = RunMeans(rows, score=score, group=group, groups=(a, b))
    observed, drawn, by_run = crossed.observed(), crossed.drawn(n_boot, seed), crossed.each_run()
    found = {}
    for name in CONTRASTS:
        per_run = _contrast(by_run, name)
        interval = crossed.interval(_contrast(observed, name)[0], _contrast(drawn, name), per_run)
        half = stats.t.ppf(0.975, len(per_run) - 1) * per_run.std(ddof=1) / np.sqrt(len(per_run))
        ends = (interval.estimate, interval.low, interval.high, per_run.mean() - half, per_run.mean() + half)
        p = float(stats.wilcoxon(per_run).pvalue) if per_run.any() else 1.0
        said = {"effect on a": f"effect on {a}", "effect on b": f"effect on {b}"}.get(name, name)
        found[said] = (*ends, p, len(per_run), *crossed.images)
    columns = ["estimate", "low", "high", "runs_low", "runs_high", "p_runs", "runs", f"n_{a}", f"n_{b}"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def run_means(
    rows: pd.DataFrame, *, score: str, a: str, b: str, group: str = "group", n_boot: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Mean score of each group by each training.

    Parameters
    ----------
    rows, score, a, b, group, n_boot, seed
        As `representation_effects` takes them.

    Returns
    -------
    pandas.DataFrame
        Columns ``training, group, estimate, low, high`` (95%, over images and runs), ``n`` (images), ``runs``.
    """
    crossed = RunMeans(rows, score=score, group=group, groups=(a, b))
    observed, drawn, by_run = (
        pair[0] for pair in (crossed.observed(), crossed.drawn(n_boot, seed), crossed.each_run())
    )
    found = []
    for i, training in enumerate(TRAININGS):
        for j, name in enumerate((a, b)):
            at = (slice(None), i, j, 0)
            interval = crossed.interval(observed[at][0], drawn[at], by_run[at])
            ends = (interval.estimate, interval.low, interval.high)
            found.append((training, name, *ends, crossed.images[j], len(crossed.runs)))
    return pd.DataFrame(found, columns=["training", "group", "estimate", "low", "high", "n", "runs"])


def at_equal_conditions(
    rows: pd.DataFrame,
    *,
    score: str,
    a: str,
    b: str,
    group: str = "group",
    condition: str = "label",
    training: str = "B",
    at_least: int = 5,
    n_boot: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The gap of one training in two parts: at an equal mix of conditions, and made by the mix.

    Parameters
    ----------
    rows, score, a, b, group, n_boot, seed
        As `representation_effects` takes them.
    condition : str
        Column of the condition.
    training : str
        Whose gap.
    at_least : int
        Images of each group that a condition needs; others are left out of all three rows.

    Returns
    -------
    pandas.DataFrame
        Rows ``gap``, ``at equal conditions``, ``made by the mix`` (they add up): ``estimate, low, high, p, n_<a>,
        n_<b>, conditions``; in ``attrs["share"]`` the share of each group's images that have such a condition.

    Raises
    ------
    InputError
        As `representation_effects`; or no condition has images enough in both groups, or no training has that name.
    """
    if training not in TRAININGS:
        raise InputError("training", f"{training!r} is none", f"Choose from {', '.join(TRAININGS)}")
    kept, share = _shared(rows, group, condition, (a, b), at_least)
    crossed = RunMeans(kept, score=score, group=group, groups=(a, b), stratum=condition)
    which = TRAININGS.index(training)
    observed, drawn, by_run = (
        _parts(pair, which) for pair in (crossed.observed(), crossed.drawn(n_boot, seed), crossed.without_each_run())
    )
    runs = len(crossed.runs)
    found = {}
    for name, estimate in observed.items():
        pseudo = runs * estimate[0] - (runs - 1) * by_run[name]  # a run alone has too few images of a condition
        interval = crossed.interval(estimate[0], drawn[name], pseudo)
        n = (*crossed.images, kept[condition].nunique())
        found[name] = (interval.estimate, interval.low, interval.high, two_sided_p(interval), *n)
    columns = ["estimate", "low", "high", "p", f"n_{a}", f"n_{b}", "conditions"]
    frame = pd.DataFrame.from_dict(found, orient="index", columns=columns)
    frame.attrs["share"] = share
    return frame


def gap_causes(
    rows: pd.DataFrame,
    *,
    score: str,
    a: str,
    b: str,
    group: str = "group",
    condition: str = "label",
    at_least: int = 5,
    n_boot: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Which of representation, tone and condition moves the error, each with its interval.

    Representation is the mean of its effects on both groups; tone the balanced gap at equal conditions; condition the
    part of the balanced gap that the mix of conditions makes. Tone is what is left: all that goes with it (camera, body
    site, atlas) is in it. "yes" where p, corrected over the three by Holm, is below 0.05: with no cause at all,
    something is found in about 5% of studies, if intervals keep their level. That takes `n_boot` of 120 or more, as p
    is never below 2 / (1 + n_boot).

    Parameters
    ----------
    rows, score, a, b, group, condition, at_least, n_boot, seed
        As `at_equal_conditions` takes them.

    Returns
    -------
    pandas.DataFrame
        Index ``representation, tone, condition``; columns ``estimate, low, high, p, p_holm, status`` ("yes",
        "opposite" where it is below 0, "not shown").
    """
    crossed = RunMeans(rows, score=score, group=group, groups=(a, b))

    def both(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return (_contrast(pair, "effect on a") + _contrast(pair, "effect on b")) / 2

    drawn = both(crossed.drawn(n_boot, seed))
    interval = crossed.interval(both(crossed.observed())[0], drawn, both(crossed.each_run()))
    options = {"score": score, "a": a, "b": b, "group": group, "condition": condition, "at_least": at_least}
    parts = at_equal_conditions(rows, **options, n_boot=n_boot, seed=seed)[["estimate", "low", "high", "p"]]
    found = pd.DataFrame(
        [
            (interval.estimate, interval.low, interval.high, two_sided_p(interval)),
            parts.loc["at equal conditions"],
            parts.loc["made by the mix"],
        ],
        index=CAUSES,
        columns=["estimate", "low", "high", "p"],
    )
    found["p_holm"] = adjust_p(found["p"])["holm"]
    side = np.where(found["estimate"] > 0, "yes", "opposite")
    return found.assign(status=np.where(found["p_holm"] < ALPHA, side, "not shown"))


def gap_verdict(found: pd.DataFrame) -> str:
    """The causes of `gap_causes` that are shown, joined by " and "; "none" where there is none."""
    return " and ".join(found.index[found["status"] == "yes"]) or "none"


def by_condition(
    rows: pd.DataFrame,
    *,
    score: str,
    a: str,
    b: str,
    group: str = "group",
    condition: str = "label",
    at_least: int = 10,
) -> pd.DataFrame:
    """Mean error of each condition, training and group, where both groups have images enough.

    Returns
    -------
    pandas.DataFrame
        Columns ``condition, training``, `a`, `b` (means), ``n_<a>, n_<b>`` (images); one row per condition and
        training.
    """
    need_columns(rows, ["run", "training", "image", group, condition, score])
    kept, _ = _shared(rows, group, condition, (a, b), at_least)
    check_scores(kept[score], f"column {score}")
    cells = kept.groupby([condition, "training", group], observed=True)
    means, sizes = cells[score].mean().unstack()[[a, b]], cells["image"].nunique().unstack()[[a, b]]
    table = means.join(sizes.add_prefix("n_")).rename_axis(index=["condition", "training"], columns=None)
    return table.reset_index()


def _contrast(pair: tuple[np.ndarray, np.ndarray], name: str) -> np.ndarray:
    """A contrast of `CONTRASTS`, one value for each row of weights."""
    worse, other = (pair[0][:, TRAININGS.index(training), "ab".index(group), 0] for group, training in CONTRASTS[name])
    return worse - other


def _parts(pair: tuple[np.ndarray, np.ndarray], which: int) -> dict[str, np.ndarray]:
    """The gap of one training, and its parts; conditions that a row of weights lacks in a group are left out of it."""
    means, counts = (values[:, which] for values in pair)
    there = (counts > 0).all(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore"):  # no condition is left in such a row: NaN
        within, mix = kitagawa(np.where(there, means, 0), counts * there)
    return {"gap": within + mix, "at equal conditions": within, "made by the mix": mix}


def _shared(
    rows: pd.DataFrame, group: str, condition: str, groups: tuple[str, str], at_least: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows of conditions with images enough in both groups, and the share of each group's images that these are."""
    need_columns(rows, ["image", group, condition])
    images = rows[rows[group].isin(groups)].drop_duplicates("image")
    sizes = pd.crosstab(images[condition], images[group]).reindex(columns=list(groups), fill_value=0)
    enough = sizes[(sizes >= at_least).all(axis=1)]
    if not len(enough):
        problem = f"no condition has {at_least} images in both groups"
        raise InputError(
            f"column {condition}", problem, "Take a coarser level of conditions, or fewer images at least."
        )
    share = {name: enough[name].sum() / (images[group] == name).sum() for name in groups}
    return rows[rows[group].isin(groups) & rows[condition].isin(enough.index)], share
