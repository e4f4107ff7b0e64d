"""Diagnosis of a gap: is a group worse because of its labels, its images, or its share of hard cases?

The raw gap of a network trained and judged on gold is split exactly into two parts by `decompose.kitagawa`, with strata
of difficulty. "images" is the gap at equal difficulty. "share" is the part due to the groups' shares of hard cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from helpers.errors import InputError, check_choice
from helpers.stats.crossed import Cells, resample_cells, resample_seeds, seeded_interval, two_sided_p
from helpers.stats.decompose import kitagawa
from helpers.stats.experiments import one_per_patient, scores_by_seed, two_group_cells
from helpers.stats.inputs import check_groups, check_scores, need_columns
from helpers.stats.pairs import adjust_p
from helpers.stats.resample import Interval
from helpers.studies.biased_ruler.framework import Supporting, experiments_evidence, published_rules

CAUSES = ("labels", "images", "share")
LEVEL = 0.95  # fixed: a level chosen after seeing the verdict is no level
FROM_LABELS = ("tier", "easy")  # columns that `tiers` derives from the silver label
MEANING = {
    "labels": "the silver labels are worse for {a} at equal difficulty, beyond what the images explain",
    "images": "the images of {a} are harder at equal difficulty, for networks trained and judged on gold",
    "share": "{a} have more of the hard cases, and that makes part of the gap",
}


@dataclass(frozen=True)
class Diagnosis:
    """A verdict about the causes of a gap, with its evidence.

    Attributes
    ----------
    version : str
        "ours" or "paper".
    verdict : str
        The causes shown, joined by " and "; "all" for all three; "none"; "cannot tell"; "opposite" if the only causes
        shown act against `b`. If other causes remain open, they follow after "; cannot tell: ".
    causes : pandas.DataFrame
        Index ``labels, images, share``; columns ``estimate, low, high, p, p_holm, status`` ("yes", "opposite",
        "not shown", "cannot tell") and ``says``. The paper's version has no intervals: only ``status`` and ``says``.
    evidence : pandas.DataFrame
        One row per piece: ``cause, piece, role`` ("decides", "supports", "context"), ``estimate, low, high`` (95%),
        ``n_a, n_b, says``.
    difficulty : str
        The source of the difficulty, in words.
    """

    version: str
    verdict: str
    causes: pd.DataFrame
    evidence: pd.DataFrame
    difficulty: str

    def __str__(self) -> str:
        return f"{self.verdict} (by {self.version}; difficulty: {self.difficulty})"


def diagnose(
    scores: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    version: Literal["ours", "paper"] = "ours",
    a: str = "Young",
    b: str = "Older",
    group: str = "age_group",
    score: str = "dice",
    difficulty: str | None = "hard",
    labeller_shares: tuple[float, float] = (0.0, 1.0),
    n_boot: int = 2000,
    seed: int = 0,
) -> Diagnosis:
    """Diagnose why `a` does worse than `b`: the silver labels, the images, the share of hard cases, or several of them.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns ``patient_id``, `group`, ``experiment, train_seed, reference`` ("gold", "silver"), `score`. Experiments:
        ``baseline`` (needed), ``swap_<a>, swap_<b>`` (in lower case, as swap_young), ``difficulty_balanced``,
        ``biased_input``; at least three training seeds each.
    cases : pandas.DataFrame
        One row per patient: ``patient_id``, `group`, ``silver_dice`` (silver against gold); `difficulty` if known;
        ``easy`` of `tiers` for the paper's version.
    version : {"ours", "paper"}
        See notes.
    difficulty : str, optional
        Column of `cases` with a few levels of difficulty that do not come from the silver labels, such as a known flag
        or a class of the images. Without such a column (or with None) images and share cannot be separated.
    labeller_shares : (float, float)
        The images lower the Dice of a gold-trained network by some amount. The silver labeller may lose a share of that
        amount too; these are the smallest and the largest possible share. (0, 1): the share is unknown. (0, 0): silver
        masks do not depend on the difficulty of the image, for example because they were made by corrupting gold.
        (1, 1): the labeller is a network of the same kind.
    n_boot, seed : int
        Bootstrap replicates of patients and training seeds, and seed.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        A column, the baseline or a group is missing, or a score is not a number.

    Notes
    -----
    *ours.* Three contrasts ``b - a`` decide, each with a 95% interval over patients and training seeds at once.
    ``images`` and ``share`` are the two parts of the raw gap (see the module). ``labels`` is the gap of the silver
    labels' Dice at equal difficulty, minus the loss that the images may have caused the labeller. It is shown if it is
    significant at both ends of `labeller_shares`, and left open ("cannot tell") if it is significant at one end only.
    p values come from the bootstrap replicates, corrected over the three causes by Holm: if there is no cause at all,
    something is found in about 5% of studies or fewer. Without an independent difficulty, a raw gap leaves images and
    share open, and labels are compared without strata, with `labeller_shares` at least (0, 1). The experiments support
    the table, and decide nothing: an effect of training on silver does not show whether labels were bad because the
    images were hard.

    *paper.* The framework of arXiv 2511.00477 on point estimates and unpaired ANOVA, see `framework.published_rules`.
    Its difficulty is the tier of the silver label, which mixes the quality of labels with the difficulty of images.
    """
    check_choice("version", version, ("ours", "paper"))
    need_columns(cases, ["patient_id", group, "silver_dice"])
    if cases["patient_id"].duplicated().any():
        raise InputError("cases", "a patient has two rows", "Give one row per patient.")
    groups = one_per_patient(scores, group)
    own = cases.set_index("patient_id")
    _same_groups(groups, own[group], group)
    options = {"a": a, "b": b, "n_boot": n_boot, "seed": seed}
    supporting = experiments_evidence(scores, groups=groups, score=score, level=LEVEL, **options)
    if version == "paper":
        return _paper(scores, own, groups, supporting, a, b, score)
    return _ours(scores, own, groups, supporting, score, difficulty, labeller_shares, **options)


def _paper(
    scores: pd.DataFrame, own: pd.DataFrame, groups: pd.Series, supporting: list[Supporting], a: str, b: str, score: str
) -> Diagnosis:
    causes, rules = published_rules(scores, groups=groups, a=a, b=b, score=score)
    rows = [*rules, *supporting]
    if "easy" in own:
        for name in (a, b):
            hard = ~own.loc[(own.index.isin(groups[groups == name].index)), "easy"].astype(bool)
            what = f"share of hard by tier in {name}"
            says = "a tier is of the silver label"
            rows.append(Supporting("share", what, "context", float(hard.mean()), n_a=len(hard), n_b=0, says=says))
    yes = [cause for cause in CAUSES if causes.loc[cause, "status"] == "yes"]
    return Diagnosis("paper", _verdict(yes, [], []), causes, pd.DataFrame(rows), "tier of the silver label")


def _ours(
    scores: pd.DataFrame,
    own: pd.DataFrame,
    groups: pd.Series,
    supporting: list[Supporting],
    score: str,
    difficulty: str | None,
    labeller_shares: tuple[float, float],
    *,
    a: str,
    b: str,
    n_boot: int,
    seed: int,
) -> Diagnosis:
    table = scores_by_seed(scores, experiment="baseline", score=score).dropna()
    table = table.loc[table.index.intersection(own.index)]
    if not len(table):
        raise InputError("cases, scores", "no patient is in both", "Give the cases of the patients that were scored.")
    own = own.loc[table.index]
    side = two_group_cells(groups.reindex(table.index), a, b)
    strata, named = _strata(own, side, difficulty)
    silver = check_scores(own["silver_dice"], "column silver_dice")
    n_strata = strata.max() + 1
    cell = np.where((side < 0) | (strata < 0), -1, side * n_strata + strata)
    values = np.column_stack([silver, table.to_numpy(float)])
    cells = resample_cells(values, cell, 2 * n_strata, n_boot=n_boot, seed=seed)
    weights = resample_seeds(table.shape[1], n_boot=n_boot, seed=seed + 1)
    parts = _Parts(cells, n_strata, weights, len(table))
    sizes = cells.counts.reshape(2, n_strata).sum(axis=1).astype(int)

    low, high = sorted(labeller_shares)
    if named is None:  # difficulty cannot be held equal, and hard cases may cost the labeller as much as the network
        low, high = min(low, 0.0), max(high, 1.0)
    ends = list(dict.fromkeys((low, high)))
    labels = [parts.interval(lambda silver, images, share, k=k: silver - k * images) for k in ends]
    images = parts.interval(lambda silver, images, share: images)
    share = parts.interval(lambda silver, images, share: share)
    raw = parts.interval(lambda silver, images, share: images + share)
    separable = named is not None
    causes = _causes(labels, images, share, raw, separable)
    says = {cause: _says(cause, row["status"], a, b) for cause, row in causes.iterrows()}
    causes["says"] = says
    says[""] = "images and share together"

    def piece(cause: str, what: str, interval: Interval, role: str = "decides") -> Supporting:
        found = (interval.estimate, interval.low, interval.high)
        return Supporting(cause, what, role, *found, n_a=int(sizes[0]), n_b=int(sizes[1]), says=says[cause])

    equal = "at equal difficulty" if separable else "without strata"
    silver_gap = f"silver Dice, {b} - {a}, {equal}"
    rows = [
        piece("labels", f"{silver_gap}, less {k:g} of what images cost", interval)
        for k, interval in zip(ends, labels, strict=True)
    ]
    if separable:
        rows.append(piece("images", f"gold-trained, gold-judged, {b} - {a}, {equal}", images))
        rows.append(piece("share", "raw gap minus the gap at equal difficulty", share))
    raw_gap = f"raw gap, gold-trained, gold-judged, {b} - {a}"
    rows.append(piece("", raw_gap, raw, "context" if separable else "decides"))
    by_status = {s: [c for c in CAUSES if causes.loc[c, "status"] == s] for s in ("yes", "cannot tell", "opposite")}
    verdict = _verdict(by_status["yes"], by_status["cannot tell"], by_status["opposite"])
    known = f"column {named}" if separable else "none that is independent of the silver labels"
    return Diagnosis("ours", verdict, causes, pd.DataFrame([*rows, *supporting]), known)


class _Parts:
    """The contrasts that decide: observed, by training seed and in bootstrap replicates."""

    def __init__(self, cells: Cells, n_strata: int, weights: np.ndarray, n: int) -> None:
        shape, self.n = (2, n_strata), n
        observed = cells.means.reshape(*shape, -1)
        drawn = cells.drawn_means.reshape(len(weights), *shape, -1)
        counts, drawn_counts = cells.counts.reshape(shape), cells.drawn_counts.reshape(-1, *shape)
        baseline = (drawn[..., 1:] * weights[:, None, None]).sum(axis=-1)

        def split(silver: np.ndarray, baseline: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
            """Compute the silver gap at equal difficulty, and the two parts of the raw gap."""
            return kitagawa(silver, counts)[0], *kitagawa(baseline, counts)

        self.observed = split(observed[..., 0], observed[..., 1:].mean(axis=-1), counts)
        self.drawn = split(drawn[..., 0], baseline, drawn_counts)
        by_seed = [split(observed[..., 0], observed[..., k], counts) for k in range(1, observed.shape[-1])]
        self.by_seed = [np.array(values) for values in zip(*by_seed, strict=True)]

    def interval(self, of) -> Interval:
        """Compute the interval of a function of (silver gap, images, share)."""
        return seeded_interval(float(of(*self.observed)), of(*self.drawn), [of(*self.by_seed)], n=self.n, level=LEVEL)


def _strata(own: pd.DataFrame, side: np.ndarray, difficulty: str | None) -> tuple[np.ndarray, str | None]:
    """Return codes of difficulty and the column's name; zeros and None if no independent difficulty can be used."""
    alike = np.zeros(len(own), dtype=int)
    if difficulty is None or difficulty not in own:
        return alike, None
    if difficulty in FROM_LABELS:
        problem = "comes from the silver labels, so it cannot measure the difficulty of images"
        raise InputError(f"difficulty = {difficulty!r}", problem, "Name another column, or leave it out.")
    codes, levels = check_groups(own[difficulty], len(own), f"column {difficulty}")
    if len(levels) > 10:
        problem = f"{len(levels)} levels"
        raise InputError(f"column {difficulty}", problem, "Cut it into a few levels of difficulty.")
    both = [k for k in range(len(levels)) if all(((codes == k) & (side == s)).any() for s in (0, 1))]
    if len(both) < len(np.unique(codes[(codes >= 0) & (side >= 0)])):
        return alike, None  # if a group lacks a level, groups cannot be compared at equal difficulty
    return np.where(np.isin(codes, both), codes, -1), difficulty


def _causes(labels: list[Interval], images: Interval, share: Interval, raw: Interval, separable: bool) -> pd.DataFrame:
    p_ends = [two_sided_p(interval) for interval in labels]
    same_side = len({np.sign(interval.estimate) for interval in labels}) == 1
    p_labels = max(p_ends) if same_side else 1.0  # shown only if significant at both ends
    others = {"images": two_sided_p(images), "share": two_sided_p(share)} if separable else {"raw": two_sided_p(raw)}
    holm = adjust_p(pd.Series({"labels": p_labels} | others))["holm"]
    at_one_end = holm["labels"]
    if min(p_ends) < p_labels:
        at_one_end = adjust_p(pd.Series({"labels": min(p_ends)} | others))["holm"]["labels"]
    widest = labels[int(np.argmax(p_ends))]
    rows = {"labels": (widest, p_labels, holm["labels"])}
    for name, interval in (("images", images), ("share", share)):
        rows[name] = (interval, others.get(name, np.nan), holm.get(name, np.nan))
    found = {}
    for cause, (interval, p, p_holm) in rows.items():
        known = cause == "labels" or separable
        shown = p_holm < 1 - LEVEL if known else holm["raw"] < 1 - LEVEL
        status = "not shown"
        if shown:
            status = ("yes" if interval.estimate > 0 else "opposite") if known else "cannot tell"
        elif cause == "labels" and at_one_end < 1 - LEVEL:
            status = "cannot tell"
        ends = (interval.estimate, interval.low, interval.high) if known else (np.nan,) * 3
        found[cause] = dict(zip(("estimate", "low", "high"), ends, strict=True))
        found[cause] |= {"p": p, "p_holm": p_holm, "status": status}
    return pd.DataFrame.from_dict(found, orient="index")


def _says(cause: str, status: str, a: str, b: str) -> str:
    if status == "opposite":
        return MEANING[cause].format(a=b)
    said = MEANING[cause].format(a=a)
    return said if status == "yes" else f"{status}: {said}"


def _verdict(yes: list[str], open_: list[str], opposite: list[str]) -> str:
    if not yes:
        return "cannot tell" if open_ else "opposite" if opposite else "none"
    shown = "all" if len(yes) == len(CAUSES) else " and ".join(yes)
    return f"{shown}; cannot tell: {', '.join(open_)}" if open_ else shown


def _same_groups(first: pd.Series, second: pd.Series, column: str) -> None:
    both = first.index.intersection(second.index)
    x, y = first.loc[both].astype(object), second.loc[both].astype(object)
    differ = ~((x == y) | (x.isna() & y.isna()))
    if differ.any():
        problem = f"{differ.sum()} patients have another value in scores than in cases"
        raise InputError(f"column {column}", problem, "Take both from one cohort.")
