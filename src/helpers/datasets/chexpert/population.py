"""Simulated population of chest radiographs: patients, studies, views, findings and the labels that record them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from helpers.datasets.chexpert import layout

# Rounded shares of positive labels in the real training table, and shares of patients in each group. Rare groups are
# more common here than in the real table, so that a small data set has some of their patients.
PREVALENCE = dict(
    zip(
        layout.FINDINGS,
        (0.05, 0.12, 0.47, 0.04, 0.23, 0.07, 0.03, 0.15, 0.09, 0.39, 0.02, 0.04),
        strict=True,
    )
)
DEVICES = 0.5
SEXES = {"F": 0.41, "M": 0.59}
RACES = dict(zip((*layout.RACES, "Unknown"), (0.50, 0.14, 0.14, 0.10, 0.02, 0.03, 0.07), strict=True))
# Spellings of each group in the real sheet.
_WRITTEN = {
    "White": ("White", "White, non-Hispanic"),
    "Black": ("Black or African American", "Black, non-Hispanic"),
    "Asian": ("Asian", "Asian, non-Hispanic"),
    "Other": ("Other", "Other, Hispanic"),
    "American Indian or Alaska Native": ("American Indian or Alaska Native", "Native American, non-Hispanic"),
    "Native Hawaiian or Other Pacific Islander": (
        "Native Hawaiian or Other Pacific Islander",
        "Pacific Islander, non-Hispanic",
    ),
    "Unknown": ("Unknown", "Patient Refused"),
}
_ETHNICITIES = ("Non-Hispanic/Non-Latino", "Hispanic/Latino", "Unknown")
_FIRST_ID = 90_001  # real ids have five digits too, and end below 65,000
_SAME = 0.7  # probability that a study uses the patient's draw for a finding
_LATERAL = 0.2  # share of studies with a view from the side


def prevalences(arguments: dict) -> dict[str, dict[str, float]]:
    """Compute the share of patients with each finding, in the group and in all others."""
    least, more = arguments["least_prevalence"], arguments["planted"]["prevalence"]
    shares = {name: max(share, least) for name, share in PREVALENCE.items()}
    return {
        "group": {name: float(expit(logit(share) + more)) for name, share in shares.items()},
        "others": shares,
    }


def in_group(patients: pd.DataFrame, group: list[str]) -> np.ndarray:
    """Mark the patients in the group that has the planted differences."""
    attribute, value = group
    if attribute != "age":
        return (patients[attribute] == value).to_numpy()
    sign, cut = re.fullmatch(r"(<=|>)(\d+)", value).groups()
    return ((patients["age"] <= int(cut)) == (sign == "<=")).to_numpy()


def draw(arguments: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw patients and images, one row for each; the row of an image has its true content and its recorded labels.

    All random numbers are drawn whatever is planted, so data sets of one seed have the same patients.
    """
    rng = np.random.default_rng((arguments["seed"], 1))
    n = arguments["n_patients"]
    valid = max(2, n // 20)
    total = n + valid
    patients = pd.DataFrame(
        {
            "patient_id": [f"patient{_FIRST_ID + i}" for i in range(total)],
            "sex": rng.choice(list(SEXES), total, p=list(SEXES.values())),
            "age": rng.normal(60, 17, total).round().clip(18, 90).astype(int),
            "race": rng.choice(list(RACES), total, p=list(RACES.values())),
            "table": np.repeat(["train", "valid"], [n, valid]),
        }
    )
    spelling, ethnicity = rng.integers(0, 2, total), rng.choice(_ETHNICITIES, total, p=(0.8, 0.12, 0.08))
    patients["written"] = [_WRITTEN[race][k] for race, k in zip(patients["race"], spelling, strict=True)]
    patients["ethnicity"] = ethnicity
    patients["in_group"] = in_group(patients, arguments["group"])
    studies = np.where(patients["table"] == "train", 1 + rng.binomial(3, 0.3, total), 1)
    return patients, _images(rng, patients, studies, arguments)


def _images(rng: np.random.Generator, patients: pd.DataFrame, studies: np.ndarray, arguments: dict) -> pd.DataFrame:
    owner = np.repeat(np.arange(len(patients)), studies)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(studies) - studies, studies)
    shares = prevalences(arguments)
    group = patients["in_group"].to_numpy()[owner]
    limit = np.where(group[:, None], list(shares["group"].values()), list(shares["others"].values()))
    # Each study uses the patient's draw or a new one: both have the same share of findings.
    own, new = rng.random((len(patients), len(layout.FINDINGS))), rng.random((len(owner), len(layout.FINDINGS)))
    present = np.where(rng.random(new.shape) < _SAME, own[owner], new) < limit
    devices = rng.random(len(owner)) < DEVICES
    labels = _recorded(rng, present, devices, arguments)
    # In the real second table, radiologists gave the labels: they are 1 or 0, and correct.
    read = (patients["table"] == "valid").to_numpy()[owner]
    labels[read] = np.column_stack([~present.any(axis=1), present, devices])[read]
    lateral = rng.random(len(owner)) < _LATERAL
    projection = np.where(rng.random(len(owner)) < 0.8, "AP", "PA")
    rows = []
    for i, (k, j) in enumerate(zip(owner, number, strict=True)):
        patient = patients.iloc[k]
        for view in layout.VIEWS[: 1 + lateral[i]]:
            place = f"{layout.FOLDERS[0]}/{patient['table']}/{patient['patient_id']}/study{j + 1}"
            name = f"{place}/view{1 + layout.VIEWS.index(view)}_{view}.jpg"
            rows.append((name, i, view, projection[i] if view == "frontal" else ""))
    images = pd.DataFrame(rows, columns=[layout.PATH, "study", "view", layout.PROJECTION])
    study = images["study"].to_numpy()
    columns = ["patient_id", "sex", "age", "race", "in_group", "table"]
    images[columns] = patients.iloc[owner[study]][columns].to_numpy()
    recorded = pd.DataFrame(labels[study], columns=[f"recorded {name}" for name in layout.LABELS])
    shown = pd.DataFrame(present[study], columns=list(layout.FINDINGS)).assign(device=devices[study])
    return pd.concat([images, shown, recorded], axis=1)


def _recorded(rng: np.random.Generator, present: np.ndarray, devices: np.ndarray, arguments: dict) -> np.ndarray:
    """Simulate the recorded labels of each study: 1, 0, -1 for uncertain, NaN for blank; one column for each label."""
    wrong, uncertain, blank = rng.random((3, *present.shape))
    labels = (present ^ (wrong < arguments["label_noise"])).astype(float)
    # A report leaves out absent findings, not present ones.
    labels[(labels == 0) & (blank < arguments["blank_share"])] = np.nan
    labels[uncertain < arguments["uncertain_share"]] = -1
    nothing = np.where((np.nan_to_num(labels) == 0).all(axis=1), 1.0, np.nan)
    return np.column_stack([nothing, labels, np.where(devices, 1.0, np.nan)])


def tables(patients: pd.DataFrame, images: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Build the two tables of labels, by name, and the sheet of demographics."""
    full = images.assign(
        **{
            layout.SEX: images["sex"].map({"F": "Female", "M": "Male"}),
            layout.AGE: images["age"],
            layout.VIEW: images["view"].str.capitalize(),
            **{name: images[f"recorded {name}"].astype(float) for name in layout.LABELS},
        }
    )
    labels = {
        name: full.loc[full["table"] == name.removesuffix(".csv"), list(layout.COLUMNS)]
        for name in (layout.TRAIN, layout.VALID)
    }
    sheet = patients.assign(sex=patients["sex"].map({"F": "Female", "M": "Male"}))
    sheet = sheet[["patient_id", "sex", "age", "written", "ethnicity"]]
    return labels, sheet.set_axis(list(layout.DEMOGRAPHIC_COLUMNS), axis=1)
