"""Simulator of a table of scores such as a user brings, with planted effects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.folder import made_once
from helpers.errors import InputError

# Planted effects, in Dice: `age` on cases over 60, `hospital` on all cases of C. The silver reference raises the scores
# of cases over 60, so it hides half of the gap. Sex itself has no effect, but C serves more women.
PLANTED = {"age": -0.06, "hospital": -0.10, "silver": 0.03, "sex": 0.0}
# Arguments of `datasets.load_own_scores` for the columns of this table.
COLUMNS = {"score": "dice", "second": "dice_silver", "groups": "sex, age", "source": "hospital", "case": "case"}
COLUMNS |= {"bins": "age: 40, 60", "span": "0, 1"}
HOSPITALS, WOMEN = ("A", "B", "C"), {"A": 0.4, "B": 0.4, "C": 0.75}
VERSION = 1


def simulate_own_scores(n_cases: int = 600, *, seed: int = 0, folder: str | Path = "") -> Path:
    """Write a simulated CSV of scores and groups, once.

    Parameters
    ----------
    n_cases : int
        Number of cases, at least 100.
    seed : int
        Seed of `numpy.random.default_rng`.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        File ``scores.csv`` with columns ``case, dice, dice_silver`` (the same cases against a second reference),
        ``sex`` (not recorded for some, and one group has only five cases), ``age`` in years and ``hospital``. Next to
        it is ``truth.json`` with the planted effects.

    Raises
    ------
    InputError
        There are fewer than 100 cases, or the folder cannot be written.
    """
    if n_cases < 100:
        raise InputError("n_cases", f"{n_cases} is too few for groups of ten", "Ask for 100 or more.")
    arguments = {"n_cases": n_cases, "seed": seed, "planted": PLANTED, "version": VERSION}

    def write(made: Path) -> None:
        _table(n_cases, np.random.default_rng(seed)).to_csv(made / "scores.csv", index=False, float_format="%.4f")
        (made / "truth.json").write_text(json.dumps(PLANTED, indent=1) + "\n", encoding="utf-8")

    return made_once("own-scores", arguments, write, folder) / "scores.csv"


def _table(n: int, rng: np.random.Generator) -> pd.DataFrame:
    hospital = rng.choice(HOSPITALS, n, p=(0.4, 0.35, 0.25))
    woman = rng.random(n) < pd.Series(hospital).map(WOMEN).to_numpy()
    age = rng.integers(25, 86, n)
    older = age > 60
    mean = 0.84 + PLANTED["age"] * older + PLANTED["hospital"] * (hospital == "C") + PLANTED["sex"] * woman
    gold = rng.beta(12 * mean, 12 * (1 - mean))
    silver = np.clip(gold + PLANTED["silver"] * older + rng.normal(0, 0.03, n), 0, 1)
    table = pd.DataFrame({"case": [f"case-{k:04d}" for k in range(n)], "dice": gold, "dice_silver": silver})
    table["sex"] = np.where(woman, "female", "male")
    odd = rng.permutation(n)
    table.loc[odd[:5], "sex"] = "another"  # too few to be shown
    table.loc[odd[5 : 5 + n // 25], "sex"] = None  # not recorded
    table.loc[odd[-(n // 100) :], "dice"] = np.nan  # never scored
    return table.assign(age=age, hospital=hospital)
