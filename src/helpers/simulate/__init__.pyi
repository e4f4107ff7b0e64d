"""Data sets with a planted, known bias, written in the real data set's own layout."""

from helpers.simulate.artefacts import ARTEFACTS, artefact
from helpers.simulate.brain_tumours import BRAIN_WORLDS, brain_tumours
from helpers.simulate.breast_mri import breast_mri, breast_mri_table
from helpers.simulate.causes import CAUSES, marked, other_scanner, plant
from helpers.simulate.chest_xrays import CHEST_WORLDS, chest_xrays
from helpers.simulate.dermatology import SKIN_WORLDS, dermatology
from helpers.simulate.own_scores import COLUMNS as OWN_COLUMNS
from helpers.simulate.own_scores import PLANTED, own_scores
from helpers.simulate.population import EFFECTS, truth
from helpers.simulate.rendering import PHYSICS, Anatomy, anatomy, physics, render
from helpers.simulate.scored import SCORED_EFFECTS, SET_UPS, scored_cohort
from helpers.simulate.skin import typology_angle
from helpers.simulate.worlds import CASES, RULERS, WORLDS, breast_mri_world, world_truth

__all__ = [
    "ARTEFACTS",
    "BRAIN_WORLDS",
    "CASES",
    "CAUSES",
    "CHEST_WORLDS",
    "EFFECTS",
    "OWN_COLUMNS",
    "PHYSICS",
    "PLANTED",
    "RULERS",
    "SCORED_EFFECTS",
    "SET_UPS",
    "SKIN_WORLDS",
    "WORLDS",
    "Anatomy",
    "anatomy",
    "artefact",
    "brain_tumours",
    "breast_mri",
    "breast_mri_table",
    "breast_mri_world",
    "chest_xrays",
    "dermatology",
    "marked",
    "other_scanner",
    "own_scores",
    "physics",
    "plant",
    "render",
    "scored_cohort",
    "truth",
    "typology_angle",
    "world_truth",
]
