"""What the Snakefile and make call: run a study or a sweep, make pages, record, and start the workflow itself."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from helpers import exercises, paths
from helpers.errors import InputError
from helpers.report import (
    course,
    instances,
    new_study,
    own,
    page,
    parameters,
    provenance,
    recording,
    restamp,
    status,
    sweep_records,
    sweeps,
)
from helpers.report.differences import differences
from helpers.report.html import write_html
from helpers.report.values import write_json


def settle(study: str, profile: str, words: list[str]) -> dict[str, Any]:
    """Parameters of a run, checked before anything starts: the profile's, then those given as `NAME=value`.

    Raises
    ------
    InputError
        The study, the profile or a parameter is not known, a value is refused, or there is no folder of real data.
    """
    declared = parameters.read(paths.notebooks() / f"{study}.ipynb")
    values = parameters.profile(study, profile)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"PARAMS, {word}", "expected NAME=value", "Separate several by spaces")
        values[name] = parameters.parse(text, declared.types.get(name))
    parameters.check(values, declared.types, declared.limits, where=study)
    if values.get("SOURCE") == "real":
        paths.data_root(values.get("DATA_ROOT", ""))
    return values


def run_study(study: str, place: Path, values: dict[str, Any], *, check: Callable[[Path], None] | None = None) -> None:
    """Execute a study in a scratch folder and rename it into place when it has ended well.

    Parameters
    ----------
    study : str
    place : Path
        Folder of the run.
    values : dict
        Its parameters.
    check : callable, optional
        ``check(scratch)`` refuses what was made by an InputError, or changes it, before it takes its place.

    Raises
    ------
    InputError
        The study fails; its notebook is then kept under `runs/.failed/`.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    scratch, failed = status.scratch(place), status.failed_notebook(place)
    lock(status.lock_file(place), f"run {status.name_of(place)}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    executed = scratch / f"{study}.ipynb"
    try:
        papermill.execute_notebook(
            paths.notebooks() / f"{study}.ipynb",
            executed,
            {**values, "RUN_DIR": str(scratch)},
            progress_bar=sys.stderr.isatty(),
            cwd=paths.project(),
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # else each kernel warns of eavesdroppers on this machine's ports
        )
    except Exception as error:  # a cell that fails, a kernel that dies: the notebook says how far it came
        _lay_aside(executed, failed)
        where, cause = study, f"{type(error).__name__}: {error}".splitlines()[0]
        if isinstance(error, PapermillExecutionError):
            where = f"{study}, cell {error.exec_count}"
            cause = error.evalue if error.ename == "InputError" else f"{error.ename}: {error.evalue}"
        kept = failed.relative_to(paths.project())
        raise InputError(where, cause.rstrip("."), f"The notebook is kept as {kept}") from None
    if not (scratch / recording.RESULTS).is_file():
        _lay_aside(executed, failed)
        fix = f"Its last cell has to call report.record; the notebook is kept as {failed.name}"
        raise InputError(study, "it ended without results", fix)
    if check is not None:
        check(scratch)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(place)
    failed.unlink(missing_ok=True)


def redraw(place: Path) -> bool:
    """Draw a run anew if the code that it only shows its results with has changed; its values must stay as they are.

    The notebook runs again, on the networks, images and scores that are kept.

    Returns
    -------
    bool
        Whether it was drawn anew.

    Raises
    ------
    InputError
        A value is another: what changed does more than draw.
    """
    before = recording.read(place)
    study = before["provenance"]["study"]
    if before["provenance"].get("drawn") == provenance.drawing(study):
        return False
    given = json.loads((place / f"{study}.ipynb").read_text(encoding="utf-8"))["metadata"]["papermill"]["parameters"]

    def check(scratch: Path) -> None:
        if found := differences(place, scratch):
            problem = f"drawn anew from what is kept, it gives other values ({found[0]}, {len(found)} in all)"
            raise InputError(study, problem, f"Delete {place.relative_to(paths.project())} and run the study again")
        after = recording.read(scratch)
        after["provenance"] = {**before["provenance"], "drawn": after["provenance"]["drawn"]}
        write_json(scratch / recording.RESULTS, after)
        stat = (place / recording.RESULTS).stat()
        os.utime(scratch / recording.RESULTS, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the results are as old

    run_study(study, place, {k: v for k, v in given.items() if k != "RUN_DIR"}, check=check)
    return True


def _lay_aside(executed: Path, failed: Path) -> None:
    failed.parent.mkdir(parents=True, exist_ok=True)
    if executed.is_file():
        executed.replace(failed)
    shutil.rmtree(executed.parent)


def lock(file: Path, what: str) -> None:
    """Hold a lock for as long as this process lives; refuse where another process holds it.

    It is the kernel's, so that a killed process leaves none behind, as Snakemake's own would.
    """
    import fcntl  # absent on Windows, where only the workflow cannot be started

    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_CREAT | os.O_RDWR)
    os.set_inheritable(handle, True)  # it outlives the step from this program to Snakemake
    for wait in (0.1, 0.4, 0):  # whoever asks for the state of a run holds its lock for a moment
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
        except OSError as error:
            problem = f"its file system has no locks ({error.strerror})"
            raise InputError(what, problem, "Keep runs/ and .snakemake/ on one that has, or ask for it") from None
    raise InputError(what, "another process is at work on it", "Wait until it has ended, or stop it")


def snakemake(words: list[str]) -> None:
    """Replace this process by Snakemake, unless a workflow is alive in this folder."""
    instances.book()  # a list of pages that cannot be used is said in one line, not from within the Snakefile
    lock(paths.project() / ".snakemake" / "alive", "workflow")
    os.chdir(paths.project())
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", "--nolock", *words])


def sweep(name: str, cluster: str = "") -> None:
    """Run what is missing of a sweep, what failed, and what is stale; here, or by `profiles/<cluster>`."""
    asked = sweeps.read(name)
    for parameters_of_run in map(asked.asked, asked.runs):
        if parameters_of_run.get("SOURCE") == "real":
            paths.data_root()
    states = status.sweep_runs(asked)
    print("\n".join(status.summary(f"sweep {name}", states)), flush=True)
    if running := _in(states, "running"):
        fix = "Wait until they have ended, or stop them, and say it again"
        raise InputError(f"sweep {name}", f"another process is at work on it, on {', '.join(running[:3])}", fix)
    # What is done and what is stale was told above; Snakemake goes by what is there. A result is there whole, also
    # where Snakemake was killed before it could note so.
    words = ["sweep", "--quiet", "host", "rules", "--rerun-triggers", "mtime", "--ignore-incomplete"]
    words += [*_cluster(cluster), "--config", f"sweep={json.dumps(name)}"]
    old = [str((asked.folder / i / recording.RESULTS).relative_to(paths.project())) for i in _in(states, "stale")]
    snakemake([*words, *(["--forcerun", *old] if old else [])])


def _cluster(name: str) -> list[str]:
    """Words for Snakemake that send jobs by `profiles/<name>`."""
    if not name:
        return []
    file = paths.project() / "profiles" / name / "config.yaml"
    if not file.is_file():
        known = ", ".join(sorted(p.name for p in file.parents[1].iterdir() if p.name != "default"))
        raise InputError(f"CLUSTER={name}", "there is no such profile", f"Profiles here: {known}")
    executor = yaml.safe_load(file.read_text(encoding="utf-8")).get("executor", "local")
    if executor != "local" and not importlib.util.find_spec(f"snakemake_executor_plugin_{executor}"):
        fix = f"Install it beside the project's packages: pip install snakemake-executor-plugin-{executor}"
        raise InputError(f"CLUSTER={name}", f"Snakemake's plug-in {executor} is absent", fix)
    return ["--workflow-profile", str(file.parent)]


def _in(states: dict[str, status.State], name: str) -> list[str]:
    return [instance for instance, state in states.items() if state.state == name]


def show_status(profile: str) -> str:
    """What `make status` prints: the book's runs at a profile, every sweep, what is recorded."""
    shown, lines = {}, []
    for one in instances.book().values():
        try:
            shown[one.name] = status.page_run(one, profile)
        except InputError as error:  # of this one; the others are still told
            lines.append(str(error))
    lines = [*status.summary(f"book, {profile} profile", shown), *lines]
    for name in sweeps.names():
        try:
            lines += status.summary(f"sweep {name}", status.sweep_runs(sweeps.read(name)))
        except InputError as error:
            lines.append(str(error))
    return "\n".join([*lines, *status.recorded()])


def _restamp(study: str, data_root: str) -> None:
    """Restamp what is recorded, and say of each record what was found."""
    failed = []
    for name, lines in restamp.restamp(restamp.records(study), data_root=data_root):
        print("\n    ".join([f"{name}: {lines[0]}", *lines[1:]]), flush=True)
        failed += [name] if lines[0].startswith(("refused", "differs")) else []
    if failed:
        fix = "Record anew what has to differ: make record STUDY=... LABEL=..."
        raise InputError("restamp", f"{len(failed)} records are not restamped, {failed[0]} for one", fix)


def check(profile: str) -> None:
    """Refuse a book in which a page has no whole and current run, or a cell of a run failed.

    Raises
    ------
    InputError
        One line that names the pages.
    """
    if found := status.unfinished(profile):
        raise InputError(f"book, {profile} profile", "; ".join(found), "Make the book again")


def main(words: list[str] | None = None) -> int:
    """Command line: `python -m helpers.workflow <task> ...`; ends with 2 and one line on bad input."""
    parser = argparse.ArgumentParser(prog="python -m helpers.workflow", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    add = tasks.add_parser("snakemake", help="start the workflow")
    add.add_argument("words", nargs=argparse.REMAINDER)
    for task in ("study", "run"):
        add = tasks.add_parser(task, help="run one study through the workflow" if task == "study" else "run one study")
        add.add_argument("study")
        add.add_argument("profile")
        add.add_argument("params", nargs="*", metavar="NAME=value")
        if task == "run":
            add.add_argument("--place", type=Path, required=True)
    for task in ("page", "claims"):
        add = tasks.add_parser(task, help="make a page from its run" if task == "page" else "make the page of claims")
        add.add_argument("profile")
        add.add_argument("page", type=Path)
    add = tasks.add_parser("new", help="make a study from the template")
    add.add_argument("study")
    add = tasks.add_parser("audit", help="audit a table of one's own scores, and write a report")
    add.add_argument("params", nargs="*", metavar="NAME=value")
    add = tasks.add_parser("sweep", help="run a grid of runs through the workflow")
    add.add_argument("sweep")
    add.add_argument("--cluster", default="")
    add = tasks.add_parser("status", help="say what is done, running, failed, stale, to do")
    add.add_argument("profile")
    add = tasks.add_parser("check", help="refuse a book whose pages are not all made from whole and current runs")
    add.add_argument("profile")
    add = tasks.add_parser("record-sweep", help="keep a sweep's table in the book")
    add.add_argument("sweep")
    add = tasks.add_parser("record", help="keep a run's results in the book")
    add.add_argument("study")
    add.add_argument("batch")
    add.add_argument("instance")
    add.add_argument("label")
    add = tasks.add_parser("restamp", help="prove that a change of code changed no number of what is recorded")
    add.add_argument("study", nargs="?", default="")
    add.add_argument("--data-root", default="")
    add = tasks.add_parser("student", help="write the course copy without solutions")
    add.add_argument("--pages", action="store_true", help="with the book's pages, to build the students' book from")
    add = tasks.add_parser("answer", help="make the key of an exercise's check cell")
    add.add_argument("exercise", type=int)
    add.add_argument("answer")
    add.add_argument("--choose", metavar="A,B,C", type=lambda text: [c.strip() for c in text.split(",")])
    add.add_argument("--step", type=float)
    asked = parser.parse_args(words)
    try:
        _do(asked)
    except InputError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    return 0


def _do(asked: argparse.Namespace) -> None:
    match asked.task:
        case "snakemake":
            snakemake(asked.words)
        case "study":
            settle(asked.study, asked.profile, asked.params)
            run = f"runs/{asked.profile}/{asked.study}/{instances.instance(asked.params)}"
            print(f"{asked.study} runs; what it leaves will be in {run}/", flush=True)
            words = [f"{run}/results.json", "--quiet", "all", "--config"]
            # Every core for the one run; many runs of a book take one thread each.
            snakemake([*words, f"params={json.dumps(asked.params)}", f"threads={os.cpu_count()}"])
        case "run":
            run_study(asked.study, asked.place.resolve(), settle(asked.study, asked.profile, asked.params))
        case "page":
            shown = instances.book()[asked.page.stem]
            redraw(shown.run(asked.profile))
            page.study_page(shown.run(asked.profile), asked.page, shown)
        case "claims":
            from helpers.report import collected  # it draws, which takes a second to import

            collected.write(list(instances.book().values()), asked.profile, asked.page)
        case "new":
            for file in new_study.new_study(asked.study):
                print(file.relative_to(paths.project()))
        case "audit":
            words, place = own.settled(asked.params)
            print("The audit runs; it takes a minute or so.", flush=True)
            run_study(own.STUDY, place, settle(own.STUDY, "quick", words))
            print(f"The report is {write_html(place / f'{own.STUDY}.ipynb').relative_to(paths.project())}")
        case "restamp":
            _restamp(asked.study, asked.data_root)
        case "student":
            print(f"The students' copy is {course.write(pages=asked.pages).relative_to(paths.project())}/")
        case "answer":
            print(exercises.entry(asked.exercise, asked.answer, choose=asked.choose, step=asked.step), end="")
        case "sweep":
            sweep(asked.sweep, asked.cluster)
        case "status":
            print(show_status(asked.profile))
        case "check":
            check(asked.profile)
        case "record-sweep":
            print(f"Recorded in {sweep_records.keep(asked.sweep).relative_to(paths.project())}/")
        case "record":
            parameters.read(paths.notebooks() / f"{asked.study}.ipynb")
            run = paths.runs() / asked.batch / asked.study / asked.instance
            place = recording.keep(run, asked.study, asked.label)
            print(f"Recorded in {place.relative_to(paths.project())}/")


if __name__ == "__main__":
    sys.exit(main())
