"""Metrics: arrays in, numbers out.

Overlap and surface distances of masks are in `helpers.metrics.masks`, size and form of one mask in
`helpers.metrics.geometry`, and the MAMA-MIA challenge's score in `helpers.metrics.challenge`. The similarity of an
image to its original is in `helpers.metrics.images`. Rates of predictions and their gaps between groups are in
`helpers.metrics.rates`. Everything public can be called as ``metrics.<name>``.
"""

from helpers.metrics.challenge import ChallengeScore, challenge_score, hd95_voxels
from helpers.metrics.geometry import shape
from helpers.metrics.images import lpips, lpips_available, psnr, ssim
from helpers.metrics.masks import dice, hd95, scores, surface_dice, volume_cc
from helpers.metrics.rates import (
    Auroc,
    auroc,
    equal_opportunity_difference,
    equalized_odds_difference,
    false_positive_rate,
    rates_by_group,
    true_positive_rate,
)

__all__ = [
    "Auroc",
    "ChallengeScore",
    "auroc",
    "challenge_score",
    "dice",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "false_positive_rate",
    "hd95",
    "hd95_voxels",
    "lpips",
    "lpips_available",
    "psnr",
    "rates_by_group",
    "scores",
    "shape",
    "ssim",
    "surface_dice",
    "true_positive_rate",
    "volume_cc",
]
