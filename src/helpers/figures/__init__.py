"""One function per kind of figure: each draws on the axes it is given and returns them.

Colours are Okabe and Ito's, which people with colour-vision deficiency tell apart; shape or place always says the same.
"""

from helpers.faces import attach

__all__ = attach(__name__)
