"""Several models on the same cases: their means, their contrasts between groups, and the paired changes of both."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.report.tables import interval, show
from helpers.stats.attributes import comparable, reference_group
from helpers.stats.notation import estimates
from helpers.stats.permute import permutation
from helpers.stats.questions import adjust_once
from helpers.stats.resample import percentile_interval
from helpers.studies.own_scores.suppression import with_suppressed
from helpers.studies.own_scores.weighing import resampled_means
from helpers.studies.own_scores.wording import ALPHA, isolated


class Compared(NamedTuple):
    """Tables of a comparison of models; each interval is of 95%, and `n` counts patients.

    `means` (index: model) and `contrasts` (attribute, model, group) have ``estimate, low, high``: the mean, and that of
    the group less that of the reference. `mean_changes` (model) and `contrast_changes` (attribute, model, group) have
    ``change, low, high``: the model less the first, paired by case; the latter also ``p, p_holm``. Both tables of
    contrasts have a row for each suppressed group.
    """

    means: pd.DataFrame
    mean_changes: pd.DataFrame
    contrasts: pd.DataFrame
    contrast_changes: pd.DataFrame


def compare_models(
    scores: pd.DataFrame,
    *,
    groups: Mapping[str, pd.Series],
    same: Mapping[str, str] = MappingProxyType({}),
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Compared:
    """Compare models by the mean of their scores and by their contrasts with the largest group, on the same cases.

    The largest group is that of all audited cases, if ten of its cases are compared.

    Every replicate takes the scores of all models of the patients drawn, so that variation shared by the models
    cancels. The p of a change is that of a permutation of the differences between two models, of each patient, between
    the two groups: if the models differ alike in both, the contrast has no change. Holm's correction is over all
    changes of contrasts.

    Parameters
    ----------
    scores : DataFrame of shape (n, models)
        One row a patient, the first model first; the index is the position in `groups`.
    groups : mapping of str to Series
        Attributes, as categories. An attribute without two groups of ten of these patients is left out.
    same : mapping of str to str
        Result of `stats.coarsenings`.
    n_permutations, n_boot, seed : int

    Returns
    -------
    Compared
    """
    boot = {"n_boot": n_boot, "seed": seed}
    values, first = scores.to_numpy(float), scores.columns[0]
    means, changes = {}, {}
    alike = np.ones(len(values))
    whole, drawn = resampled_means(values, np.zeros(len(values), int), alike, **boot)
    for k, name in enumerate(scores):
        means[name] = {"n": len(values)} | _row("estimate", whole[k, 0], drawn[:, k, 0])
        if k:
            row = _row("change", whole[k, 0] - whole[0, 0], drawn[:, k, 0] - drawn[:, 0, 0])
            changes[name] = {"against": first, "n": len(values)} | row
    contrasts, moved, hidden = {}, {}, {}
    for name, of in groups.items():
        try:
            kept = comparable(of.loc[scores.index])
        except InputError:
            continue
        levels, reference = list(kept.cat.categories), reference_group(of)
        reference = reference if reference in levels else reference_group(kept)
        hidden |= {(name, model): {g: 1 for g in of.cat.categories if g not in levels} for model in scores}
        codes, r = kept.cat.codes.to_numpy(), levels.index(reference)
        sizes = np.bincount(codes[codes >= 0])
        found, drawn = resampled_means(values, codes, alike, **boot)
        found, drawn = found - found[:, [r]], drawn - drawn[:, :, [r]]
        for k, model in enumerate(scores):
            rows = {g: {"reference": reference, "n": sizes[g_], "n_reference": sizes[r]} for g_, g in enumerate(levels)}
            rows.pop(reference)
            contrasts[name, model] = _table(rows, "estimate", found[k], drawn[:, k], levels)
            if k:
                table = _table(rows, "change", found[k] - found[0], drawn[:, k] - drawn[:, 0], levels)
                difference = values[:, k] - values[:, 0]
                p = [_p(difference, codes, [r, levels.index(g)], n_permutations, seed) for g in rows]
                moved[name, model] = table.assign(p=p)
    together = with_suppressed(contrasts, hidden)[0] if contrasts else pd.DataFrame()
    return Compared(_frame(means), _frame(changes), together, _corrected(moved, hidden, same))


def _row(name: str, value: float, draws: np.ndarray) -> dict[str, float]:
    found = percentile_interval(float(value), draws, 0, 0.95)
    return {name: found.estimate, "low": found.low, "high": found.high}


def _table(
    rows: Mapping[object, Mapping[str, object]], name: str, value: np.ndarray, draws: np.ndarray, levels: list[object]
) -> pd.DataFrame:
    found = {g: row | _row(name, value[levels.index(g)], draws[:, levels.index(g)]) for g, row in rows.items()}
    return pd.DataFrame.from_dict(found, orient="index")


def _p(difference: np.ndarray, codes: np.ndarray, pair: list[int], n: int, seed: int) -> float:
    two = np.isin(codes, pair)
    return permutation(difference[two], groups=codes[two], n=n, seed=seed).p


def _frame(rows: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _corrected(
    moved: Mapping[tuple[str, str], pd.DataFrame], hidden: Mapping[tuple[str, str], Mapping[str, int]], same: Mapping
) -> pd.DataFrame:
    """Join the changes, with p corrected by Holm over all of them and rows of suppressed groups."""
    if not moved:
        return pd.DataFrame()
    whole = pd.concat(moved)
    whole["p_holm"] = adjust_once(whole["p"], same)["holm"]
    parts = {key: of.droplevel([0, 1]) for key, of in whole.groupby(level=[0, 1], sort=False)}
    table, _ = with_suppressed(parts, hidden)
    return table


def model_tables(found: Compared) -> list[pd.DataFrame]:
    """Prepare the tables of a comparison for display, see `report.show`; tables without a row are left out."""
    tables = [show(found.means, estimate="estimate"), show(found.mean_changes, estimate="change")]
    if len(found.contrasts):
        tables += [show(found.contrasts, estimate="estimate"), show(found.contrast_changes, estimate="change")]
    return tables


def model_findings(score: str, found: Compared) -> str:
    """Word a comparison of models: means of the others less the first, and the contrasts that change."""
    first = isolated(found.means.index[0])
    size = {name: interval(row["change"], row["low"], row["high"]) for name, row in found.mean_changes.iterrows()}
    listed = "; ".join(f"{isolated(name)} {of}" for name, of in size.items())
    said = [f"On the same {found.means['n'].iloc[0]} cases, mean {score} of each model less that of {first}: {listed}."]
    if "p_holm" not in found.contrast_changes:
        return said[0]
    tested = found.contrast_changes.dropna(subset=["p_holm"])
    for (name, model, group), row in tested[tested["p_holm"] < ALPHA].iterrows():
        change = interval(row["change"], row["low"], row["high"])
        pair = f"{isolated(group)} less {isolated(row['reference'])}"
        said.append(f"{name}: the contrast {pair} changes by {change} from {first} to {isolated(model)}.")
    none = "No contrast between groups was shown to differ between the models"
    said += [] if len(said) > 1 else [f"{none}, which is no proof that they are equal."]
    corrected = f", corrected for {len(tested)} comparisons" if len(tested) > 1 else ""
    return " ".join([*said, f"Permutation p{corrected}; level {ALPHA:.0%}."])


def model_values(found: Compared) -> dict[str, object]:
    """Write the means and the changes as results hold them."""
    values: dict[str, object] = {"means": estimates(found.means), "changes": estimates(found.mean_changes, "change")}
    for (name, model, group), row in estimates(found.contrast_changes, "change").items():
        about = values.setdefault("contrast_changes", {}).setdefault(name, {}).setdefault(model, {})
        if row["estimate"] is not None:
            about[group] = row
    return values
