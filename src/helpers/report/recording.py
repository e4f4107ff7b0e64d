"""Recorded runs: aggregate results kept in the book, because not everyone can repeat the run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import paths
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.keep import store
from helpers.report import provenance
from helpers.report.run import MARK, PIXELS, RESULTS
from helpers.report.values import flatten, glue, write_json

# Identifiers of the public collections, which no published file may carry.
CASE_ID = re.compile(
    r"\b(?:DUKE_\d{3}|ISPY1_\d{4}|ISPY2_\d{6}|NACT_\d{2}|UCSF-PDGM-\d{3,4}|patient\d{5})(?=\b|_)", re.IGNORECASE
)


def suppress(value: Any) -> Any:
    """Suppress counts of 1 to 9, and the statistics next to a group size (`n`, `n_<group>` or `count`) that small.

    Every integer in a result is treated as a count, so results must store other numbers as floats or text. The size of
    a group, `n_<group>`, is a count of cases also as a float, which it becomes in a table of floats.
    """
    if isinstance(value, dict):
        value = {k: _whole(v) if k.startswith("n_") else v for k, v in value.items()}
        sizes = [k for k in value if is_size(k)]
        if any(_small(value[k]) for k in sizes):
            return {k: suppress(v) if k in sizes or isinstance(v, str) else None for k, v in value.items()}
        return {k: suppress(v) for k, v in value.items()}
    if isinstance(value, list):
        return [suppress(v) for v in value]
    return f"<{SMALLEST_CELL}" if _small(value) else value


def is_size(name: str) -> bool:
    """Return True if a key or column of this name holds group sizes."""
    return name in {"n", "count"} or name.startswith("n_")


def _whole(value: Any) -> Any:
    """Return a small whole number that is stored as a float as an integer, any other value unchanged."""
    return int(value) if isinstance(value, float) and 0 < value < SMALLEST_CELL and value.is_integer() else value


def _small(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < SMALLEST_CELL


def keep(run: Path, study: str, label: str) -> Path:
    """Copy a complete run's results and aggregate figures into the book.

    Parameters
    ----------
    run : Path
        Folder of a complete run.
    study, label : str
        The copy is kept in `book/recorded/<study>/<label>/`.

    Raises
    ------
    InputError
        The run is not complete, its results name a case, a figure of a run on real data shows pixels, or the label
        already holds a run on the other kind of data (simulated or real).
    """
    results = read(run)
    kept = {**results, **{k: suppress(results[k]) for k in ("values", "claims", "dropped")}}
    named = CASE_ID.search(json.dumps(kept))
    if named:
        raise InputError(run.name, "results.json names a case of the data set", "Record aggregates only")
    place = paths.recorded() / study / label
    source = results["provenance"]["source"]
    files = [run / "figures" / f"{name}.png" for name in results["figures"]]
    if source == "real" and (shown := [file.stem for file in files if _marked(file)]):
        raise InputError(f"{run.name}, figure {shown[0]}", PIXELS, "Save it without aggregate=True, and run it again")
    if place.is_dir() and (held := read(place)["provenance"]["source"]) != source:
        problem = f"holds a run on a {held} cohort, and this one is {source}"
        raise InputError(f"book/recorded/{study}/{label}", problem, "Give another LABEL, or remove that folder first")
    with store.folder(place) as part:
        write_json(part / RESULTS, kept)
        for file in files:
            shutil.copy(file, part)
    return place


def _marked(file: Path) -> bool:
    """Return True if the file of a figure carries the mark of pixels."""
    from PIL import Image

    with Image.open(file) as image:
        return MARK in image.info


def read(run: Path) -> dict[str, Any]:
    """Read the results of a complete run."""
    try:
        return json.loads((run / RESULTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            run.name, f"no {RESULTS}, so the run is not complete", "Run the study with 'make study' first"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{run.name}/{RESULTS}", f"not readable as JSON ({error})", "Run the study again") from None


NOTHING = {"values": {}, "claims": [], "dropped": [], "provenance": {}}


class Recorded:
    """A recorded run: its `values`, `dropped` cases, `claims` and `provenance`, and the code `changed` since."""

    def __init__(self, folder: Path, study: str) -> None:
        self.folder, self.study = folder, study
        from helpers.report import claims  # they import SciPy, which making or checking a run does not need

        results = read(folder) if folder.is_dir() else NOTHING
        self.values: dict[str, Any] = results["values"]
        self.dropped = pd.DataFrame(results["dropped"])
        self.claims: pd.DataFrame = claims.table(results["claims"])
        self.provenance: dict[str, Any] = results["provenance"]
        self.changed = provenance.changed(self.provenance) if self.provenance else []
        glue({f"{folder.name}.{k}": v for k, v in flatten(self.values).items()})

    def notice(self) -> pd.DataFrame:
        """Tabulate when, how and on which data the run was made, and which code has changed since."""
        if not self.provenance:
            return pd.DataFrame({"recorded run": {"made": f"not yet; make record STUDY={self.study} makes one"}})
        return pd.DataFrame({"recorded run": made(self.provenance, self.changed)})

    def figure(self, name: str) -> Any:
        """Return a figure of the recorded run for display as the last line of a cell; the notice if it has none."""
        from IPython.display import Image

        place = self.folder / f"{name}.png"
        return Image(filename=str(place)) if place.is_file() else self.notice()


def made(known: dict[str, Any], changed: list[str]) -> dict[str, str]:
    """Format the provenance of a record as labelled lines for a reader."""
    return {
        "made": known["started"],
        "data": f"{known['source']} cohort",
        "command": known["command"],
        "commit": known["git"]["commit"] + (" with local changes" if known["git"]["dirty"] else ""),
        "took": f"{known['wall_seconds']:.0f} s on {known['device']}",
        "code changed since": ", ".join(changed) or "nothing",
    } | _stamped(known.get("restamped", []), known.get("rejudged", []))


def _stamped(stamps: list[dict[str, str]], judged: list[dict[str, str]]) -> dict[str, str]:
    """Return the latest proof that a change of code changed no number, and the latest rule, as lines for a reader."""
    lines = [("same numbers with", f"commit {s['to']}: {s['proof']} ({s['on']})") for s in stamps[-1:]]
    return dict([*lines, *(("judged by the rule of", f"commit {s['to']} ({s['on']})") for s in judged[-1:])])


def recorded(study: str, label: str) -> Recorded:
    """Load the run recorded under `book/recorded/<study>/<label>/`; it is empty if nothing is recorded yet."""
    return Recorded(paths.recorded() / study / label, study)


def recorded_repeats(study: str, labels: str, value: str) -> pd.DataFrame:
    """Tabulate one estimate of several recorded runs of a study, such as repeats with other seeds.

    Parameters
    ----------
    study : str
    labels : str
        Pattern of the labels of the runs; ``*`` is any text.
    value : str
        Path of the estimate, such as "brief.change".

    Returns
    -------
    DataFrame
        A row for each run that has the estimate, sorted by label; columns ``seed``, ``n``, ``estimate``, ``low`` and
        ``high``.
    """
    rows = {}
    for folder in sorted((paths.recorded() / study).glob(labels)):
        results = read(folder)
        found = flatten(results["values"])
        if found.get(f"{value}.estimate") is not None:
            of = (found.get(f"{value}.{part}") for part in ("n", "estimate", "low", "high"))
            rows[folder.name] = results["provenance"]["parameters"]["SEED"], *of
    return pd.DataFrame.from_dict(rows, orient="index", columns=["seed", "n", "estimate", "low", "high"])
