"""One function per kind of figure; each draws on the given axes and returns them.

Colours are Okabe and Ito's, which people with colour-vision deficiency can distinguish. Shape or position always shows
the same information as colour.
"""

from helpers.figures.arms import changes, levels
from helpers.figures.cases import bars, boxes, embedding, histogram
from helpers.figures.counts import stacked
from helpers.figures.images import heat, pictures
from helpers.figures.labelling import labels
from helpers.figures.look import BLUE, GREEN, GREY, ORANGE, PALETTE, VERMILION, style
from helpers.figures.over_runs import repeats, shares
from helpers.figures.results import forest, means, null, rates, sweep
from helpers.figures.scatter import against
from helpers.figures.tradeoffs import lambdas, tradeoff, verdicts
from helpers.figures.withholding import mark_pixels

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALETTE",
    "VERMILION",
    "against",
    "bars",
    "boxes",
    "changes",
    "embedding",
    "forest",
    "heat",
    "histogram",
    "labels",
    "lambdas",
    "levels",
    "mark_pixels",
    "means",
    "null",
    "pictures",
    "rates",
    "repeats",
    "shares",
    "stacked",
    "style",
    "sweep",
    "tradeoff",
    "verdicts",
]
