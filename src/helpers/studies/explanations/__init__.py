"""An explanation of what, instead of what? Maps before and after one switch, in worlds with planted parts."""

from helpers.faces import attach

__all__ = attach(__name__)
