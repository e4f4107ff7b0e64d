"""Names of folders, files and columns of a UCSF-PDGM download; the simulator and the loader both use them."""

from __future__ import annotations

IMAGES = "UCSF-PDGM-v5"
TABLE = "UCSF-PDGM-metadata_v5.csv"
FLAIR, SEGMENTATION, BRAIN = "FLAIR", "tumor_segmentation", "brain_segmentation"
COLUMNS = (
    "ID",
    "Sex",
    "Age at MRI",
    "WHO CNS Grade",
    "Final pathologic diagnosis (WHO 2021)",
    "MGMT status",
    "MGMT index",
    "1p/19q",
    "IDH",
    "1-dead 0-alive",
    "OS",
    "EOR",
    "Biopsy prior to imaging",
    "BraTS21 ID",
    "BraTS21 Segmentation Cohort",
    "BraTS21 MGMT Cohort",
)
UNKNOWN = "unknown"  # text of a missing value in the table
SEXES = ("F", "M")
GRADES = (2, 3, 4)
NECROSIS, EDEMA, ENHANCING = 1, 2, 4  # labels of a tumour segmentation; there is no 3
GLIOBLASTOMA = "Glioblastoma, IDH-wildtype"
FOLDER = r"(UCSF-PDGM)-(\d{3,4})(_FU\d+d)?_nifti"  # of an exam: four digits; a follow-up has the days since the first
ID = r"(UCSF-PDGM)-(\d{3,4})(_FU\d+d)?"  # in the table: three digits

# Columns of the frame that `helpers.datasets.load_ucsf_pdgm` returns.
CASE_COLUMNS = (
    "exam",
    "patient_id",
    "flair",
    "segmentation",
    "sex",
    "age",
    "age_group",
    "grade",
    "grade4",
    "diagnosis",
    "glioblastoma",
    "split",
)


def exam_name(number: int, follow_up: str = "") -> str:
    """Format the name of an exam as in its file names, such as ``UCSF-PDGM-0000_FU000d``."""
    return f"UCSF-PDGM-{number:04d}{follow_up}"
