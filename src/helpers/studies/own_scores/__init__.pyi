"""The audit of a reader's own scores: in words, and without what would give a small group away."""

from helpers.studies.own_scores.scoring import score_own
from helpers.studies.own_scores.suppression import beside_small, total
from helpers.studies.own_scores.wording import findings

__all__ = ["beside_small", "findings", "score_own", "total"]
