"""Data sets as documented data frames, real and simulated: one package for each data set, and one of shared code.

A simulator writes a data set with a known, planted bias in the layout of the real one. The loader reads both kinds.
"""

from helpers.datasets.checking.graph_folders import check_graphs
from helpers.datasets.checking.suiting import unsuited
from helpers.datasets.checking.summary import Checked, check_folder, check_images
from helpers.datasets.chexpert.converting import chest_table
from helpers.datasets.chexpert.loader import FINDINGS, load_chexpert, mapped_race
from helpers.datasets.chexpert.simulator import CHEST_WORLDS, simulate_chest_xrays
from helpers.datasets.factors.layout import OBSERVED as OBSERVED_CELLS
from helpers.datasets.factors.loader import Cells, FactorTable, load_cells, load_factors
from helpers.datasets.factors.population import FACTOR_WORLDS, DrawnFactors, draw_factors
from helpers.datasets.factors.rendering import SEEN as DRAWN_FACTORS
from helpers.datasets.factors.rendering import draw_chests
from helpers.datasets.factors.simulator import simulate_cells, simulate_factors
from helpers.datasets.fetal_planes.african import load_african_planes
from helpers.datasets.fetal_planes.loader import load_fetal_planes
from helpers.datasets.fetal_planes.simulator import (
    FETAL_WORLDS,
    draw_fetal_pictures,
    simulate_african_planes,
    simulate_fetal_planes,
)
from helpers.datasets.fitzpatrick.converting import skin_cases_table, skin_table
from helpers.datasets.fitzpatrick.duplicates import leaks, load_clusters
from helpers.datasets.fitzpatrick.loader import has_pictures, load_fitzpatrick17k
from helpers.datasets.fitzpatrick.simulator import SKIN_WORLDS, simulate_dermatology
from helpers.datasets.graphs.loader import LabelledGraphs, load_graphs
from helpers.datasets.graphs.simulator import GRAPH_WORLDS, simulate_connectomes, simulate_graphs
from helpers.datasets.image_table.columns import PARAMETERS as IMAGE_COLUMNS
from helpers.datasets.image_table.loading import ImageTable, load_image_table
from helpers.datasets.image_table.loading import kept as kept_images
from helpers.datasets.image_table.pairs import GroupPair, group_pair
from helpers.datasets.image_table.parts import shared_out, two_classes
from helpers.datasets.image_table.pixels import check_files, in_colour, table_masks, table_pictures
from helpers.datasets.mama_mia.check import check_data
from helpers.datasets.mama_mia.folders import masks
from helpers.datasets.mama_mia.loader import load_mama_mia
from helpers.datasets.mama_mia.population import EFFECTS as BREAST_EFFECTS
from helpers.datasets.mama_mia.population import truth as breast_truth
from helpers.datasets.mama_mia.rendering import PHYSICS, Anatomy, anatomy, physics, render
from helpers.datasets.mama_mia.score_tables import find_scores, join_scores, read_scores
from helpers.datasets.mama_mia.simulator import simulate_breast_mri, simulate_breast_mri_table
from helpers.datasets.mama_mia.volumes import (
    Volume,
    crop,
    enhancement,
    folds,
    has_images,
    largest_slice,
    load_volume,
    mask_file,
    resample,
    to_grid,
)
from helpers.datasets.mama_mia.worlds import RULERS, simulate_breast_mri_world, world_truth
from helpers.datasets.mama_mia.worlds import WORLDS as BREAST_WORLDS
from helpers.datasets.ms_cxr.layout import CATEGORIES as MS_CXR_CATEGORIES
from helpers.datasets.ms_cxr.loader import load_ms_cxr
from helpers.datasets.ms_cxr.simulator import simulate_ms_cxr
from helpers.datasets.nih_labels.checksums import is_nih_release
from helpers.datasets.nih_labels.layout import FINDINGS as NIH_FINDINGS
from helpers.datasets.nih_labels.layout import MAPPING as NIH_MAPPING
from helpers.datasets.nih_labels.loader import NihLabels, load_nih_labels, panel_table
from helpers.datasets.nih_labels.population import NIH_WORLDS, draw_nih_labels, nih_truth
from helpers.datasets.nih_labels.prior import position_prior
from helpers.datasets.nih_labels.simulator import simulate_nih_labels
from helpers.datasets.own.loader import OwnScores, load_own_scores
from helpers.datasets.own.simulator import COLUMNS as OWN_COLUMNS
from helpers.datasets.own.simulator import PLANTED as OWN_PLANTED
from helpers.datasets.own.simulator import simulate_own_scores
from helpers.datasets.recognition import is_published
from helpers.datasets.review.citations import CITATION_WORLDS, Citations, simulate_citations
from helpers.datasets.review.companion import has_companion, load_companion
from helpers.datasets.review.databases import connect as connect_review
from helpers.datasets.review.databases import export_sqlite as export_review
from helpers.datasets.review.databases import import_sqlite as import_review
from helpers.datasets.review.layout import TABLES as REVIEW_TABLES
from helpers.datasets.review.loader import as_of, load_review, newest_day, review_folder, save_review
from helpers.datasets.review.openalex import OpenAlexWorks, read_openalex
from helpers.datasets.review.users import user_review, with_works
from helpers.datasets.shared.folder import CASES
from helpers.datasets.shared.formats import Picture
from helpers.datasets.shared.grounded import Grounded, box_masks, check_grounded
from helpers.datasets.shared.headers import check_pictures
from helpers.datasets.shared.loading import load_pictures
from helpers.datasets.shared.mask_files import load_masks, read_mask
from helpers.datasets.shared.pictures import read_picture
from helpers.datasets.shared.splits import split_patients
from helpers.datasets.shared.tables import SUFFIXES as TABLE_SUFFIXES
from helpers.datasets.ucsf_pdgm.converting import brain_table
from helpers.datasets.ucsf_pdgm.loader import load_ucsf_pdgm
from helpers.datasets.ucsf_pdgm.simulator import BRAIN_WORLDS, simulate_brain_tumours
from helpers.datasets.ucsf_pdgm.slices import load_flair_slices
from helpers.datasets.vindr_cxr.loader import load_vindr_cxr

__all__ = [
    "BRAIN_WORLDS",
    "BREAST_EFFECTS",
    "BREAST_WORLDS",
    "CASES",
    "CHEST_WORLDS",
    "CITATION_WORLDS",
    "DRAWN_FACTORS",
    "FACTOR_WORLDS",
    "FETAL_WORLDS",
    "FINDINGS",
    "GRAPH_WORLDS",
    "IMAGE_COLUMNS",
    "MS_CXR_CATEGORIES",
    "NIH_FINDINGS",
    "NIH_MAPPING",
    "NIH_WORLDS",
    "OBSERVED_CELLS",
    "OWN_COLUMNS",
    "OWN_PLANTED",
    "PHYSICS",
    "REVIEW_TABLES",
    "RULERS",
    "SKIN_WORLDS",
    "TABLE_SUFFIXES",
    "Anatomy",
    "Cells",
    "Checked",
    "Citations",
    "DrawnFactors",
    "FactorTable",
    "Grounded",
    "GroupPair",
    "ImageTable",
    "LabelledGraphs",
    "NihLabels",
    "OpenAlexWorks",
    "OwnScores",
    "Picture",
    "Volume",
    "anatomy",
    "as_of",
    "box_masks",
    "brain_table",
    "breast_truth",
    "check_data",
    "check_files",
    "check_folder",
    "check_graphs",
    "check_grounded",
    "check_images",
    "check_pictures",
    "chest_table",
    "connect_review",
    "crop",
    "draw_chests",
    "draw_factors",
    "draw_fetal_pictures",
    "draw_nih_labels",
    "enhancement",
    "export_review",
    "find_scores",
    "folds",
    "group_pair",
    "has_companion",
    "has_images",
    "has_pictures",
    "import_review",
    "in_colour",
    "is_nih_release",
    "is_published",
    "join_scores",
    "kept_images",
    "largest_slice",
    "leaks",
    "load_african_planes",
    "load_cells",
    "load_chexpert",
    "load_clusters",
    "load_companion",
    "load_factors",
    "load_fetal_planes",
    "load_fitzpatrick17k",
    "load_flair_slices",
    "load_graphs",
    "load_image_table",
    "load_mama_mia",
    "load_masks",
    "load_ms_cxr",
    "load_nih_labels",
    "load_own_scores",
    "load_pictures",
    "load_review",
    "load_ucsf_pdgm",
    "load_vindr_cxr",
    "load_volume",
    "mapped_race",
    "mask_file",
    "masks",
    "newest_day",
    "nih_truth",
    "panel_table",
    "physics",
    "position_prior",
    "read_mask",
    "read_openalex",
    "read_picture",
    "read_scores",
    "render",
    "resample",
    "review_folder",
    "save_review",
    "shared_out",
    "simulate_african_planes",
    "simulate_brain_tumours",
    "simulate_breast_mri",
    "simulate_breast_mri_table",
    "simulate_breast_mri_world",
    "simulate_cells",
    "simulate_chest_xrays",
    "simulate_citations",
    "simulate_connectomes",
    "simulate_dermatology",
    "simulate_factors",
    "simulate_fetal_planes",
    "simulate_graphs",
    "simulate_ms_cxr",
    "simulate_nih_labels",
    "simulate_own_scores",
    "skin_cases_table",
    "skin_table",
    "split_patients",
    "table_masks",
    "table_pictures",
    "to_grid",
    "two_classes",
    "unsuited",
    "user_review",
    "with_works",
    "world_truth",
]
