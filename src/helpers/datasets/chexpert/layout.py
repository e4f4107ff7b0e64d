"""Names of folders, files and columns of a CheXpert download; the simulator and the loader both use them."""

from __future__ import annotations

FOLDERS = ("CheXpert-v1.0-small", "CheXpert-v1.0")  # first the release with small images, the usual one
TRAIN, VALID = "train.csv", "valid.csv"
DEMOGRAPHICS = "CHEXPERT DEMO.xlsx"

PATH, SEX, AGE, VIEW, PROJECTION = "Path", "Sex", "Age", "Frontal/Lateral", "AP/PA"
NO_FINDING, SUPPORT_DEVICES = "No Finding", "Support Devices"
# Findings that studies report, in the order of the table: all labels except the first and the last.
FINDINGS = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
)
LABELS = (NO_FINDING, *FINDINGS, SUPPORT_DEVICES)
COLUMNS = (PATH, SEX, AGE, VIEW, PROJECTION, *LABELS)
DEMOGRAPHIC_COLUMNS = ("PATIENT", "GENDER", "AGE_AT_CXR", "PRIMARY_RACE", "ETHNICITY")

VIEWS = ("frontal", "lateral")
RACES = (
    "White",
    "Black",
    "Asian",
    "Other",
    "American Indian or Alaska Native",
    "Native Hawaiian or Other Pacific Islander",
)
AGE_CUT = 62  # years; the older group is above it

# Columns of the frame that `helpers.datasets.load_chexpert` returns.
CASE_COLUMNS = ("image", "file", "patient_id", "sex", "age", "age_group", "race", "view", *FINDINGS, "split")
