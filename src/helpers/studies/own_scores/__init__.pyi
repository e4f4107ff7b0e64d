"""Audit of the user's scores: findings in words, without numbers that would disclose a small group."""

from helpers.studies.own_scores.both_rulers import prevalence_table, prevalences
from helpers.studies.own_scores.classifying import Classified, GroupRates, classified, group_rates
from helpers.studies.own_scores.comparing import Compared, compare_models, model_findings, model_tables, model_values
from helpers.studies.own_scores.estimating import (
    changes_of_ruler,
    contrasts,
    gaps_tested,
    mean_of,
    means,
    sizes_of,
)
from helpers.studies.own_scores.rate_changes import changed_rates, rate_trends, trends
from helpers.studies.own_scores.rate_gaps import Gaps, compare_rates, odds_differences
from helpers.studies.own_scores.rate_tables import leading_rate, rate_intervals, rate_table, rate_values
from helpers.studies.own_scores.rate_wording import rate_findings
from helpers.studies.own_scores.scoring import score_own
from helpers.studies.own_scores.sections import (
    gaps_in_sources,
    given_sources,
    leading_contrast,
    pairs_of_groups,
    time_ahead,
)
from helpers.studies.own_scores.succeeding import success_tables, sweeps
from helpers.studies.own_scores.suppression import beside_small, suppressed, suppressed_cells, with_suppressed
from helpers.studies.own_scores.units import people, shared, units_of
from helpers.studies.own_scores.wording import by_kind, findings

__all__ = [
    "Classified",
    "Compared",
    "Gaps",
    "GroupRates",
    "beside_small",
    "by_kind",
    "changed_rates",
    "changes_of_ruler",
    "classified",
    "compare_models",
    "compare_rates",
    "contrasts",
    "findings",
    "gaps_in_sources",
    "gaps_tested",
    "given_sources",
    "group_rates",
    "leading_contrast",
    "leading_rate",
    "mean_of",
    "means",
    "model_findings",
    "model_tables",
    "model_values",
    "odds_differences",
    "pairs_of_groups",
    "people",
    "prevalence_table",
    "prevalences",
    "rate_findings",
    "rate_intervals",
    "rate_table",
    "rate_trends",
    "rate_values",
    "score_own",
    "shared",
    "sizes_of",
    "success_tables",
    "suppressed",
    "suppressed_cells",
    "sweeps",
    "time_ahead",
    "trends",
    "units_of",
    "with_suppressed",
]
