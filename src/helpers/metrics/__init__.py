"""Metrics: arrays in, numbers out.

Overlap and surface distances of masks are in `helpers.metrics.masks`, size and form of one mask in
`helpers.metrics.shape`, the MAMA-MIA challenge's own score in `helpers.metrics.challenge`. Everything public can be
called as ``metrics.<name>``.
"""

from helpers.metrics.challenge import ChallengeScore, challenge_score, hd95_voxels
from helpers.metrics.masks import dice, hd95, scores, surface_dice, volume_cc
from helpers.metrics.shape import shape

__all__ = [
    "ChallengeScore",
    "challenge_score",
    "dice",
    "hd95",
    "hd95_voxels",
    "scores",
    "shape",
    "surface_dice",
    "volume_cc",
]
