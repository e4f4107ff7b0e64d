"""Cases of two folders of masks: matched by name, scored in parallel, collected in one frame."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pandas as pd

from helpers import datasets, paths
from helpers.datasets.shared.files import case_name, one_line
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.metrics.masks import check_tolerance
from helpers.scores import kept, matching
from helpers.scores.cases import score_case
from helpers.scores.labels import EACH, SHOWN, check_value

NUMBERS = ("dice", "hd95", "nsd", "expert_cc", "automatic_cc")
COLUMNS = ("patient_id", *NUMBERS, "status")
UNSHOWN = {"key", "name", "state", "notes", "absent"}  # keys of a record that are no columns
STATUSES = {
    "missed": "predicted mask empty: kept, with Dice 0 and the image diagonal as HD95",
    "spurious": "expert mask empty: kept, with Dice 0 and the image diagonal as HD95",
    "both empty": "both masks empty: kept, with Dice 0 and the image diagonal as HD95",
}


def score_folders(
    expert: str | Path,
    predicted: str | Path,
    *,
    tolerance: float = 2.0,
    value: str | int = "",
    more: bool = False,
    workers: int | None = None,
    keep: str | Path | None = None,
    progress: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every case of two folders of masks with matching names.

    Parameters
    ----------
    expert, predicted : path
        Folders of masks in the formats of `read_pair`, which may differ. Two files form a case if their names without
        the ending agree. Upper and lower case, the number of blanks, and composed and decomposed letters are not
        distinguished.
    tolerance : float
        Tolerance of the surface Dice in mm.
    value : str or int
        The structure that is scored: a label, labels together as ``"1,4"``, or the name of a segment; ``"each"`` scores
        every label separately. May be empty if each mask has one structure.
    more : bool
        Add the columns of `metrics.agreement`.
    workers : int, optional
        Number of processes; default one per core. With 1, this process scores.
    keep : path, optional
        File for finished cases; default a file in the folder ``scores`` of the data folder, named by a hash of the two
        folders, the settings and the code that scores. A second call reuses each case from it, if size and time of
        change of the two masks are unchanged.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    frame : DataFrame
        One row per case, sorted: patient_id (the expert file's name without ending, in capitals), dice, hd95 (mm),
        nsd, expert_cc, automatic_cc (cm^3), status. Definitions and the policy on empty masks: `helpers.metrics.masks`.
        With "each" one row per case and label that either mask has, and the column label. ``frame.attrs["notes"]``
        lists what readers of such files take in different ways and what was taken here, with numbers of cases.
    dropped : DataFrame
        Columns table, reason, n: files without a partner or of a format that is not read, and cases with an empty mask
        (these stay in `frame`).

    Raises
    ------
    InputError
        A folder is missing, both are the same, or no names match; the keep file cannot be written; a case cannot be
        scored (unreadable or truncated file, mask of several labels, shape or geometry mismatch). All other cases are
        finished and kept first.
    """
    tolerance, value = check_tolerance(tolerance), check_value(value)
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"workers = {workers}", "expected a whole number of processes, 1 or more", "Or leave it out")
    first, second = matching.find(expert, "expert"), matching.find(predicted, "predicted")
    if Path(expert).resolve() == Path(predicted).resolve():
        raise InputError("expert and predicted", "name one folder, so every score would be perfect", "Name two folders")
    experts, predictions = first.masks, second.masks
    names = sorted(experts.keys() & predictions.keys())
    if not names:
        raise matching.no_match(expert, first, predicted, second)
    kept_as = _key(Path(expert), Path(predicted), tolerance, value, more)
    file = Path(keep) if keep is not None else paths.data() / "scores" / f"{kept_as}.jsonl"
    before = kept.read(file, kept_as, ("rows",) if value == EACH else COLUMNS[1:])
    settings = {"tolerance": tolerance, "value": value, "more": more}

    done, jobs = {}, []
    for name in names:
        pair = (experts[name], predictions[name])
        state = [matching.state(path) for path in pair]
        if before.get(name, {}).get("state") == state:
            done[name] = before[name]
        else:
            jobs.append((name, *map(str, pair), state, settings))
    problems = []
    with kept.open_end(file) as stream:
        for record in _run(jobs, workers, len(done), progress):
            if "error" in record:
                problems.append(record)
                continue
            done[record["name"]] = record
            kept.append(stream, file, {"key": kept_as, **record})
    _raise(problems, kept=len(done))

    frame = _frame({case_name(name): done[name] for name in names}, value)
    dropped = _dropped(frame, first, second)
    frame.attrs["notes"] = _notes([done[name] for name in names], first, second)
    return frame, dropped


def collect(
    root: str | Path, *, table: str | Path = "", workers: int | None = None, progress: bool = True
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Collect all per-case scores that a data set's folder provides.

    Parameters
    ----------
    root : path
        Folder of a MAMA-MIA download, whole or in part.
    table : path, optional
        Table of scores of the automatic masks, used instead of the folder's.
    workers : int, optional
        Number of processes, see `score_folders`.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    tables : dict of DataFrame
        ``automatic`` (automatic masks, silver, against the expert's, gold) comes from `table`, else from a table in the
        folder, else from scoring the masks. ``out_of_fold`` (a network's predictions of held-out cases against gold)
        is there if the folder has such a table.
    dropped : DataFrame
        Columns table, reason, n.

    Raises
    ------
    InputError
        The folder holds neither a table of scores nor the two folders of masks, or one of these cannot be used.
    """
    found = datasets.find_scores(root) | ({"automatic": Path(table)} if table else {})
    read = {kind: datasets.read_scores(path) for kind, path in found.items()}
    if "automatic" not in read:
        masks = datasets.masks(root)
        if masks is None:
            raise InputError(
                root,
                "neither a table of per-case scores nor both folders of masks",
                "Name a table by SCORES, or download segmentations/expert and segmentations/automatic",
            )
        read["automatic"] = score_folders(*masks, workers=workers, progress=progress)
    tables = {kind: frame for kind, (frame, _) in read.items()}
    return tables, pd.concat([dropped for _, dropped in read.values()], ignore_index=True)


def _score(name: str, expert: str, predicted: str, state: list, settings: dict) -> dict:
    """Score one case; if it cannot be scored, return a record of the error, so that the other cases continue."""
    try:
        result = score_case(expert, predicted, **settings)
    except InputError as error:
        return {"name": name, "error": [error.where, error.problem, error.fix]}
    except Exception as error:
        # Readers of files have no common error class, and one odd file must not lose the other cases.
        problem = f"cannot be scored ({type(error).__name__}: {one_line(error)})"
        return {"name": name, "error": [f"{expert} and {predicted}", problem, "Save the two masks again"]}
    return {"name": name, "state": state, **result}


def _run(jobs: list[tuple], workers: int | None, finished: int, progress: bool) -> Iterator[dict]:
    """Yield the records of all jobs as they finish."""
    from joblib import Parallel, cpu_count, delayed
    from tqdm.auto import tqdm

    count = min(workers or cpu_count(), len(jobs))
    if count <= 1:
        records = (_score(*job) for job in jobs)
    else:
        # loky: fresh processes, so neither a notebook's threads nor a script without a main guard disturb them
        pool = Parallel(
            n_jobs=count,
            backend="loky",
            batch_size=1,
            return_as="generator_unordered",
            initializer=_end_with_parent,
            initargs=(os.getpid(),),
        )
        records = pool(delayed(_score)(*job) for job in jobs)
    bar = tqdm(total=finished + len(jobs), initial=finished, desc="masks to scores", unit="case", disable=not progress)
    with bar:
        try:
            for record in records:
                bar.update()
                yield record
        except BrokenProcessPool as error:
            raise InputError(
                f"workers = {count}",
                "a process was ended from outside, usually for lack of memory",
                "Call again with fewer workers; finished cases are kept",
            ) from error


def _end_with_parent(parent: int) -> None:
    """Stop this worker soon after its parent ends: otherwise a killed run would leave it waiting for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _key(expert: Path, predicted: Path, tolerance: float, value: str, more: bool) -> str:
    # The code that scores is part of the key: after a change in it, earlier scores are neither reused nor overwritten.
    folders = [str(expert.resolve()), str(predicted.resolve())]
    settings = [*folders, tolerance, value, more, fingerprint.made_by(__name__)]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]


def _raise(problems: list[dict], kept: int) -> None:
    if not problems:
        return
    where, problem, fix = min(problems, key=lambda record: record["name"])["error"]
    if len(problems) > 1:
        others = sorted(record["name"] for record in problems)[1:]
        shown = ", ".join(others[:10]) + (", ..." if len(others) > 10 else "")
        problem += f" ({len(others)} more cases cannot be scored: {shown})"
    raise InputError(where, problem, f"{fix}. The {kept} other cases are finished and kept")


def _frame(done: dict[str, dict], value: str) -> pd.DataFrame:
    """Arrange the records of all cases as the frame that `score_folders` returns."""
    head = ["patient_id", "label"] if value == EACH else ["patient_id"]
    rows = [
        {key: v for key, v in {**row, "patient_id": case}.items() if key not in UNSHOWN}
        for case, record in done.items()
        for row in record.get("rows", [record])
    ]
    added = [key for key in (rows[0] if rows else ()) if key not in {*head, *COLUMNS}]
    frame = pd.DataFrame(rows, columns=[*head, *COLUMNS[1:], *added]).astype(dict.fromkeys(NUMBERS, float))
    return frame.sort_values("patient_id", ignore_index=True, kind="stable")


def _dropped(frame: pd.DataFrame, first: matching.Found, second: matching.Found) -> pd.DataFrame:
    experts, predictions = first.masks.keys(), second.masks.keys()
    unread = matching.unread(first, second), matching.unread(second, first)
    rows = [
        ("expert masks", "no predicted mask of that name", len(experts - predictions - unread[1])),
        ("predicted masks", "no expert mask of that name", len(predictions - experts - unread[0])),
        ("expert masks", matching.UNREAD, len(unread[0])),
        ("predicted masks", matching.UNREAD, len(unread[1])),
        ("scores", "no label in either mask", len(experts & predictions) - frame["patient_id"].nunique()),
        *(("scores", reason, int((frame["status"] == status).sum())) for status, reason in STATUSES.items()),
    ]
    return pd.DataFrame([row for row in rows if row[2]], columns=["table", "reason", "n"])


def _notes(records: list[dict], first: matching.Found, second: matching.Found) -> list[str]:
    """Count the notes of all cases by kind; add those on names."""
    counts = Counter(note for record in records for note in dict.fromkeys(record.get("notes", ())))
    notes = [f"{note} ({n} case{'s' * (n != 1)})" for note, n in counts.items()]
    return [*notes, *_absent(records), *matching.notes(first, second)]


def _absent(records: list[dict]) -> list[str]:
    """Report each structure of MASK_VALUE that no mask of a folder has, with the labels that were found."""
    sides = [record["absent"] for record in records if "absent" in record]
    notes = []
    for side, found in zip(("expert", "predicted"), zip(*sides, strict=True), strict=False):
        nowhere = [text for text in found[0][0] if all(text in missing for missing, _ in found)]
        labels = list(dict.fromkeys(label for _, present in found for label in present))
        has = f"the labels found there are {', '.join(labels[:SHOWN])}" if labels else "they are all empty"
        notes += [f"no {side} mask has MASK_VALUE {text!r}: {has}" for text in nowhere]
    return notes
