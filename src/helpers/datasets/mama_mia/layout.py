"""Names of folders, files and columns of a MAMA-MIA download, and the values in its columns.

The simulator and the loader both use these names, so they are defined only once.
"""

from __future__ import annotations

SPREADSHEET = "clinical_and_imaging_info.xlsx"
SHEET = "dataset_info"
SPLITS = "train_test_splits.csv"
QUALITY = "preliminary_automatic_segmentations_quality_scores.csv"
WEIGHTS = "nnUNet_pretrained_weights"
WEIGHTS_ARCHIVE = "full_image_dce_mri_tumor_segmentation.zip"

DATASETS = ("DUKE", "ISPY1", "ISPY2", "NACT")
AGE_GROUPS = ("Young", "Middle", "Older")
ETHNICITIES = ("Caucasian", "African American", "Asian", "Other", "Missing")
MENOPAUSE = ("pre", "peri", "post", "unknown")
DENSITY = ("a", "b", "c", "d", "unknown")
SPLIT = ("train", "test", "unassigned")
QUALITY_LEVELS = ("Good", "Acceptable", "Poor", "Missed")

# Spellings in the spreadsheet, each with its level.
ETHNICITY_STRINGS = {
    "caucasian": "Caucasian",
    "african american": "African American",
    "asian": "Asian",
    "multiple race": "Other",
    "hispanic": "Other",
    "hawaiian/pacific islander": "Other",
    "hawaian": "Other",
    "american indian/alaskan native": "Other",
    "american indian": "Other",
    "native american": "Other",
}
_CLAUSE = "AND no prior bilateral ovariectomy AND not on estrogen replacement)"
MENOPAUSE_STRINGS = {
    "pre": f"pre (<6 months since LMP {_CLAUSE}",
    "pre spaced": f"pre (< 6 months since LMP {_CLAUSE}",
    "pre short": "pre",
    "peri": f"peri (6-12 months since LMP {_CLAUSE}",
    "post": "post",
}

# The 49 columns of the first release, in order; a later release has breast_density after bmi_group.
COLUMNS = (
    "patient_id",
    "dataset",
    "bilateral_breast_cancer",
    "multifocal_cancer",
    "nac_agent",
    "endocrine_therapy",
    "anti_her2_neu_therapy",
    "pcr",
    "mastectomy_post_nac",
    "days_to_follow_up",
    "days_to_recurrence",
    "days_to_metastasis",
    "days_to_death",
    "hr",
    "er",
    "pr",
    "her2",
    "mammaprint",
    "oncotype_score",
    "nottingham_grade",
    "tumor_subtype",
    "age",
    "menopause",
    "ethnicity",
    "has_implant",
    "weight",
    "patient_size",
    "bmi_group",
    "view",
    "bilateral_mri",
    "num_phases",
    "fat_suppressed",
    "field_strength",
    "image_rows",
    "image_columns",
    "num_slices",
    "pixel_spacing",
    "slice_thickness",
    "site",
    "manufacturer",
    "scanner_model",
    "high_bit",
    "window_center",
    "window_width",
    "echo_time",
    "repetition_time",
    "acquisition_times",
    "acquisition_date",
    "tcia_series_uid",
)
DENSITY_COLUMN = "breast_density"

# Columns of the cohort frame that `helpers.datasets.load_mama_mia` returns.
COHORT_COLUMNS = (
    "patient_id",
    "dataset",
    "site",
    "dataset_site",
    "age",
    "age_group",
    "ethnicity",
    "menopause",
    "breast_density",
    "tumor_subtype",
    "pcr",
    "manufacturer",
    "field_strength",
    "num_phases",
    "pixel_spacing_mm",
    "slice_thickness_mm",
    "image_diagonal_mm",
    "split",
    "expert_1_qs",
    "expert_2_qs",
)


def columns(*, density: bool = False) -> list[str]:
    """List the columns of the sheet ``dataset_info``: 49, or 50 with ``breast_density``."""
    names = list(COLUMNS)
    if density:
        names.insert(names.index("bmi_group") + 1, DENSITY_COLUMN)
    return names
