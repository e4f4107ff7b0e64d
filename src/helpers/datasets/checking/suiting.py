"""Studies of the book to which a table of images can be put, each with its command or the reason why it cannot."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import pandas as pd

from helpers import paths
from helpers.datasets.image_table.loading import ImageTable
from helpers.disclosure import SMALLEST_CELL

# What a study needs beyond pictures and groups; a bar means that either will do.
NEEDS = {
    "02_biased_ruler": "masks",
    "03_skin_tone_vae": "",
    "04_reconstruction_bias": "labels|masks",
    "05_mitigation": "labels",
    "06_vae_uncertainty": "",
    "08_ood_fetal": "sites",
    "11_explanations": "labels",
}
SPLIT_BY_TABLE = (
    "04_reconstruction_bias",
    "05_mitigation",
    "11_explanations",
)  # studies that take the parts of a table
FEW = 50  # patients of a group, of whom a fifth are tested, so that ten are


def studies(table: ImageTable, words: Mapping[str, object]) -> list[list[str]]:
    """List the studies, with the command to type, or the reason why these images cannot be put to it.

    Parameters
    ----------
    table : ImageTable
    words : mapping
        Parameters as they were given to the check, such as ``{"IMAGES": "my.csv", "GROUPS": "sex"}``.

    Returns
    -------
    list of [study, text]
    """
    rest = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in words.items() if value)
    return [[name, _answer(name, table, f"make study STUDY={name} {rest}")] for name in NEEDS]


def _answer(name: str, table: ImageTable, command: str) -> str:
    why = unsuited(name, table)
    return f"no: {why}" if why else command + _warning(table)


def unsuited(name: str, table: ImageTable) -> str:
    """Give the reason why a study cannot take a table of images.

    Parameters
    ----------
    name : str
        Study, such as "05_mitigation".
    table : ImageTable

    Returns
    -------
    str
        Such as "no labels; name them as TARGETS=column"; empty if it can, or if the needs of the study are not known.
    """
    if name not in NEEDS:
        return ""
    if not _takes_tables(name):
        return "this study does not take a table of images"
    if not len(table.groups.columns):
        return "no column of groups; name one as GROUPS=column"
    lead = table.groups.columns[0]
    sizes = _sizes(table)
    if len(sizes) < 2 or sizes.iloc[1] < SMALLEST_CELL:
        return f"fewer than two groups of {lead} have {SMALLEST_CELL} patients"
    has = {"masks": bool(table.images["mask"].notna().any()), "labels": bool(_usable(table))}
    has["sites"] = table.images["site"].nunique() > 1
    needed = NEEDS[name].split("|")
    if NEEDS[name] and not any(has[one] for one in needed):
        missing = {
            "masks": "no masks",
            "sites": "no two sites",
            "labels": f"no label has {SMALLEST_CELL} patients of both classes in two groups",
        }
        if not len(table.labels.columns):
            missing["labels"] = "no labels"
        ways = {"masks": "MASK=column", "labels": "TARGETS=column", "sites": "SITE=column"}
        others = "others" if "labels" in needed and len(table.labels.columns) else "them"
        return f"{' and '.join(missing[n] for n in needed)}; name {others} as {' or '.join(ways[n] for n in needed)}"
    parts = set(table.images["split"].dropna())
    if name in SPLIT_BY_TABLE and parts and (absent := {"train", "test"} - parts):
        return f"SPLIT has no row of {' and '.join(sorted(absent))}; leave it out, or name both parts"
    if name == "02_biased_ruler" and table.images["mask"].isna().any():
        return f"{int(table.images['mask'].isna().sum())} pictures have no mask; give masks of zeros"
    return ""


def _takes_tables(name: str) -> bool:
    file = paths.notebooks() / f"{name}.ipynb"
    return file.is_file() and '"IMAGES: str' in file.read_text(encoding="utf-8")


def _sizes(table: ImageTable) -> pd.Series:
    """Count the patients of the groups of the first attribute, the largest first."""
    lead = table.groups.iloc[:, 0]
    return table.images["patient_id"].groupby(lead, observed=True).nunique().sort_values(ascending=False)


def _usable(table: ImageTable) -> list[str]:
    lead, patient, found = table.groups.iloc[:, 0], table.images["patient_id"], []
    for label in table.labels:
        by = [lead.astype(object), table.labels[label]]
        counts = patient.groupby(by).nunique().unstack(fill_value=0)
        if counts.shape[1] == 2 and ((counts >= SMALLEST_CELL).all(axis=1)).sum() >= 2:
            found.append(str(label))
    return found


def _warning(table: ImageTable) -> str:
    n = int(_sizes(table).iloc[1])
    return f"  # few: {n} patients in the second group, of whom a fifth are tested" if n < FEW else ""
