"""Summary tables of the reconstruction study: cohort, noise, performance, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from helpers import degrade, metrics, stats
from helpers.errors import InputError
from helpers.learn.restoration_measuring import Measured
from helpers.learn.restoration_tasks import LEVELS, Task, part_of
from helpers.stats import drawing, weighted
from helpers.stats.intervals import wilson
from helpers.stats.resample import null_shares

# The table of `stats.prediction_fairness` where there is no label.
_COLUMNS = ["finding", "attribute", "arm", "metric", "n_positive", "n_negative", "baseline", "value", "change"]
_ENDS = ["low", "high", "low90", "high90"]
NO_ODDS = pd.DataFrame(columns=[*_COLUMNS, "se_baseline", "se_value", *_ENDS, "p", "q", "p_as_published"])
NO_NOISE = 1e12  # photons
FEW = 64  # number of images for the PSNR of a noise level


def cohort(task: Task) -> pd.DataFrame:
    """Count the tested cases and patients of each group, and compute the prevalence of each target.

    Returns
    -------
    pandas.DataFrame
        Index attribute and group; columns ``n`` (cases), ``n_patients`` and the share of each target among the cases
        with a known label. With more than three targets, only the mean share is given.
    """
    tested = task.rows[task.rows["split"] == "test"].drop_duplicates("case")
    parts = {}
    for attribute in task.attributes:
        grouped = tested.groupby(attribute)
        table = pd.DataFrame({"n": grouped.size(), "n_patients": grouped["patient_id"].nunique()})
        shares = grouped[task.targets].mean()
        if len(task.targets) > 3:
            shares = shares.mean(axis=1).rename("mean prevalence").to_frame()
        parts[attribute] = table.join(shares)
    return pd.concat(parts, names=["attribute", "group"])


def noise_table(task: Task, *, mode: str, pattern: str, seed: int) -> pd.DataFrame:
    """Describe each level of noise and its effect on images.

    Returns
    -------
    pandas.DataFrame
        Index ``level``. MRI: ``nominal`` acceleration, ``half-spokes``, ``measured`` acceleration. X-ray: ``photons``,
        and ``psnr_no_noise``, the PSNR in dB without noise. Both: ``psnr`` of the degraded images in dB, a mean over
        up to 64 images.
    """
    some = task.images[np.linspace(0, len(task.images) - 1, min(FEW, len(task.images))).astype(int)]
    size, rows = some.shape[-1], {}
    for level, strength in LEVELS[task.dataset].items():
        if task.dataset == "ucsf-pdgm":
            spokes = degrade.spokes_for(strength, size)
            mask = degrade.radial_mask(size, spokes, pattern=pattern)
            row = {"nominal": strength, "half-spokes": spokes, "measured": degrade.acceleration(mask)}
            made = degrade.undersample(some, mask, part=part_of(mode))
        else:
            clean = degrade.low_dose(some, NO_NOISE, mode=mode, seed=seed)
            row = {"photons": strength, "psnr_no_noise": float(metrics.psnr(clean, some).mean())}
            made = degrade.low_dose(some, strength, mode=mode, seed=seed)
        rows[level] = row | {"psnr": float(metrics.psnr(np.clip(made, 0, 1), some).mean())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("level")


def performance(measured: Mapping[str, Measured], *, targets: list[str], n_boot: int, seed: int) -> pd.DataFrame:
    """Summarise image quality and reading of the tested cases under each arm, with intervals over patients.

    Parameters
    ----------
    measured : mapping of str to Measured
        Measures by level of noise.
    targets : list of str

    Returns
    -------
    pandas.DataFrame
        ``level, metric`` ("psnr", "ssim", "dice", "auroc"), ``target, arm, estimate, low, high`` (95%), the
        ``change`` from the original with ``change_low, change_high`` and its 90% interval ``change_low90,
        change_high90``, and ``n``, the patients behind the value: of an AUROC those with that label. The original has
        the level "none". A target "mean" is the mean AUROC over the targets.
    """
    rows = []
    for level, every in measured.items():
        tested = every.part("test")
        code, patients = pd.factorize(tested.cases["patient_id"])
        drawn = drawing.multinomial(len(patients), n_boot=n_boot, seed=seed)
        weights = np.vstack([np.ones(len(patients)), drawn])[:, code]
        labels = tested.cases[targets].notna().assign(mean=lambda known: known.any(axis=1))
        for (metric, target), arms in _draws(tested, targets, weights).items():
            n = tested.cases.loc[labels[target], "patient_id"].nunique() if metric == "auroc" else len(patients)
            for arm, values in arms.items():
                change = values - arms.get("original", np.nan)
                rows.append(
                    (
                        level,
                        metric,
                        target,
                        arm,
                        *_ends(values),
                        *_ends(change),
                        *_ends(change, null_shares(n))[1:],
                        n,
                    )
                )
    columns = ["level", "metric", "target", "arm", "estimate", "low", "high"]
    columns += ["change", "change_low", "change_high", "change_low90", "change_high90", "n"]
    table = pd.DataFrame(rows, columns=columns)
    original = table["arm"] == "original"
    once = table[original].drop_duplicates(["metric", "target"]).assign(level="none")
    return pd.concat([once, table[~original]], ignore_index=True)


def _draws(tested: Measured, targets: list[str], weights: np.ndarray) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """Compute each measure under each row of weights, as a mapping (metric, target) -> arm -> values."""
    found: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for metric, frame in tested.scores.items():
        found[metric, metric] = {arm: _weighted_mean(frame[arm].to_numpy(float), weights) for arm in frame}
    for target in targets:
        labels = tested.cases[target].to_numpy(float)
        known = ~np.isnan(labels)
        found["auroc", target] = {
            arm: weighted.auroc(given[target].to_numpy(float)[known], labels[known] == 1, weights[:, known])
            for arm, given in tested.probabilities.items()
        }
    if len(targets) > 2:
        areas = [found["auroc", target] for target in targets]
        found["auroc", "mean"] = {arm: np.mean([area[arm] for area in areas], axis=0) for arm in tested.probabilities}
    return found


def thresholds(measured: Measured, *, targets: list[str], where: str) -> dict[str, dict[str, float]]:
    """Choose the threshold of each arm and target where sensitivity and specificity are closest, on one split.

    Raises
    ------
    InputError
        A target has fewer than two classes among the cases of the split.
    """
    chosen = measured.part(where)
    found = {}
    for arm, given in chosen.probabilities.items():
        found[arm] = {}
        for target in targets:
            seen = chosen.cases[target].dropna().nunique()
            if seen < 2:
                fix = "Give more patients, or leave the target out"
                raise InputError(f"{target}, {where}", f"{seen} of two classes among {len(chosen.cases)} cases", fix)
            found[arm][target] = stats.choose_threshold(chosen.cases[target], given[target])
    return found


def optimism(
    measured: Measured, *, targets: list[str], arm: str, attribute: str, minimum: int, n_boot: int, seed: int
) -> pd.DataFrame:
    """Estimate the optimism of a threshold chosen on the test cases, for each target: see `stats.threshold_optimism`.

    Returns
    -------
    pandas.DataFrame
        Rows of `stats.threshold_optimism` for balance, accuracy and eodd, with the column ``target``; none without
        targets.
    """
    parts = [pd.DataFrame(columns=["statistic", "difference", "low", "high", "target"])] if not targets else []
    for target in targets:
        frames = []
        for split in ("test", "validation"):
            part = measured.part(split)
            frame = part.cases[["patient_id", attribute]].assign(y_true=part.cases[target])
            frames.append(frame.assign(probability=part.probabilities[arm][target]))
        found = stats.threshold_optimism(*frames, attribute=attribute, minimum=minimum, n_boot=n_boot, seed=seed)
        parts.append(found.drop("threshold").reset_index().assign(target=target))
    return pd.concat(parts, ignore_index=True)


def negative_control(
    measured: Measured, *, score: str, arm: str, attribute: str, baseline: str, n: int, seed: int
) -> dict[str, Any]:
    """Compute the share of signed tests that find a difference between random groups (negative control).

    The attribute's labels are shuffled among patients `n` times. Each time `stats.harm_in_scores` compares the change
    of the score from the baseline to the arm between the groups.

    Returns
    -------
    dict
        The share of p below 0.05 by `stats.estimate`, with Wilson's interval; n is the number of tests.

    Raises
    ------
    InputError
        The attribute does not have two groups: with more groups there are several tests, so the expected rate is not
        one in twenty.
    """
    cases = measured.cases
    own = cases.drop_duplicates("patient_id").set_index("patient_id")[attribute]
    if own.nunique() != 2:
        raise InputError(f"attribute {attribute}", f"{own.nunique()} groups", "Choose an attribute of two groups")
    rng = np.random.default_rng(seed)
    lots = {f"{attribute} {k}": pd.Series(rng.permutation(own.to_numpy()), own.index) for k in range(n)}
    groups = pd.DataFrame({name: cases["patient_id"].map(lot) for name, lot in lots.items()})
    frame = measured.scores[score][[baseline, arm]]
    harm = stats.harm_in_scores(frame, attributes=groups, patient=cases["patient_id"], baseline=baseline)
    found = int((harm["p"] < 0.05).groupby(harm["attribute"]).any().sum())
    low, high = wilson(found, n)
    return stats.estimate({"estimate": found / n, "low": low, "high": high}, units=n)


def _ends(values: np.ndarray, shares: tuple[float, float] = (0.025, 0.975)) -> tuple[float, float, float]:
    """Return the estimate, which is the first value, and its percentile interval between two shares."""
    replicates = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(replicates):
        return float(values[0]), np.nan, np.nan
    low, high = np.quantile(replicates, shares)
    return float(values[0]), float(low), float(high)


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return weights[:, known] @ values[known] / weights[:, known].sum(1)
