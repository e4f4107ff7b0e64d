"""Statistics of any per-case score over any groups: gaps, tests, models, resampling, checks of printed numbers."""

from helpers.stats.adjusting import given_source
from helpers.stats.analysis_choices import choices, ethnicity_choices
from helpers.stats.attributes import (
    NOT_RECORDED,
    against_reference,
    changed_by_ruler,
    comparable,
    described,
    detectable_difference,
    group_sizes,
    intersections,
    over_attributes,
    rates_at,
    reference_group,
    sweep_against_reference,
)
from helpers.stats.bounded_means import logit_ends
from helpers.stats.clustered_auroc import auroc_interval
from helpers.stats.control import false_alarms
from helpers.stats.discovery import Arrows, fisher_z, pc_graph, wrong_arrows
from helpers.stats.experiments import Between, change_between
from helpers.stats.fairness import prediction_fairness, score_fairness
from helpers.stats.fairness_change import harm_in_auroc, harm_in_rates, harm_in_scores
from helpers.stats.gaps import (
    by_group,
    contrast,
    demographic_parity_difference,
    disparate_impact_ratio,
    equity_scaled,
    gap,
    rate_ratio,
    success,
    success_rates,
    threshold_sweep,
)
from helpers.stats.hypothesis import Test, anova, assumptions, choose_test, compare, kruskal, welch
from helpers.stats.intervals import half_width_of
from helpers.stats.judging import judge
from helpers.stats.label_audit import (
    cohort_values,
    out_of_fold_values,
    paper_ethnicity,
    silver_values,
    volume_values,
)
from helpers.stats.latents import Matched, match_latents, mean_correlation, predicted_linearly
from helpers.stats.models import (
    Effect,
    Interaction,
    adjusted_contrast,
    interaction,
    mixed_slope,
    nested_f,
    partial_eta2,
    slope,
)
from helpers.stats.notation import estimate, estimates
from helpers.stats.ordering import (
    Reversed,
    check_factors,
    check_graph,
    edges_reversed,
    explained_by_others,
    graph_order,
    order_agreement,
    ordered_pairs,
    trivial_order,
)
from helpers.stats.pairs import adjust_p, chi_square, posthoc, rank_biserial, rank_biserial_interval, two_rate_test
from helpers.stats.permute import Permutation, permutation
from helpers.stats.printed import anova_from_summary, check_table, contrast_from_summary, counts_behind, mean_of_means
from helpers.stats.questions import adjust_once, coarsenings
from helpers.stats.resample import Change, Interval, bootstrap, bootstrap_change
from helpers.stats.runs import TRAININGS
from helpers.stats.seeds import change_over_seeds, over_seeds, seeds_needed, single_runs
from helpers.stats.shares import rates_by
from helpers.stats.sources import hidden_gap, within_source
from helpers.stats.thresholds import choose_threshold, predict_at, threshold_optimism
from helpers.stats.trends import trend
from helpers.stats.variance import variance_components, variance_shares
from helpers.stats.warning_signs import compare_signs, varying_signs
from helpers.stats.worlds import world_rates, world_values

__all__ = [
    "NOT_RECORDED",
    "TRAININGS",
    "Arrows",
    "Between",
    "Change",
    "Effect",
    "Interaction",
    "Interval",
    "Matched",
    "Permutation",
    "Reversed",
    "Test",
    "adjust_once",
    "adjust_p",
    "adjusted_contrast",
    "against_reference",
    "anova",
    "anova_from_summary",
    "assumptions",
    "auroc_interval",
    "bootstrap",
    "bootstrap_change",
    "by_group",
    "change_between",
    "change_over_seeds",
    "changed_by_ruler",
    "check_factors",
    "check_graph",
    "check_table",
    "chi_square",
    "choices",
    "choose_test",
    "choose_threshold",
    "coarsenings",
    "cohort_values",
    "comparable",
    "compare",
    "compare_signs",
    "contrast",
    "contrast_from_summary",
    "counts_behind",
    "demographic_parity_difference",
    "described",
    "detectable_difference",
    "disparate_impact_ratio",
    "edges_reversed",
    "equity_scaled",
    "estimate",
    "estimates",
    "ethnicity_choices",
    "explained_by_others",
    "false_alarms",
    "fisher_z",
    "gap",
    "given_source",
    "graph_order",
    "group_sizes",
    "half_width_of",
    "harm_in_auroc",
    "harm_in_rates",
    "harm_in_scores",
    "hidden_gap",
    "interaction",
    "intersections",
    "judge",
    "kruskal",
    "logit_ends",
    "match_latents",
    "mean_correlation",
    "mean_of_means",
    "mixed_slope",
    "nested_f",
    "order_agreement",
    "ordered_pairs",
    "out_of_fold_values",
    "over_attributes",
    "over_seeds",
    "paper_ethnicity",
    "partial_eta2",
    "pc_graph",
    "permutation",
    "posthoc",
    "predict_at",
    "predicted_linearly",
    "prediction_fairness",
    "rank_biserial",
    "rank_biserial_interval",
    "rate_ratio",
    "rates_at",
    "rates_by",
    "reference_group",
    "score_fairness",
    "seeds_needed",
    "silver_values",
    "single_runs",
    "slope",
    "success",
    "success_rates",
    "sweep_against_reference",
    "threshold_optimism",
    "threshold_sweep",
    "trend",
    "trivial_order",
    "two_rate_test",
    "variance_components",
    "variance_shares",
    "varying_signs",
    "volume_values",
    "welch",
    "within_source",
    "world_rates",
    "world_values",
    "wrong_arrows",
]
