"""Audit of the user's scores: findings in words, without numbers that would disclose a small group."""

from helpers.studies.own_scores.scoring import score_own
from helpers.studies.own_scores.suppression import beside_small, total
from helpers.studies.own_scores.wording import findings

__all__ = ["beside_small", "findings", "score_own", "total"]
