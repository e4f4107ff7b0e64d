"""Audit of the user's scores: findings in words, without numbers that would disclose a small group."""

from helpers.studies.own_scores.classifying import Classified, GroupRates, classified, group_rates
from helpers.studies.own_scores.comparing import Compared, compare_models, model_findings, model_values
from helpers.studies.own_scores.rate_changes import changed_rates, rate_trends, trends
from helpers.studies.own_scores.rate_gaps import Gaps, compare_rates, odds_differences
from helpers.studies.own_scores.rate_tables import leading_rate, rate_intervals, rate_table, rate_values
from helpers.studies.own_scores.rate_wording import rate_findings
from helpers.studies.own_scores.scoring import score_own
from helpers.studies.own_scores.suppression import beside_small, suppressed, suppressed_cells, with_suppressed
from helpers.studies.own_scores.wording import by_kind, findings

__all__ = [
    "Classified",
    "Compared",
    "Gaps",
    "GroupRates",
    "beside_small",
    "by_kind",
    "changed_rates",
    "classified",
    "compare_models",
    "compare_rates",
    "findings",
    "group_rates",
    "leading_rate",
    "model_findings",
    "model_values",
    "odds_differences",
    "rate_findings",
    "rate_intervals",
    "rate_table",
    "rate_trends",
    "rate_values",
    "score_own",
    "suppressed",
    "suppressed_cells",
    "trends",
    "with_suppressed",
]
