"""Metrics: arrays in, numbers out.

Overlap and surface distances of masks are in `helpers.metrics.masks`, lesions found in `helpers.metrics.detection`, and
size and form of one mask in `helpers.metrics.geometry`. The similarity of an image to its original is in
`helpers.metrics.images`. Rates of predictions and their gaps between groups are in `helpers.metrics.rates`, and scores
that decide which cases a person sees in `helpers.metrics.abstention`. The agreement of maps, such as attributions, is
in `helpers.metrics.maps`, and that of a map with boxes in `helpers.metrics.grounding`. Graphs are in
`helpers.metrics.graphs`, and edits between them in `helpers.metrics.graph_edits`. What a coordinate of a code tells of
an attribute is in `helpers.metrics.coordinates`. Everything public can be called as ``metrics.<name>``.
"""

from helpers.faces import attach

__all__ = attach(__name__)
