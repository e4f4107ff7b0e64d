"""Restamping: proof that a change of code changed no number of a record, and renewal of the record's stamp.

A record's canary is a small run: the study at a reduced size with the record's parameters. It runs at the record's
commit and at HEAD, each in a clone, both with the packages that are installed now. If all values are equal, the record
is stamped with the code at HEAD. Changed modules that these parameters do not load are tested by further canaries: with
the parameters of the study's pages, or of ``notebooks/params/<study>.canary-<name>.yaml``, which may name another study
that uses these modules. A module that no recorded run loads, such as the reader of a format, may be listed as unused
in the table of names, with the reason; it needs no canary, if the record does not name it among those it has loaded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from helpers import paths
from helpers.book.comparing import differences
from helpers.book.renames import UNUSED, names_of, with_names
from helpers.book.small_runs import ANEW, Checkouts, canary, git
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import instances, parameters, provenance, recording, sweep_records
from helpers.report.values import write_json

SHOWN = 10  # number of differences that are printed


class Record(NamedTuple):
    """A recorded run or sweep: the file with its provenance, and the parameters of the runs that represent it."""

    name: str
    file: Path
    study: str
    runs: list[dict[str, Any]]


def records(study: str = "") -> list[Record]:
    """List the recorded runs and sweeps of one study, or of all.

    Raises
    ------
    InputError
        Nothing is recorded of that study.
    """
    found = []
    for file in sorted(paths.recorded().glob(f"[!.]*/[!.]*/{recording.RESULTS}")):
        known = recording.read(file.parent)["provenance"]
        found.append(Record("/".join(file.parts[-3:-1]), file, known["study"], [known["parameters"]]))
    for file in sorted(sweep_records.folder("").glob(f"[!.]*/{sweep_records.ABOUT}")):
        record = sweep_records.recorded_sweep(file.parent.name)
        found.append(Record(f"sweeps/{record.name}", file, record.study, _swept(record)))
    asked = [record for record in found if study in ("", record.study)]
    if not asked:
        known = ", ".join(dict.fromkeys(record.study for record in found)) or "none"
        raise InputError(study or "book/recorded", "there is no record", f"Studies with records: {known}")
    return asked


def _swept(record: sweep_records.RecordedSweep) -> list[dict[str, Any]]:
    """Select runs of a sweep so that each text value of its parameters occurs at least once.

    Parameters that are numbers are ignored: they are sizes and seeds.
    """
    given = {**parameters.profile(record.study, record.profile), **record.fixed}
    types = parameters.read(provenance.notebook_of(record.study)).types
    words = [name for name in record.runs if types.get(name) is str]
    found, seen = [], set()
    for _, row in record.runs.iterrows():
        chosen = {name: str(row[name]) for name in words}
        if not found or set(chosen.items()) - seen:
            seen |= set(chosen.items())
            found.append(given | chosen)
    return found


def restamp(asked: list[Record], *, data_root: str = "") -> Iterator[tuple[str, list[str]]]:
    """Update the stamps of those records for which the canary gives the same values at both commits.

    Parameters
    ----------
    asked : list of Record
    data_root : str
        Folder of the real data of records that need them, or a folder that holds several such folders.

    Yields
    ------
    name : str
        Name of a record.
    lines : list of str
        The findings; the first line begins with "current", "restamped", "refused" or "differs".

    Raises
    ------
    InputError
        There are uncommitted changes.
    """
    check_committed("restamp")
    with tempfile.TemporaryDirectory(prefix="restamp-") as folder:
        clones = Checkouts(Path(folder))
        for record in asked:
            try:
                yield record.name, _restamped(record, clones, data_root)
            except InputError as error:
                yield record.name, [f"refused: {error}"]


def check_committed(task: str) -> None:
    """Refuse a task that notes commits, while there are uncommitted changes."""
    if changes := git("status", "--porcelain").splitlines():
        problem = f"{len(changes)} files have uncommitted changes, {changes[0][3:]} for one"
        raise InputError(task, problem, "Commit them first: a stamp names commits")


def told(study: str = "", *, data_root: str = "") -> Iterator[str]:
    """Restamp the records of a study, or of all, and report the result for each.

    Raises
    ------
    InputError
        As in `records` and `restamp`; and at the end, if a record was refused or differs.
    """
    failed = []
    for name, lines in restamp(records(study), data_root=data_root):
        failed += [name] if lines[0].startswith(("refused", "differs")) else []
        yield "\n    ".join([f"{name}: {lines[0]}", *lines[1:]])
    if failed:
        fix = "Record again the studies that have to differ: make record STUDY=... LABEL=..."
        raise InputError("restamp", f"{len(failed)} records are not restamped, {failed[0]} for one", fix)


def _restamped(record: Record, clones: Checkouts, data_root: str) -> list[str]:
    about = json.loads(record.file.read_text(encoding="utf-8"))
    known = about["provenance"]
    if not provenance.changed(known):
        return ["current: nothing it computes with has changed"]
    before, after = _before(record.name, known, clones), clones.at(clones.head)
    commits = {"from": before.name, "to": after.name}
    code = {place: _code(place, record.study) for place in (before, after)}
    names = names_of(record.study)
    proof, unused = "the code is the same", []
    if code[before] != code[after]:
        proof, found = "a small run of both gives the same values", []
        missed = _changed(code, before, after)
        listed = set().union(*missed.values()) & {*names[UNUSED]}
        unused = sorted(module for module in listed if module not in _loaded(known) or _younger(module, known))
        missed = {place: found.difference(unused) for place, found in missed.items()}
        own = [(record.study, given) for given in record.runs]
        for number, (study, given) in enumerate([*own, *_further(record.study)]):
            if number >= len(own) and not any(missed.values()):
                break
            runs = clones.run(study, before, canary(record.name, {**known, "study": study}, given, data_root))
            found += differences(runs[before], runs[after], names_of(study))
            missed = {place: missed[place] - _loaded(recording.read(runs[place])["provenance"]) for place in missed}
        if not found and (left := sorted(set().union(*missed.values()))):
            problem = f"no canary loads {', '.join(left)}, which {'has' if len(left) == 1 else 'have'} changed"
            file = f"notebooks/params/{record.study}.canary-NAME.yaml"
            fix = f"Name parameters that reach it in {file}, or record it again"
            raise InputError(record.name, problem, fix)
        if found:
            more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
            return [f"differs: {len(found)} values between {before.name} and {after.name}", *found[:SHOWN], *more]
    stamp = {**commits, "on": datetime.now(UTC).strftime("%Y-%m-%d"), "proof": proof}
    stamp |= {"unused": unused} if unused else {}
    about["provenance"] = {**known, **code[after], "restamped": [*known.get("restamped", []), stamp]}
    write_json(record.file, with_names(about, names))
    return [f"restamped: {before.name} and {after.name}, {proof}"]


def _further(study: str) -> list[tuple[str, dict[str, Any]]]:
    """List further canaries as pairs of study and parameters: those of its pages, then one per `canary-*` file.

    Such a file has parameters that no page sets, and may name another study.
    """
    found = [(study, page.parameters) for page in instances.pages(study)]
    for file in sorted((paths.notebooks() / "params").glob(f"{study}.canary-*.yaml")):
        given = parameters.profile(study, file.stem.removeprefix(f"{study}."))
        found.append((given.pop("STUDY", study), given))
    return found


def _before(name: str, known: Mapping[str, Any], clones: Checkouts) -> Path:
    """Return a clone at the commit that has the record's code."""
    stamps = known.get("restamped", [])
    commits = [stamps[-1]["to"]] if stamps else known["git"]["commit"].split(", ")
    for commit in commits:
        place = clones.at(commit)
        odd = _unlike(place, known)
        if not odd:
            return place
    problem = f"the record was made with changes that commit {commit} does not have, in {odd[0]} for one"
    raise InputError(name, problem, ANEW)


def _unlike(checkout: Path, known: Mapping[str, Any]) -> list[str]:
    """List the notebook and modules of a record that are missing or different in a checkout."""
    notebook = checkout / "notebooks" / f"{known['study']}.ipynb"
    found = [] if notebook.is_file() and fingerprint.notebook(notebook) == known["notebook"] else [notebook.name]
    for module, hashed in known["helpers"].items():
        file = (checkout / "src").joinpath(*module.split(".")).with_suffix(".py")
        if fingerprint.computes(module) and not (file.is_file() and fingerprint.module(file) == hashed):
            found.append(module)
    return found


def _code(checkout: Path, study: str) -> dict[str, Any]:
    notebook = checkout / "notebooks" / f"{study}.ipynb"
    if not notebook.is_file():
        raise InputError(study, f"commit {checkout.name} has no such notebook", ANEW)
    modules = fingerprint.modules_of(notebook, root=checkout / "src")
    return {"notebook": fingerprint.notebook(notebook), "helpers": modules}


def _changed(code: Mapping[Path, dict[str, Any]], before: Path, after: Path) -> dict[Path, set[str]]:
    """Find the modules of each checkout that are missing or different in the other."""
    first, second = code[before]["helpers"], code[after]["helpers"]
    return {
        before: {module for module, hashed in first.items() if second.get(module) != hashed},
        after: {module for module, hashed in second.items() if first.get(module) != hashed},
    }


def _loaded(known: Mapping[str, Any]) -> set[str]:
    """Return the modules that a run has loaded, from its provenance."""
    # Older runs list the loaded modules as `helpers`, without those that judge, which every run loads.
    return set(known.get("loaded", {*known["helpers"], *fingerprint.JUDGING}))


def _younger(module: str, known: Mapping[str, Any]) -> bool:
    """Return True if a module was added after an older run, which therefore cannot have loaded it.

    A stamp replaces the list of modules that such a run has loaded by all those of its day.
    """
    file = "src/" + module.replace(".", "/") + ".py"
    added = git("log", "--follow", "--diff-filter=A", "--format=%H", "--", file).splitlines()
    run = known["git"]["commit"].split(", ")[0]
    return "loaded" not in known and bool(added) and git("merge-base", added[-1], run, allowed=True) != added[-1]
