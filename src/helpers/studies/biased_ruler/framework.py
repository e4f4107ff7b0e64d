"""Evidence from the controlled experiments, and the published rules that turn it into a verdict.

The framework is that of arXiv 2511.00477. It states a conclusion from each experiment, but no bound for "no effect".
The two bounds here are ours, chosen so that the paper's printed table leads to its printed conclusions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.stats import gaps, hypothesis
from helpers.stats.experiments import gap_change, scores_by_seed
from helpers.stats.resample import Interval

MISSTATES = 0.10  # a ruler misstates the gap if it changes it by more than this share (the paper reports 40%)
FALL = 0.01  # fall of the swapped group's mean that counts as an effect (the paper's groups rise by .002 and .017)
ALPHA = 0.05


class Supporting(NamedTuple):
    """One row of an evidence table."""

    cause: str
    piece: str
    role: str
    estimate: float
    low: float = np.nan
    high: float = np.nan
    n_a: int = 0
    n_b: int = 0
    says: str = ""


def experiments_evidence(
    scores: pd.DataFrame,
    *,
    groups: pd.Series,
    a: str,
    b: str,
    score: str = "dice",
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[Supporting]:
    """Compute the change of the gap ``b - a`` from the baseline to each experiment and to silver as the ruler.

    Returns
    -------
    list of Supporting
        Changes with intervals over patients and training seeds. Missing experiments have no row.
    """
    swap_a, swap_b = swap_names(a, b)
    judged = {
        "biased ruler: baseline judged by silver minus by gold": ("labels", "baseline", "silver"),
        f"{swap_a} minus baseline": ("labels", swap_a, "gold"),
        f"{swap_b} minus baseline": ("labels", swap_b, "gold"),
        "difficulty_balanced minus baseline": ("share", "difficulty_balanced", "gold"),
        "amplification: biased_input minus baseline": ("labels", "biased_input", "gold"),
    }
    baseline = scores_by_seed(scores, experiment="baseline", score=score)
    rows = []
    for piece, (cause, experiment, reference) in judged.items():
        if not has(scores, experiment, reference):
            continue
        other = scores_by_seed(scores, experiment=experiment, reference=reference, score=score)
        found = gap_change(baseline, other, groups=groups, a=a, b=b, n_boot=n_boot, seed=seed, level=level)
        sizes = {"n_a": found.n_a, "n_b": found.n_b}
        rows.append(Supporting(cause, piece, "supports", *_ends(found.change), **sizes, says=_wider(found.change)))
        if experiment == "difficulty_balanced":
            left = "gap left after balancing difficulty in training"
            shown = "a gap is left" if found.second.low > 0 or found.second.high < 0 else "no gap is shown"
            rows.append(Supporting("images", left, "supports", *_ends(found.second), **sizes, says=shown))
    return rows


def published_rules(
    scores: pd.DataFrame, *, groups: pd.Series, a: str, b: str, score: str = "dice"
) -> tuple[pd.DataFrame, list[Supporting]]:
    """Judge the causes of the gap by the published framework, on each patient's mean over training seeds.

    ==========================  ====================================================================================
    Exp 1, baseline             the ruler misstates: the max-min gap by silver differs from that by gold by over 10%
    Exp 2, swaps                the labels matter ("labels"): the mean of a group falls by over 0.01 after its labels
                                were swapped; else "not label sensitivity"
    Exp 3, difficulty_balanced  the gap is not removed (ANOVA p < 0.05 over all groups): "images", called intrinsic;
                                the gap is removed and the baseline had one: "share"
    Exp 4, biased_input         training on silver amplifies: the gap is larger than the baseline's
    ==========================  ====================================================================================

    Returns
    -------
    causes : pandas.DataFrame
        Index ``labels, images, share``; columns ``status, says``. If an experiment is missing, its cause is
        "not tested".
    rules : list of Supporting
        The number behind each rule. There are no intervals, because the framework has none.
    """
    swap_a, swap_b = swap_names(a, b)
    names = [("baseline", "gold"), ("baseline", "silver"), (swap_a, "gold"), (swap_b, "gold")]
    names += [("difficulty_balanced", "gold"), ("biased_input", "gold")]
    means = {
        key: scores_by_seed(scores, experiment=key[0], reference=key[1], score=score).mean(axis=1)
        for key in names
        if has(scores, *key)
    }
    labels = {key: groups.reindex(values.index) for key, values in means.items()}
    gap = {key: gaps.gap(values, groups=labels[key]) for key, values in means.items()}
    p = {key: hypothesis.anova(values, groups=labels[key]).p for key, values in means.items()}
    gold = ("baseline", "gold")
    sizes = {"n_a": int((labels[gold] == a).sum()), "n_b": int((labels[gold] == b).sum())}
    status = dict.fromkeys(("labels", "images", "share"), ("not tested", "the experiment is not there"))
    rules = []

    def add(cause: str, piece: str, value: float, says: str) -> None:
        rules.append(Supporting(cause, piece, "decides" if cause else "context", value, **sizes, says=says))

    if ("baseline", "silver") in gap:
        ratio = gap["baseline", "silver"] / gap[gold] - 1 if gap[gold] else np.inf
        said = "the ruler misstates" if abs(ratio) > MISSTATES else "the ruler agrees"
        add("", "Exp 1: relative change of the gap by silver", ratio, said)
    swaps = {(swap_a, "gold"): a, (swap_b, "gold"): b}
    falls = {
        name: float(means[gold][labels[gold] == name].mean() - means[key][labels[key] == name].mean())
        for key, name in swaps.items()
        if key in means
    }
    for name, fall in falls.items():
        said = "label sensitivity" if fall > FALL else "no effect of the swap"
        add("labels", f"Exp 2: fall of {name} after their labels were swapped", fall, said)
    if falls:
        hurt = max(falls.values()) > FALL
        status["labels"] = ("yes", "label sensitivity") if hurt else ("not shown", "not label sensitivity")
    balanced = ("difficulty_balanced", "gold")
    if balanced in means:
        before, after = p[gold] < ALPHA, p[balanced] < ALPHA
        add("images", "Exp 3: ANOVA p after balancing difficulty", p[balanced], "intrinsic" if after else "gap removed")
        status["images"] = ("yes", "intrinsic: balancing does not remove the gap") if after else ("not shown", "")
        removed = before and not after
        status["share"] = ("yes", "balancing removes the gap") if removed else ("not shown", "")
    if ("biased_input", "gold") in gap:
        change = gap["biased_input", "gold"] - gap[gold]
        add("", "Exp 4: gap after training on silver minus baseline", change, "amplifies" if change > 0 else "does not")
    causes = pd.DataFrame.from_dict(status, orient="index", columns=["status", "says"])
    return causes, rules


def swap_names(a: str, b: str) -> tuple[str, str]:
    """Name the experiments in which one group's training labels were swapped for silver."""
    return f"swap_{str(a).lower()}", f"swap_{str(b).lower()}"


def has(scores: pd.DataFrame, experiment: str, reference: str) -> bool:
    """Return True if the frame has scores of an experiment by a reference; without that column all are by gold."""
    rows = scores["experiment"] == experiment
    if "reference" not in scores:
        return bool(rows.any()) and reference == "gold"
    return bool((rows & (scores["reference"] == reference)).any())


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.estimate, interval.low, interval.high


def _wider(interval: Interval) -> str:
    if interval.low > 0:
        return "larger, in favour of the second group"
    return "smaller" if interval.high < 0 else "no change is shown"
