"""What the Snakefile and make call: run a study or a sweep, make pages, record, and start the workflow itself."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from helpers import paths
from helpers.errors import InputError
from helpers.report import instances, page, parameters, recording, status, sweep_records, sweeps


def read_profile(study: str, profile: str) -> dict[str, Any]:
    """Parameters of `notebooks/params/<study>.<profile>.yaml`; the quick profile is the notebook's defaults.

    Raises
    ------
    InputError
        The profile is not there or not a mapping.
    """
    file = paths.notebooks() / "params" / f"{study}.{profile}.yaml"
    if not file.is_file():
        if profile == "quick":
            return {}
        known = ", ".join(sorted(p.name.split(".")[1] for p in file.parent.glob(f"{study}.*.yaml")))
        raise InputError(
            f"PROFILE={profile}", f"{study} has no such profile", f"Choose from quick, {known}".rstrip(", ")
        )
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(file.name, f"not readable as YAML ({error})", "Write lines such as SEED: 1") from None
    if not isinstance(values, dict):
        raise InputError(file.name, "expected lines such as SEED: 1", "Write one parameter a line")
    return values


def settle(study: str, profile: str, words: list[str]) -> dict[str, Any]:
    """Parameters of a run, checked before anything starts: the profile's, then those given as `NAME=value`.

    Raises
    ------
    InputError
        The study, the profile or a parameter is not known, a value is refused, or there is no folder of real data.
    """
    declared = parameters.read(paths.notebooks() / f"{study}.ipynb")
    values = read_profile(study, profile)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"PARAMS, {word}", "expected NAME=value", "Separate several by spaces")
        values[name] = parameters.parse(text, declared.types.get(name))
    parameters.check(values, declared.types, declared.limits, where=study)
    if values.get("SOURCE") == "real":
        paths.data_root(values.get("DATA_ROOT", ""))
    return values


def run_study(study: str, place: Path, values: dict[str, Any]) -> None:
    """Execute a study in a scratch folder and rename it into place when it has ended well.

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
        failed.parent.mkdir(parents=True, exist_ok=True)
        executed.replace(failed)
        shutil.rmtree(scratch)
        where, cause = study, f"{type(error).__name__}: {error}".splitlines()[0]
        if isinstance(error, PapermillExecutionError):
            where = f"{study}, cell {error.exec_count}"
            cause = error.evalue if error.ename == "InputError" else f"{error.ename}: {error.evalue}"
        kept = failed.relative_to(paths.project())
        raise InputError(where, cause.rstrip("."), f"The notebook is kept as {kept}") from None
    recording.read(scratch)  # a run without results is no run
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(place)
    failed.unlink(missing_ok=True)


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
    settings = settle(asked.study, asked.profile, sweeps.words(asked.fixed))
    states = status.sweep_runs(asked, settings)
    print("\n".join(status.summary(f"sweep {name}", states)), flush=True)
    words = ["sweep", "--quiet", "host", "rules", "--config", f"sweep={name}"]
    if cluster:
        profile = paths.project() / "profiles" / cluster
        if not profile.is_dir():
            known = ", ".join(sorted(p.name for p in profile.parent.iterdir() if p.name != "default"))
            raise InputError(f"CLUSTER={cluster}", "there is no such profile", f"Profiles here: {known}")
        words += ["--workflow-profile", str(profile)]
    old = [str((asked.folder / i / recording.RESULTS).relative_to(paths.project())) for i in _in(states, "stale")]
    snakemake([*words, *(["--forcerun", *old] if old else [])])


def _in(states: dict[str, status.State], name: str) -> list[str]:
    return [instance for instance, state in states.items() if state.state == name]


def show_status(profile: str) -> str:
    """What `make status` prints: the book's runs at a profile, every sweep, what is recorded."""
    pages = instances.book()
    shown = {
        page.name: status.page_run(page, profile, settle(page.study, profile, page.words)) for page in pages.values()
    }
    lines = status.summary(f"book, {profile} profile", shown)
    for name in sweeps.names():
        try:
            asked = sweeps.read(name)
            settings = settle(asked.study, asked.profile, sweeps.words(asked.fixed))
            lines += status.summary(f"sweep {name}", status.sweep_runs(asked, settings))
        except InputError as error:  # of this one; the others are still told
            lines.append(str(error))
    return "\n".join([*lines, *status.recorded()])


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
    add = tasks.add_parser("sweep", help="run a grid of runs through the workflow")
    add.add_argument("sweep")
    add.add_argument("--cluster", default="")
    add = tasks.add_parser("status", help="say what is done, running, failed, stale, to do")
    add.add_argument("profile")
    add = tasks.add_parser("record-sweep", help="keep a sweep's table in the book")
    add.add_argument("sweep")
    add = tasks.add_parser("record", help="keep a run's results in the book")
    add.add_argument("study")
    add.add_argument("batch")
    add.add_argument("instance")
    add.add_argument("label")
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
            snakemake([*words, f"params={json.dumps(asked.params)}"])
        case "run":
            run_study(asked.study, asked.place.resolve(), settle(asked.study, asked.profile, asked.params))
        case "page":
            shown = instances.book()[asked.page.stem]
            page.study_page(shown.run(asked.profile), asked.page, shown)
        case "claims":
            page.claims_page(list(instances.book().values()), asked.profile, asked.page)
        case "sweep":
            sweep(asked.sweep, asked.cluster)
        case "status":
            print(show_status(asked.profile))
        case "record-sweep":
            print(f"Recorded in {sweep_records.keep(asked.sweep).relative_to(paths.project())}/")
        case "record":
            parameters.read(paths.notebooks() / f"{asked.study}.ipynb")
            run = paths.runs() / asked.batch / asked.study / asked.instance
            place = recording.keep(run, asked.study, asked.label)
            print(f"Recorded in {place.relative_to(paths.project())}/")


if __name__ == "__main__":
    sys.exit(main())
