"""Analysis of representation: is a group served worse because it is rare in the training set, or in any case?

A model is trained on group a alone (A), on both (B) and on group b alone (C), many times. Each time an error is
measured on images of both groups that none of the three models has seen. Larger is worse. Contrasts are above 0 if `b`
is served worse, or if representation in the training set helps.

Runs draw their images from one pool, so an image is in several runs. Runs are therefore no independent samples. An
interval over runs alone shows the variation by training and drawing, but not the variation by other test images. The
intervals here resample images and runs independently of each other; they take the training pool as fixed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import InputError, check_choice
from helpers.stats.crossed import two_sided_p
from helpers.stats.decompose import kitagawa
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.intervals import half_width_of
from helpers.stats.pairs import adjust_p
from helpers.stats.runs import TRAININGS, RunMeans

# Contrast -> (group, training) of the worse mean, and of the mean that is subtracted; a, b are the two groups.
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
    """Estimate the effect of representation on each group, and the gap in the balanced, best and worst case.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per run, training and image: ``run, training`` ("A", "B", "C"), ``image``, `group`, `score`.
    score : str
        Column; larger is worse.
    a, b : str
        The only group in training A, and the only group in training C.
    n_boot, seed : int
        Bootstrap replicates of images and runs, and seed.

    Returns
    -------
    pandas.DataFrame
        One row per contrast: ``estimate, low, high`` (95%, over images and runs), ``low90, high90`` (90%),
        ``seeds_share`` (share of the runs in the variance), ``runs_low, runs_high`` (95%, Student's t over runs alone),
        ``p_runs`` (Wilcoxon signed-rank test over runs, exact up to 50 runs; at least 2 / 2^runs), ``runs``, and
        ``n_<a>, n_<b>``, the numbers of tested images.

    Raises
    ------
    InputError
        A column, group or training is missing, a score is not a number, an image occurs twice in a run or is not tested
        by all three trainings, a run tests only one group, or there are fewer than three runs.
    """
    crossed = RunMeans(rows, score=score, group=group, groups=(a, b))
    observed, drawn, by_run = crossed.observed(), crossed.drawn(n_boot, seed), crossed.each_run()
    found = {}
    for name in CONTRASTS:
        per_run = _contrast(by_run, name)
        interval = crossed.interval(_contrast(observed, name)[0], _contrast(drawn, name), per_run)
        half = half_width_of(per_run.std(ddof=1), len(per_run))
        ends = (interval.estimate, interval.low, interval.high, *interval.null_ends(), interval.seeds_share)
        ends += (per_run.mean() - half, per_run.mean() + half)
        p = float(stats.wilcoxon(per_run).pvalue) if per_run.any() else 1.0
        said = {"effect on a": f"effect on {a}", "effect on b": f"effect on {b}"}.get(name, name)
        found[said] = (*ends, p, len(per_run), *crossed.images)
    columns = ["estimate", "low", "high", "low90", "high90", "seeds_share", "runs_low", "runs_high", "p_runs", "runs"]
    columns += [f"n_{a}", f"n_{b}"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def run_means(
    rows: pd.DataFrame, *, score: str, a: str, b: str, group: str = "group", n_boot: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Compute the mean score of each group by each training.

    Parameters
    ----------
    rows, score, a, b, group, n_boot, seed
        See `representation_effects`.

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
    """Decompose the gap of one training into the gap at an equal mix of conditions, and the part due to the case mix.

    Parameters
    ----------
    rows, score, a, b, group, n_boot, seed
        See `representation_effects`.
    condition : str
        Column of the condition.
    training : str
        The training: A, B or C.
    at_least : int
        Images that a condition needs in each group; other conditions are left out of all three rows.

    Returns
    -------
    pandas.DataFrame
        Rows ``gap``, ``at equal conditions``, ``made by the mix`` (they add up): ``estimate, low, high, p, n_<a>,
        n_<b>, conditions``. ``attrs["share"]`` has the share of each group's images that have such a condition.

    Raises
    ------
    InputError
        See `representation_effects`; also if no condition has enough images in both groups, or the training is unknown.
    """
    check_choice("training", training, TRAININGS)
    kept, share = _shared(rows, group, condition, (a, b), at_least)
    crossed = RunMeans(kept, score=score, group=group, groups=(a, b), stratum=condition)
    which = TRAININGS.index(training)
    observed, drawn, by_run = (
        _parts(pair, which) for pair in (crossed.observed(), crossed.drawn(n_boot, seed), crossed.without_each_run())
    )
    runs = len(crossed.runs)
    found = {}
    for name, estimate in observed.items():
        pseudo = runs * estimate[0] - (runs - 1) * by_run[name]  # jackknife: one run has too few images of a condition
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
    """Test representation, tone and condition as causes of the error, each with its interval.

    Representation is the mean of its effects on both groups. Tone is the balanced gap at equal conditions. Condition is
    the part of the balanced gap due to the mix of conditions. Tone is a remainder: it includes everything associated
    with skin tone (camera, body site, atlas). The status is "yes" if p, corrected over the three causes by Holm, is
    below 0.05. If there is no cause at all, something is found in about 5% of studies, provided that intervals keep
    their level. This needs `n_boot` of 120 or more, because p is never below 2 / (1 + n_boot).

    Parameters
    ----------
    rows, score, a, b, group, condition, at_least, n_boot, seed
        See `at_equal_conditions`.

    Returns
    -------
    pandas.DataFrame
        Index ``representation, tone, condition``; columns ``estimate, low, high, p, p_holm, status`` ("yes",
        "opposite" if significant and below 0, "not shown").
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
    """Join the causes that `gap_causes` shows with " and "; "none" if there are none."""
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
    """Compute the mean error of each condition, training and group, if both groups have `at_least` images.

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
    """Compute a contrast of `CONTRASTS`, one value for each row of weights."""
    worse, other = (pair[0][:, TRAININGS.index(training), "ab".index(group), 0] for group, training in CONTRASTS[name])
    return worse - other


def _parts(pair: tuple[np.ndarray, np.ndarray], which: int) -> dict[str, np.ndarray]:
    """Split one training's gap into its parts; a row of weights leaves out conditions that it lacks in a group."""
    means, counts = (values[:, which] for values in pair)
    there = (counts > 0).all(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore"):  # NaN if a row has no condition left
        within, mix = kitagawa(np.where(there, means, 0), counts * there)
    return {"gap": within + mix, "at equal conditions": within, "made by the mix": mix}


def _shared(
    rows: pd.DataFrame, group: str, condition: str, groups: tuple[str, str], at_least: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the rows of conditions with enough images in both groups, and their share of each group's images."""
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
