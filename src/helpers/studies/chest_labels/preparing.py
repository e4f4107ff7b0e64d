"""Tables of a study of chest labels, prepared: patients numbered, groups named, the panel's images marked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets import NIH_FINDINGS, NihLabels, panel_table

FINDINGS = ("pneumothorax", "nodule_or_mass", "airspace_opacity")
#: NIH's findings and that of none: the fifteen prevalences that are compared.
LABELS = tuple(NIH_FINDINGS.values())
#: Attribute -> its two groups; each difference is the second less the first.
ATTRIBUTES = {"sex": ("M", "F"), "age": ("under 50", "50 and over"), "view": ("PA", "AP")}
CUT = 50  # years


class Cohort(NamedTuple):
    """Images and panel of one study.

    `images` has a row for each image: ``patient`` (0 to n_patients - 1), ``sex``, ``age`` and ``view`` as groups,
    ``drawn`` (the panel read it) and the mined labels. `panel` has the rows that the panel read, in the same groups,
    with ``position`` (row in `images`), ``part``, ``age_2019``, ``view and sex``, and for each finding
    ``<finding>_mined`` and ``<finding>_panel``.
    """

    images: pd.DataFrame
    panel: pd.DataFrame
    n_patients: int


def prepare(tables: NihLabels, mapping: str = "primary") -> Cohort:
    """Number the patients, divide ages at 50 years, and join the panel's images to all images.

    Parameters
    ----------
    tables : NihLabels
        As `helpers.datasets.load_nih_labels` returns them.
    mapping : str
        Name of the mapping from mined labels to the panel's findings.

    Returns
    -------
    Cohort
        Rows without a known age have no age group.
    """
    panel, all_images = panel_table(tables, mapping).reset_index(drop=True), tables.images
    place = pd.Series(np.arange(len(all_images)), index=all_images["image"])
    codes, people = pd.factorize(all_images["patient"])
    images = all_images.drop(columns=["image"]).reset_index(drop=True)
    images = images.assign(patient=codes, age=age_groups(images["age"]))
    position = place.loc[panel["image"]].to_numpy()
    images["drawn"] = np.isin(np.arange(len(images)), position)
    groups = images.loc[position, ["patient", *ATTRIBUTES]].reset_index(drop=True)
    rest = panel.drop(columns=["image", *groups]).assign(age_2019=age_groups(panel["age_2019"]))
    both = (groups["view"] + " " + groups["sex"]).rename("view and sex")
    return Cohort(images, rest.join([groups, both]).assign(position=position), len(people))


def described(cohort: Cohort) -> dict[str, int]:
    """Count images and patients, of all and of the panel, and the panel's patients of whom it read all images."""
    images, panel = cohort.images, cohort.panel
    read, every = panel.groupby("patient").size(), images.groupby("patient").size()
    return {
        "images": len(images),
        "patients": cohort.n_patients,
        "panel images": len(panel),
        "panel patients": len(read),
        "patients with all images read": int((read == every[read.index]).sum()),
        "patients with one image": int((every == 1).sum()),
    }


def releases(tables: NihLabels) -> dict[str, int]:
    """Count the panel's images whose age differs between the releases, and those that change groups at 50 years.

    An age that is unknown in one release alone counts as different, and as a change of groups.
    """
    years = tables.panel.merge(tables.images[["image", "age"]], on="image", validate="1:1")
    pair = years["age"], years["age_2019"]
    either = pair[0].notna() | pair[1].notna()
    groups = [age_groups(of).fillna("unknown") for of in pair]
    counts = {"differ": (pair[0] != pair[1]) & either, "cross 50": groups[0] != groups[1]}
    return {"images": len(years)} | {name: int(count.sum()) for name, count in counts.items()}


def age_groups(years: pd.Series) -> pd.Series:
    """Divide ages in years at 50; an unknown age has no group."""
    named = pd.Series(np.where(years < CUT, *ATTRIBUTES["age"]), index=years.index, dtype=object)
    return named.where(years.notna(), None)
