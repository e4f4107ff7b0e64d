"""Data sets as documented frames: cohorts, tables of per-case scores, images with their masks, and pictures."""

from helpers.data.check import check_data
from helpers.data.chexpert import FINDINGS, load_chexpert, mapped_race
from helpers.data.duplicates import leaks, load_clusters
from helpers.data.files import masks
from helpers.data.fitzpatrick import has_pictures, load_fitzpatrick17k
from helpers.data.flair_slices import load_flair_slices
from helpers.data.images import load_images
from helpers.data.mama_mia import load_mama_mia
from helpers.data.own_scores import OwnScores, load_own_scores
from helpers.data.radiographs import load_radiographs
from helpers.data.score_tables import find_scores, join_scores, read_scores
from helpers.data.splits import split_patients
from helpers.data.ucsf_pdgm import load_ucsf_pdgm
from helpers.data.volumes import (
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

__all__ = [
    "FINDINGS",
    "OwnScores",
    "Volume",
    "check_data",
    "crop",
    "enhancement",
    "find_scores",
    "folds",
    "has_images",
    "has_pictures",
    "join_scores",
    "largest_slice",
    "leaks",
    "load_chexpert",
    "load_clusters",
    "load_fitzpatrick17k",
    "load_flair_slices",
    "load_images",
    "load_mama_mia",
    "load_own_scores",
    "load_radiographs",
    "load_ucsf_pdgm",
    "load_volume",
    "mapped_race",
    "mask_file",
    "masks",
    "read_scores",
    "resample",
    "split_patients",
    "to_grid",
]
