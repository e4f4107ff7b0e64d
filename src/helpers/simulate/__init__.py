"""Data sets with a planted, known bias, written in the real data set's own layout."""

from helpers.simulate.breast_mri import breast_mri, breast_mri_table
from helpers.simulate.population import EFFECTS, truth

__all__ = ["EFFECTS", "breast_mri", "breast_mri_table", "truth"]
