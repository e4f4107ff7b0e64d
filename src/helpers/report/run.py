"""Runs of a study: start one, save its figures, and close it with its results."""

from __future__ import annotations

import os
import shlex
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers import paths
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import parameters, provenance
from helpers.report.private import PLACES, shorten
from helpers.report.values import flatten, glue, plain, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS, CASES = "results.json", "cases.parquet"
MARK = "Shows"  # key of the mark in the file of a figure
PIXELS = "it shows pixels of real images, which no record may hold"


class Run:
    """One run of a study: its folder, its parameters and its provenance."""

    def __init__(self, study: str, folder: Path, values: dict[str, Any], defaults: dict[str, Any]) -> None:
        self.study, self.folder, self.parameters = study, folder, values
        self.figures: list[str] = []
        self._began = time.monotonic()
        shown = {k: shorten(k, v) for k, v in values.items()}
        self.provenance: dict[str, Any] = {
            "study": study,
            "command": command(study, {k: v for k, v in shown.items() if v != defaults.get(k, v)}),
            "parameters": shown,
            "source": values.get("SOURCE", "simulated"),
            "started": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "git": provenance.git_state(),
            "versions": provenance.versions(),
            "device": provenance.device(values.get("DEVICE", "auto")),
        }

    def show(self) -> pd.DataFrame:
        """Tabulate study, data source, seed, commit, Python version and device."""
        known = self.provenance
        commit = known["git"]["commit"] + (" with local changes" if known["git"]["dirty"] else "")
        rows = {
            "study": self.study,
            "data": f"{known['source']} cohort",
            "seed": self.parameters.get("SEED"),
            "commit": commit,
            "python": known["versions"]["python"],
            "device": known["device"],
        }
        return pd.DataFrame({"this run": rows})

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began

    def save(self, figure: Figure, name: str, *, aggregate: bool = False) -> None:
        """Save a figure as `figures/<name>.png` in the run's folder.

        A figure that shows pixels of real images (see `helpers.figures.mark_pixels`) is not saved: a sentence replaces
        its content, and so on the page too. In a simulated run the file carries the mark.

        Parameters
        ----------
        figure : matplotlib.figure.Figure
        name : str
            `fig-<study>-<what>`.
        aggregate : bool
            True if the figure shows only groups and no single case, so that a recorded run may publish it.

        Raises
        ------
        InputError
            The figure shows pixels of real images, and `aggregate` is set.
        """
        from helpers.figures import withholding  # it imports Matplotlib

        marked = withholding.shows_pixels(figure)
        if marked and self.provenance["source"] == "real":
            if aggregate:
                raise InputError(f"figure {name}", PIXELS, "Save it without aggregate=True")
            withholding.withhold(figure)
            marked = False
        place = self.folder / "figures" / f"{name}.png"
        place.parent.mkdir(exist_ok=True)
        mark = {MARK: withholding.PIXELS} if marked else None
        figure.savefig(place, dpi=144, bbox_inches="tight", metadata=mark)
        figure.set_layout_engine("none")  # all parts have their places: the notebook need not arrange them again,
        figure.stale = False  # nor Matplotlib draw the figure once more before the notebook shows it
        if aggregate:
            self.figures.append(name)


def command(study: str, changed: Mapping[str, Any]) -> str:
    """Return the papermill command that repeats a run."""
    words = [f"papermill notebooks/{study}.ipynb out.ipynb"]
    for name, value in changed.items():
        if name != "RUN_DIR":
            words.append(f"-p {name} {'<folder>' if name in PLACES else shlex.quote(str(value))}")
    return " ".join(words)


def start(study: str, names: Mapping[str, Any], *, limits: Mapping[str, Any] | None = None) -> Run:
    """Check a study's parameters and open the folder of its run.

    Parameters
    ----------
    study : str
        File name of the notebook without its extension.
    names : mapping
        `globals()` of the notebook. Its annotated UPPER_CASE names are the parameters.
    limits : mapping, optional
        Name to `(low, high)` or to a list of allowed values, see `parameters.check`.

    Raises
    ------
    InputError
        A parameter is unknown, of the wrong type or out of range; or the run's folder cannot be written
        or holds a finished run.
    """
    types = {k: v for k, v in names.get("__annotations__", {}).items() if parameters.UPPER_CASE.fullmatch(k)}
    types = {**dict.fromkeys(parameters.of_images(types), str), **types}
    values = {k: v for k, v in names.items() if parameters.UPPER_CASE.fullmatch(k)}
    parameters.check(values, types, limits or {}, where=study)
    pd.set_option("display.max_colwidth", None)  # tables of this book show long texts in full
    declared = parameters.read(paths.notebooks() / f"{study}.ipynb")
    return Run(study, _folder(study, values.get("RUN_DIR", "")), values, declared.defaults)


def _folder(study: str, wanted: str) -> Path:
    if wanted:
        folder = Path(wanted).expanduser().resolve()
        if (folder / RESULTS).exists():
            raise InputError(f"RUN_DIR = {wanted}", "it holds a finished run", "Name a new folder, or leave it empty")
    else:
        by_hand = paths.runs() / "by-hand"
        stem = datetime.now().strftime(f"{study}-%Y%m%d-%H%M%S")
        folder = by_hand / f"{stem}-{uuid.uuid4().hex[:4]}"  # two runs may start in the same second
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"RUN_DIR = {wanted or folder.name}",
            f"the folder cannot be written ({error.strerror})",
            "Name a folder that you may write to",
        ) from None
    return folder


def record(
    run: Run,
    *,
    values: Mapping[str, Any],
    claims: list[dict[str, Any]],
    dropped: pd.DataFrame,
    cases: pd.DataFrame,
    data: Sequence[str | Path] = (),
) -> None:
    """Close a run: write its rows, then `results.json` atomically, and make every value quotable in prose.

    Parameters
    ----------
    values : mapping
        Values that prose quotes and tests check: nested, of JSON types. An infinite number is stored as `None`.
    claims : list of dict
        Rows of `claims.claim`.
    dropped : DataFrame
        Columns table, reason, n.
    cases : DataFrame
        One row per case; it stays in the run's folder and is not published.
    data : sequence of path
        Folders and files that the numbers come from, which are fingerprinted (hashed); empty names are left out.

    Raises
    ------
    InputError
        A value is NaN or not of a JSON type; the message names its key.
    """
    results = {
        "values": plain(values, "values"),
        "claims": plain(claims, "claims"),
        "dropped": plain(dropped.to_dict("records"), "dropped"),
        "figures": run.figures,
        "provenance": {
            **run.provenance,
            **provenance.code_of(run.study),
            "loaded": provenance.loaded(),
            "data": fingerprint.data(*(Path(d) for d in data if str(d))) if data else None,
            "wall_seconds": round(run.elapsed(), 1),
            "cpu_seconds": round(sum(os.times()[:4]), 1),  # of this process since its start, and of finished children
        },
    }
    cases.to_parquet(run.folder / CASES)
    write_json(run.folder / RESULTS, results)
    glue({"source": f"{run.provenance['source']} cohort", **flatten(results["values"])})
