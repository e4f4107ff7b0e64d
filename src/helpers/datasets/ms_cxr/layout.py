"""Names of files, columns and categories of MS-CXR; the simulator and the loader use them."""

from __future__ import annotations

TABLES = ("MS_CXR_Local_Alignment_v1.1.0.csv", "MS_CXR_Local_Alignment_v1.0.0.csv")  # releases 1.1.0 and 0.1
PICTURE, CATEGORY, TEXT, PATH = "dicom_id", "category_name", "label_text", "path"
BOX = ("x", "y", "w", "h")
SIZE = ("image_width", "image_height")
SPLIT = "split"  # since release 1.1.0
COLUMNS = (PICTURE, CATEGORY, TEXT, PATH, *BOX, *SIZE)
CATEGORIES = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema"),
    *("Lung Opacity", "Pleural Effusion", "Pneumonia", "Pneumothorax"),
)
PLACE = r"(?:.*/)?files/p\d\d/(p\d+)/s\d+/[\w-]+\.(?:jpe?g|dcm|png)"

# Patients of MIMIC-IV, which has the sex of those of MIMIC-CXR.
PATIENTS = ("patients.csv", "patients.csv.gz")
PATIENT, SEX = "subject_id", "gender"
SEXES = ("F", "M")
