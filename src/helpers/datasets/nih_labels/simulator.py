"""Simulator of a twin of the NIH label tables with known, planted effects, as a folder in the published layout."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from helpers.datasets.nih_labels import layout, population
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.datasets.shared.folder import CASES, made_once
from helpers.errors import check_choice
from helpers.keep import fingerprint


def simulate_nih_labels(
    world: str = "none", n_patients: int = 6_000, *, seed: int = 0, folder: str | Path = ""
) -> Path:
    """Simulate a twin of the NIH labels as a folder in the published layout.

    A later call with the same arguments reuses the folder. `draw_nih_labels` draws the same tables in memory.

    ==============  ===============================================================================================
    none            the mined labels are equally wrong for both sexes, and the panel reads a random part
    sex             sensitivity is lower by 0.15 for women, for each finding of the panel
    selection only  the mined labels are equally wrong; the panel reads more of the bedside (AP) images with a mined
                    label, and women have more AP images, so rates in the panel's sample differ by sex
    patients        no difference; some patients have many images, which are alike in findings and in errors
    ==============  ===============================================================================================

    Parameters
    ----------
    world : {"none", "sex", "selection only", "patients"}
        Planted cause; the properties of each world are in `NIH_WORLDS`, and its rates in `nih_truth`.
    n_patients : int
        Number of patients.
    seed : int
        Seed of all random draws.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Folder of the three tables, ``simulated_cases.csv`` (the findings of every image, which only a panel sees) and
        ``truth.json`` (rates of `nih_truth`, and the arguments).

    Raises
    ------
    InputError
        There is no such world, a number is out of range, or the folder cannot be written.

    Notes
    -----
    The panel sees the truth. Findings do not depend on view or age, and nothing depends on the part. Within a patient
    a finding is drawn with one probability, from a beta distribution, so its intraclass correlation is `World.alike`;
    the same holds for misses and for false alarms. Selection depends on the view and on mined labels alone. Numbers of
    patients start at 90,000,001, so none is a patient of NIH.
    """
    check_choice("world", world, tuple(population.NIH_WORLDS))
    arguments = {
        "world": world,
        "n_patients": check_count(n_patients, "n_patients"),
        "seed": check_seed(seed),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("nih-labels", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    drawn = population.draw(*(arguments[name] for name in ("world", "n_patients", "seed")))
    for name, table in zip(layout.TABLES, drawn, strict=False):
        header = [column if not column.startswith("Unnamed") else "" for column in table]
        _save(table, root / name, header=header)
    drawn.truth.to_csv(root / CASES, index=False)
    truth = {"rates": population.nih_truth(arguments["world"]).to_dict("records"), "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _save(table: pd.DataFrame, path: Path, *, header: list[str]) -> None:
    """Save a table so that equal tables have equal bytes: gzip would note the time."""
    table.to_csv(path, index=False, header=header, lineterminator="\n", compression={"method": "gzip", "mtime": 0})
