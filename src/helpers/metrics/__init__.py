"""Metrics: arrays in, numbers out.

Overlap and surface distances of masks are in `helpers.metrics.masks`, size and form of one mask in
`helpers.metrics.geometry`, the MAMA-MIA challenge's own score in `helpers.metrics.challenge`, how close an image is to
its original in `helpers.metrics.images`, rates of predictions and their gaps between groups in `helpers.metrics.rates`.
Everything public can be called as ``metrics.<name>``.
"""

from helpers.faces import attach

__all__ = attach(__name__)
