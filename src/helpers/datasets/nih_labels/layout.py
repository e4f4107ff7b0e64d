"""Names, columns and checksums of the NIH label tables; the loader, the fetching and the simulator all use them."""

from __future__ import annotations

FOLDER = "nih_labels"  # below the project's data
ENTRIES = "Data_Entry_2017_v2020.csv.gz"
PANEL = "google2019_nih-chest-xray-labels.csv.gz"
BOXES = "BBox_List_2017.csv.gz"
TIDY = "panel_images.csv"  # made here, for an audit

# SHA-256 of the published tables.
TABLES = {
    ENTRIES: "9d4de640ee4f760215d8be98376b20387ca52f9c6b4d1b727cb588fb82f40b80",
    PANEL: "1d1b846e463753ed0219f67e21b10c8aef381897dbd64865c8191aa5794e8048",
    BOXES: "cf9dc6029f65daa8b389415b0546af0eeeb91fbac7d63ec49d7f8de2fd8f40cd",
}
PACKAGE, VERSION = "torchxrayvision", "1.5.7"
WHEEL = "95f6c3475661f3515d4258deb0855bd5d1b1a56e0b65384251d3dd3fa61fac41"  # SHA-256
INSIDE = f"{PACKAGE}/data/"  # folder of the tables in the wheel

IMAGE, LABELS, PATIENT, AGE = "Image Index", "Finding Labels", "Patient ID", "Patient Age"
SEX, VIEW, PART = "Patient Gender", "View Position", "Set Id"
ENTRY_COLUMNS = (
    *(IMAGE, LABELS, "Follow-up #", PATIENT, AGE, SEX, VIEW),
    *("OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]"),
)
BOX_COLUMNS = (IMAGE, "Finding Label", "Bbox [x", "y", "w", "h]")
SEXES, VIEWS, PARTS = ("F", "M"), ("AP", "PA"), ("val", "test")
NO_FINDING = "No Finding"
OLDEST = 110  # years; ages above it are errors
SIDE = 1_024  # pixels of an image's side, in which boxes are given

# Column of the panel's table -> finding.
PANEL_FINDINGS = {
    "Pneumothorax": "pneumothorax",
    "Nodule or mass": "nodule_or_mass",
    "Airspace opacity": "airspace_opacity",
    "Fracture": "fracture",
}
_NAMES = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia"),
    *("Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax", NO_FINDING),
)
# Mined label -> column, the last for "No Finding".
FINDINGS = {name: name.lower().replace(" ", "_") for name in _NAMES}
BOX_FINDINGS = {
    name: FINDINGS[name]
    for name in ("Atelectasis", "Cardiomegaly", "Effusion", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
} | {"Infiltrate": "infiltration"}

_SAME = {"pneumothorax": ("pneumothorax",), "nodule_or_mass": ("nodule", "mass")}
# Name of a mapping -> finding of the panel -> mined findings, of which any counts. Fracture has no mined label.
MAPPING: dict[str, dict[str, tuple[str, ...]]] = {
    "primary": _SAME | {"airspace_opacity": ("infiltration", "consolidation", "pneumonia", "atelectasis", "edema")},
    "narrow": _SAME | {"airspace_opacity": ("consolidation", "pneumonia", "edema")},
    "narrow or infiltration": _SAME | {"airspace_opacity": ("consolidation", "pneumonia", "edema", "infiltration")},
}
