"""Layout of a data set's folder: which of the known ones it is, and its images as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.datasets.chexpert import layout as chexpert
from helpers.datasets.chexpert.converting import chest_table
from helpers.datasets.fetal_planes import layout as fetal_planes
from helpers.datasets.fetal_planes.converting import fetal_table, is_fetal_release
from helpers.datasets.fitzpatrick import layout as fitzpatrick
from helpers.datasets.fitzpatrick.converting import skin_table
from helpers.datasets.fitzpatrick.loader import has_pictures, load_fitzpatrick17k
from helpers.datasets.image_table.columns import SINGLE, recognised
from helpers.datasets.image_table.loading import ImageTable, converted
from helpers.datasets.mama_mia import layout as mama_mia
from helpers.datasets.nih_labels import layout as nih_labels
from helpers.datasets.nih_labels.checksums import is_nih_release
from helpers.datasets.nih_labels.loader import load_nih_labels
from helpers.datasets.recognition import is_published
from helpers.datasets.shared.files import dropped_frame, find
from helpers.datasets.shared.tables import read_table
from helpers.datasets.ucsf_pdgm import layout as ucsf_pdgm
from helpers.datasets.ucsf_pdgm.loader import load_ucsf_pdgm
from helpers.errors import InputError

MAMA_MIA = "MAMA-MIA"


class Layout(NamedTuple):
    """A known layout: `title`, test of `published` data, `load` of its table, `commands` of studies that take it."""

    title: str
    published: Callable[[Path], bool]
    load: Callable[[Path], tuple[ImageTable, bool]]
    commands: tuple[str, ...]


def _chest(root: Path) -> tuple[ImageTable, bool]:
    return chest_table(root), True


def _skin(root: Path) -> tuple[ImageTable, bool]:
    """Load the cases with images of light and dark skin, or, without any image, the table alone."""
    if has_pictures(root):
        return skin_table(root), True
    cases, dropped = load_fitzpatrick17k(root, images=False)
    rows = cases.rename(columns={"md5hash": "case"}).assign(patient_id=cases["md5hash"])
    rows["group"] = rows["group"].astype(object)
    labels = sorted(rows["three"].dropna().unique())
    rows = rows.assign(**{name: (rows["three"] == name).astype(float) for name in labels})
    return converted(rows, groups=["group"], labels=labels, dropped=dropped, has_patients=False), False


def _brain(root: Path) -> tuple[ImageTable, bool]:
    cases, dropped = load_ucsf_pdgm(root)
    rows = cases.rename(columns={"exam": "case", "flair": "file", "segmentation": "mask"}).assign(slice=pd.NA)
    labels = ["grade4", "glioblastoma"]
    return converted(rows, groups=["sex", "age_group"], labels=labels, dropped=dropped), True


def _nih_labels(root: Path) -> tuple[ImageTable, bool]:
    images, _, _, old = load_nih_labels(root)
    labels = list(nih_labels.FINDINGS.values())
    rows = images.rename(columns={"image": "case", "patient": "patient_id"}).astype({"patient_id": str})
    rows = rows.assign(**{name: rows[name].astype(float) for name in labels})
    dropped = dropped_frame([("ages", f"above {nih_labels.OLDEST} years, so not known", old)])
    return converted(rows, groups=["sex"], labels=labels, dropped=dropped), False


def _fetal(root: Path) -> tuple[ImageTable, bool]:
    pictures = has_pictures(root)
    return fetal_table(root, images=pictures), pictures


CHEXPERT = Layout(
    "CheXpert",
    lambda root: is_published(root, "chexpert"),
    _chest,
    (
        'make study STUDY=04_reconstruction_bias PARAMS="SOURCE=real DATASET=chexpert"',
        'make study STUDY=05_mitigation PARAMS="SOURCE=real TASK=chest"',
    ),
)
FITZPATRICK = Layout(
    "Fitzpatrick17k",
    lambda root: is_published(root, "fitzpatrick17k"),
    _skin,
    (
        'make study STUDY=03_skin_tone_vae PARAMS="SOURCE=real"',
        'make study STUDY=05_mitigation PARAMS="SOURCE=real TASK=skin"',
        'make study STUDY=06_vae_uncertainty PARAMS="SOURCE=real"',
    ),
)
UCSF_PDGM = Layout(
    "UCSF-PDGM",
    lambda root: is_published(root, "ucsf-pdgm"),
    _brain,
    (
        'make study STUDY=04_reconstruction_bias PARAMS="SOURCE=real"',
        'make study STUDY=05_mitigation PARAMS="SOURCE=real TASK=mri"',
    ),
)
NIH_LABELS = Layout(
    "NIH labels",
    is_nih_release,
    _nih_labels,
    ('make study STUDY=16_chest_labels PARAMS="SOURCE=real"',),
)

FETAL_PLANES = Layout(
    "FETAL_PLANES_DB",
    is_fetal_release,
    _fetal,
    ('make study STUDY=08_ood_fetal PARAMS="SOURCE=real"',),
)


def recognise(root: Path) -> Layout | None:
    """Identify the layout of a folder by the files that only it has; None for MAMA-MIA, which has another check.

    Raises
    ------
    InputError
        It is none of the six, or holds a table of images, which the message names.
    """
    if any((place := find(root, name)) is not None and find(place, chexpert.TRAIN) for name in chexpert.FOLDERS):
        return CHEXPERT
    if (table := find(root, chexpert.TRAIN)) is not None and table.is_file():
        return CHEXPERT
    if find(root, fitzpatrick.TABLE) is not None:
        return FITZPATRICK
    if find(root, nih_labels.ENTRIES) is not None:
        return NIH_LABELS
    if find(root, fetal_planes.TABLE) is not None:
        return FETAL_PLANES
    exams = [root, *filter(None, [find(root, ucsf_pdgm.IMAGES)])]
    if find(root, ucsf_pdgm.IMAGES) or any(find(place, ucsf_pdgm.TABLE) for place in exams):
        return UCSF_PDGM
    if any(find(root, name) for name in (mama_mia.SPREADSHEET, "segmentations", "patient_info_files")):
        return None
    tables = [path for path in sorted(root.iterdir()) if path.suffix.lower() in {".csv", ".xlsx", ".parquet"}]
    for path in tables:
        if recognised(read_table(path, "IMAGES")[0].columns, SINGLE["FILE"]):
            fix = f"Check it by make check-data IMAGES={path}"
            raise InputError(root, f"is no known data set, but {path.name} is a table of images", fix)
    names = "MAMA-MIA, CheXpert, Fitzpatrick17k, UCSF-PDGM, FETAL_PLANES_DB, the NIH labels or a collection of graphs"
    raise InputError(root, f"is not the folder of {names}", "Name a table of images as IMAGES=my.csv")
