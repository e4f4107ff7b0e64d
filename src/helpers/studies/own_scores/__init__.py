"""Audit of the user's scores: findings in words, without numbers that would disclose a small group."""

from helpers.faces import attach

__all__ = attach(__name__)
