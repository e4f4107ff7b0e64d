"""Metrics: arrays in, numbers out.

Overlap and surface distances of masks are in `helpers.metrics.masks`, lesions found in `helpers.metrics.detection`, and
size and form of one mask in `helpers.metrics.geometry`. The similarity of an image to its original is in
`helpers.metrics.images`. Rates of predictions and their gaps between groups are in `helpers.metrics.rates`, and scores
that decide which cases a person sees in `helpers.metrics.abstention`. The agreement of maps, such as attributions, is
in `helpers.metrics.maps`, and that of a map with boxes in `helpers.metrics.grounding`. Graphs are in
`helpers.metrics.graphs`, and edits between them in `helpers.metrics.graph_edits`. What a coordinate of a code tells of
an attribute is in `helpers.metrics.coordinates`. Everything public can be called as ``metrics.<name>``.
"""

from helpers.metrics.abstention import augrc, aurc, false_positive_rate_at, flag_rates, flag_threshold
from helpers.metrics.coordinates import Lead, auroc_lead, auroc_matrix
from helpers.metrics.detection import lesions
from helpers.metrics.geometry import shape
from helpers.metrics.graph_edits import EditBounds, edit_bounds, edits_in_place
from helpers.metrics.graphs import Graphs, graph_facts
from helpers.metrics.grounding import contrast_to_noise, map_overlap, mass_share, pointing
from helpers.metrics.images import lpips, lpips_available, psnr, ssim
from helpers.metrics.maps import (
    SMALLEST_MOVE,
    beyond_noise,
    localisation,
    map_agreement,
    sign_agreement,
    spearman,
    top_overlap,
)
from helpers.metrics.masks import agreement, assd, dice, hd95, iou, scores
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
    "SMALLEST_MOVE",
    "Auroc",
    "EditBounds",
    "Graphs",
    "Lead",
    "agreement",
    "assd",
    "augrc",
    "aurc",
    "auroc",
    "auroc_lead",
    "auroc_matrix",
    "beyond_noise",
    "contrast_to_noise",
    "dice",
    "edit_bounds",
    "edits_in_place",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "false_positive_rate",
    "false_positive_rate_at",
    "flag_rates",
    "flag_threshold",
    "graph_facts",
    "hd95",
    "iou",
    "lesions",
    "localisation",
    "lpips",
    "lpips_available",
    "map_agreement",
    "map_overlap",
    "mass_share",
    "pointing",
    "psnr",
    "rates_by_group",
    "scores",
    "shape",
    "sign_agreement",
    "spearman",
    "ssim",
    "top_overlap",
    "true_positive_rate",
]
