"""Simulated patients with a brain tumour: the rows of the table, and the planted effects in each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from helpers.datasets.ucsf_pdgm import layout

# Counts in the 501 exams of the real release: grades 2, 3 and 4, women, and diagnoses below grade 4.
SHARES = tuple(count / 501 for count in (56, 43, 402))
_WOMEN = 202 / 501
_GLIOBLASTOMA_OF_4 = 374 / 402
_MUTANT = "Astrocytoma, IDH-mutant"
_BELOW = ((62, _MUTANT), (24, "Astrocytoma, IDH-wildtype"), (13, "Oligodendroglioma, IDH-mutant, 1p/19q-codeleted"))
AGES = (17, 94)
AGE_CUT = 58  # years; if the groups are age groups, the older patients are the group with planted effects
GROUPS = {"sex": ("F", "M"), "age": (f">{AGE_CUT}", f"<={AGE_CUT}")}  # the group with planted effects, and the others
FIRST_ID = 600  # above all numbers of the real release
_UNKNOWN_COLUMNS = ("Age at MRI", "WHO CNS Grade", "Final pathologic diagnosis (WHO 2021)", "1-dead 0-alive", "OS")


def grade4_shares(shares: list[float], prevalence: float) -> tuple[float, float]:
    """Compute the share of grade 4 in the group and in the others; the odds ratio is ``exp(prevalence)``."""
    middle = logit(shares[2])
    return float(expit(middle + prevalence / 2)), float(expit(middle - prevalence / 2))


def draw(arguments: dict) -> pd.DataFrame:
    """Draw the properties from which each exam is rendered, without missing values; follow-ups come last.

    `patient` counts from 0, and a follow-up has the number of its patient. `days` counts from the first exam, which
    has 0.
    """
    n, planted = arguments["n"], arguments["planted"]
    rng = np.random.default_rng((arguments["seed"], 11))
    number = FIRST_ID + np.cumsum(rng.integers(1, 3, n))  # with gaps, as in the real release
    sex = np.where(rng.random(n) < _WOMEN, "F", "M")
    age = np.clip(np.rint(rng.normal(57, 15, n)), *AGES).astype(int)
    group = sex == "F" if arguments["group"] == "sex" else age > AGE_CUT
    share = np.where(group, *grade4_shares(arguments["shares"], planted["prevalence"]))
    low = arguments["shares"][0] / (arguments["shares"][0] + arguments["shares"][1])
    u, v, w = rng.random((3, n))
    grade = np.where(u < share, 4, np.where(v < low, 2, 3))
    counts, names = zip(*_BELOW, strict=True)
    below = np.array(names)[np.searchsorted(np.cumsum(counts) / sum(counts), w, side="right").clip(max=2)]
    of_4 = np.where(w < _GLIOBLASTOMA_OF_4, layout.GLIOBLASTOMA, _MUTANT)
    first = pd.DataFrame(
        {
            "patient": np.arange(n),
            "number": number,
            "days": 0,
            "sex": sex,
            "age": age,
            "in_group": group.astype(int),
            "grade": grade,
            "diagnosis": np.where(grade == 4, of_4, below),
        }
    )
    again = np.sort(rng.choice(n, arguments["follow_ups"], replace=False))
    cases = pd.concat([first, first.iloc[again].assign(days=rng.integers(1, 200, len(again)))], ignore_index=True)
    ending = np.where(cases["days"] == 0, "", "_FU" + cases["days"].astype(str).str.zfill(3) + "d")
    cases.insert(0, "exam", [layout.exam_name(*case) for case in zip(cases["number"], ending, strict=True)])
    cases.insert(1, "row", [f"UCSF-PDGM-{k:03d}{end}" for k, end in zip(cases["number"], ending, strict=True)])
    return cases


def table(cases: pd.DataFrame, arguments: dict) -> pd.DataFrame:
    """Build the 16 columns of the real table as text; in some columns a share of the values is unknown."""
    n = len(cases)
    rng = np.random.default_rng((arguments["seed"], 12))
    mutant = cases["diagnosis"].str.contains("IDH-mutant").to_numpy()
    codeleted = cases["diagnosis"].str.contains("codeleted").to_numpy()
    u = rng.random((6, n))
    values = [
        cases["row"],
        cases["sex"],
        cases["age"].astype(str),
        cases["grade"].astype(str),
        cases["diagnosis"],
        np.where(u[0] < 0.15, layout.UNKNOWN, np.where(u[0] < 0.7, "positive", "negative")),
        np.floor(18 * u[1]).astype(int).astype(str),
        np.where(codeleted, "co-deletion", np.where(u[2] < 0.3, "intact", layout.UNKNOWN)),
        np.where(mutant, "mutated (NOS)", "wildtype"),
        np.where(u[3] < np.where(cases["grade"] == 4, 0.6, 0.2), "1", "0"),
        np.ceil(2000 * u[4]).astype(int).astype(str),
        np.array(["biopsy", "STR", "GTR"])[np.floor(3 * u[5]).astype(int)],
        np.where(rng.random(n) < 0.15, "Yes", "No"),
        *[""] * 3,  # no exam belongs to a challenge
    ]
    made = pd.DataFrame(dict(zip(layout.COLUMNS, values, strict=True)), index=cases.index)
    for column in _UNKNOWN_COLUMNS:
        made[column] = made[column].mask(rng.random(n) < arguments["unknown_share"], layout.UNKNOWN)
    return made


def truth(arguments: dict) -> dict[str, object]:
    """Describe the planted effects, the group that has them, and their values in both groups."""
    planted = arguments["planted"]
    group, others = GROUPS[arguments["group"]]
    shares = grade4_shares(arguments["shares"], planted["prevalence"])
    nothing = {"anatomy": 0.0, "acquisition": 0.0, "detail": 0.0}
    sides = ((group, {k: planted[k] for k in nothing}, shares[0]), (others, nothing, shares[1]))
    return {
        "planted": planted,
        "attribute": arguments["group"],
        "group": group,
        "others": others,
        "groups": {name: {**effects, "grade4_share": share} for name, effects, share in sides},
        "arguments": arguments,
    }
