"""Study of the biased ruler: does the reference decide how large a gap between groups is?

One set of predictions is scored against two references. The study includes segmentation networks for the controlled
experiments: on slices in memory, or on whole volumes from disk.
"""

from helpers.datasets import BREAST_WORLDS as WORLDS
from helpers.learn import embed
from helpers.studies.biased_ruler import slices, volumes
from helpers.studies.biased_ruler.by_patient import patient_dice, patient_scorer, possible
from helpers.studies.biased_ruler.diagnosis import CAUSES, Diagnosis, diagnose
from helpers.studies.biased_ruler.experiments import EXPERIMENTS, known_difficulty, run, training_set, two_rulers
from helpers.studies.biased_ruler.label_tiers import tiers
from helpers.studies.biased_ruler.labeller import as_labeller, silver_labeller, world
from helpers.studies.biased_ruler.latent_space import latent
from helpers.studies.biased_ruler.mask_shapes import shapes
from helpers.studies.biased_ruler.reading import Masked, read
from helpers.studies.biased_ruler.rulers import Ruler, one_sided, ruler
from helpers.studies.biased_ruler.slices import Slices, load_slices
from helpers.studies.biased_ruler.spread import ratio_table, ratios
from helpers.studies.biased_ruler.views import change_rows, gap_rows, ruler_table, ruler_values
from helpers.studies.biased_ruler.worlds import READINGS, confusion, diagnose_world, right

__all__ = [
    "CAUSES",
    "EXPERIMENTS",
    "READINGS",
    "WORLDS",
    "Diagnosis",
    "Masked",
    "Ruler",
    "Slices",
    "as_labeller",
    "change_rows",
    "confusion",
    "diagnose",
    "diagnose_world",
    "embed",
    "gap_rows",
    "known_difficulty",
    "latent",
    "load_slices",
    "one_sided",
    "patient_dice",
    "patient_scorer",
    "possible",
    "ratio_table",
    "ratios",
    "read",
    "right",
    "ruler",
    "ruler_table",
    "ruler_values",
    "run",
    "shapes",
    "silver_labeller",
    "slices",
    "tiers",
    "training_set",
    "two_rulers",
    "volumes",
    "world",
]
