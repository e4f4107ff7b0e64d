"""One function per kind of figure; each draws on the given axes and returns them.

Colours are Okabe and Ito's, which people with colour-vision deficiency can distinguish. Shape or position always shows
the same information as colour.
"""

from helpers.faces import attach

__all__ = attach(__name__)
