"""Audit of any per-case score over any groups: gaps, tests, models, resampling, causes, checks of printed numbers."""

from helpers.audit.attributes import (
    NOT_RECORDED,
    against_reference,
    changed_by_ruler,
    comparable,
    described,
    detectable_difference,
    given_source,
    group_sizes,
    intersections,
    over_attributes,
    rates_at,
    reference_group,
    sweep_against_reference,
)
from helpers.audit.calibrate import calibrate, calibration_cohorts, calibration_summary, null_interval_coverage
from helpers.audit.choices import choices, ethnicity_choices
from helpers.audit.conditions import band_table, label_agreement, prevalence, prevalence_shift, sampling
from helpers.audit.control import false_alarms
from helpers.audit.diagnose import CAUSES, Diagnosis, diagnose
from helpers.audit.experiments import Between, amplification, change_between
from helpers.audit.fairness import prediction_fairness, score_fairness
from helpers.audit.fairness_change import harm_in_auroc, harm_in_rates, harm_in_scores
from helpers.audit.gaps import (
    by_group,
    contrast,
    demographic_parity_difference,
    disparate_impact_ratio,
    equity_scaled,
    gap,
    rate_difference,
    rate_ratio,
    ser,
    success,
    success_rates,
    threshold_sweep,
)
from helpers.audit.hypothesis import Test, anova, assumptions, choose_test, compare, kruskal, welch
from helpers.audit.label_audit import (
    cohort_values,
    out_of_fold_values,
    paper_ethnicity,
    silver_values,
    undefined,
    volume_values,
)
from helpers.audit.latent import latent
from helpers.audit.methods import compare_methods
from helpers.audit.mixed import mixed_gap
from helpers.audit.models import (
    Effect,
    Interaction,
    adjusted_contrast,
    interaction,
    mixed_slope,
    nested_f,
    partial_eta2,
    slope,
)
from helpers.audit.pairs import adjust_p, chi_square, posthoc, rank_biserial, rank_biserial_interval, two_rate_test
from helpers.audit.permute import Permutation, permutation
from helpers.audit.printed import anova_from_summary, check_table, contrast_from_summary, counts_behind, mean_of_means
from helpers.audit.readings import Largest, largest_gap, readings
from helpers.audit.representation import (
    at_equal_conditions,
    by_condition,
    gap_causes,
    gap_verdict,
    representation_effects,
    run_means,
)
from helpers.audit.resample import Change, Interval, bootstrap, bootstrap_change
from helpers.audit.ruler import Ruler, judge, ruler
from helpers.audit.runs import TRAININGS
from helpers.audit.signs import calibration, compare_signs, hand_over
from helpers.audit.sources import hidden_gap, within_source
from helpers.audit.spread import ratios
from helpers.audit.thresholds import choose_threshold, predict_at, threshold_optimism
from helpers.audit.tiers import tiers
from helpers.audit.variance import (
    change_over_seeds,
    half_width_of,
    over_seeds,
    seeds_needed,
    single_runs,
    variance_components,
    variance_shares,
)
from helpers.audit.warning import warning_sign

__all__ = [
    "CAUSES",
    "NOT_RECORDED",
    "TRAININGS",
    "Between",
    "Change",
    "Diagnosis",
    "Effect",
    "Interaction",
    "Interval",
    "Largest",
    "Permutation",
    "Ruler",
    "Test",
    "adjust_p",
    "adjusted_contrast",
    "against_reference",
    "amplification",
    "anova",
    "anova_from_summary",
    "assumptions",
    "at_equal_conditions",
    "band_table",
    "bootstrap",
    "bootstrap_change",
    "by_condition",
    "by_group",
    "calibrate",
    "calibration",
    "calibration_cohorts",
    "calibration_summary",
    "change_between",
    "change_over_seeds",
    "changed_by_ruler",
    "check_table",
    "chi_square",
    "choices",
    "choose_test",
    "choose_threshold",
    "cohort_values",
    "comparable",
    "compare",
    "compare_methods",
    "compare_signs",
    "contrast",
    "contrast_from_summary",
    "counts_behind",
    "demographic_parity_difference",
    "described",
    "detectable_difference",
    "diagnose",
    "disparate_impact_ratio",
    "equity_scaled",
    "ethnicity_choices",
    "false_alarms",
    "gap",
    "gap_causes",
    "gap_verdict",
    "given_source",
    "group_sizes",
    "half_width_of",
    "hand_over",
    "harm_in_auroc",
    "harm_in_rates",
    "harm_in_scores",
    "hidden_gap",
    "interaction",
    "intersections",
    "judge",
    "kruskal",
    "label_agreement",
    "largest_gap",
    "latent",
    "mean_of_means",
    "mixed_gap",
    "mixed_slope",
    "nested_f",
    "null_interval_coverage",
    "out_of_fold_values",
    "over_attributes",
    "over_seeds",
    "paper_ethnicity",
    "partial_eta2",
    "permutation",
    "posthoc",
    "predict_at",
    "prediction_fairness",
    "prevalence",
    "prevalence_shift",
    "rank_biserial",
    "rank_biserial_interval",
    "rate_difference",
    "rate_ratio",
    "rates_at",
    "ratios",
    "readings",
    "reference_group",
    "representation_effects",
    "ruler",
    "run_means",
    "sampling",
    "score_fairness",
    "seeds_needed",
    "ser",
    "silver_values",
    "single_runs",
    "slope",
    "success",
    "success_rates",
    "sweep_against_reference",
    "threshold_optimism",
    "threshold_sweep",
    "tiers",
    "two_rate_test",
    "undefined",
    "variance_components",
    "variance_shares",
    "volume_values",
    "warning_sign",
    "welch",
    "within_source",
]
