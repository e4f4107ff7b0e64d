"""Commands behind the Snakefile and make: run a study or a sweep, make pages, record results, start the workflow."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from helpers import exercises, paths
from helpers.book import course, html, inputs, running, template
from helpers.errors import InputError
from helpers.report import instances, parameters

if TYPE_CHECKING:
    from helpers.book import status

# Modules that work on tables are imported where they are used, so that bad input is refused without waiting for them.


def settle(study: str, profile: str, words: list[str]) -> dict[str, Any]:
    """Return the checked parameters of a run: those of the profile, overridden by those given as `NAME=value`.

    Raises
    ------
    InputError
        The study, the profile or a parameter is not known, a value is refused, or the run needs real data and there is
        no folder of them.
    """
    declared = parameters.read(paths.notebooks() / f"{study}.ipynb")
    values = parameters.profile(study, profile)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"PARAMS, {word}", "expected NAME=value", "Separate several by spaces")
        values[name] = parameters.parse(text, declared.types.get(name))
    parameters.check(values, declared.types, declared.limits, where=study)
    if values.get(parameters.IMAGES):
        _check_images(study, values)
    elif values.get("FACTORS"):
        if values.get("SOURCE", "real") != "real":
            raise InputError("SOURCE", "it is simulated, but FACTORS names a table", "Leave SOURCE or FACTORS out")
        values["SOURCE"] = "real"
    elif values.get("SOURCE") == "real":
        paths.data_root(values.get("DATA_ROOT", ""))
    return values


def _workers(study: str, threads: int) -> dict[str, int]:
    """Return WORKERS for a run of a study that takes it: the default, but no more processes than threads.

    Two workers on one core would take turns, and each would import what the run needs once more.
    """
    default = parameters.read(paths.notebooks() / f"{study}.ipynb").defaults.get("WORKERS")
    return {} if default is None else {"WORKERS": max(1, min(default, threads))}


def _check_images(study: str, values: dict[str, Any]) -> None:
    """Read the user's table of images, and set SOURCE to real; refuse what a run would refuse of it."""
    from helpers import datasets

    if values.get("SOURCE", "real") != "real":
        raise InputError("SOURCE", "it is simulated, but IMAGES names a table", "Leave SOURCE or IMAGES out")
    table = datasets.load_image_table(values[parameters.IMAGES], values)
    if why := datasets.unsuited(study, table):
        fix = "See 'Your own images' in the book, and make check-data IMAGES=..."
        raise InputError(f"{Path(values[parameters.IMAGES]).name}, {study}", why, fix)
    datasets.check_files(table)
    values["SOURCE"] = "real"


def snakemake(words: list[str]) -> None:
    """Replace this process by Snakemake; refuse if a workflow is already running in this project."""
    instances.book()  # reports an invalid list of pages in one line here, instead of from within the Snakefile
    running.lock(paths.project() / ".snakemake" / "alive", "workflow")
    os.chdir(paths.project())
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", "--nolock", *words])


def sweep(name: str, cluster: str = "") -> None:
    """Run the missing, failed and stale runs of a sweep, on this machine or on a cluster by `profiles/<cluster>`."""
    from helpers.book import status
    from helpers.report import recording, sweeps

    asked = sweeps.read(name)
    for parameters_of_run in map(asked.asked, asked.runs):
        if parameters_of_run.get("SOURCE") == "real":
            paths.data_root()
    states = status.sweep_runs(asked)
    print("\n".join(status.summary(f"sweep {name}", states)), flush=True)
    if running := _in(states, "running"):
        fix = "Wait until they have ended, or stop them, then repeat the command"
        raise InputError(f"sweep {name}", f"another process is running it: {', '.join(running[:3])}", fix)
    # Done and stale runs were determined above; Snakemake only checks which results exist. Results are written
    # atomically, so they are complete even if Snakemake was killed before it could note so.
    words = ["sweep", "--quiet", "host", "rules", "--rerun-triggers", "mtime", "--ignore-incomplete"]
    words += [*_cluster(cluster), "--config", f"sweep={json.dumps(name)}"]
    old = [str((asked.folder / i / recording.RESULTS).relative_to(paths.project())) for i in _in(states, "stale")]
    snakemake([*words, *(["--forcerun", *old] if old else [])])


def _cluster(name: str) -> list[str]:
    """Return the words that make Snakemake send its jobs by `profiles/<name>`; none without a name."""
    if not name:
        return []
    file = paths.project() / "profiles" / name / "config.yaml"
    if not file.is_file():
        known = ", ".join(sorted(p.name for p in file.parents[1].iterdir() if p.name != "default"))
        raise InputError(f"CLUSTER={name}", "there is no such profile", f"Profiles here: {known}")
    executor = yaml.safe_load(file.read_text(encoding="utf-8")).get("executor", "local")
    if executor != "local" and not importlib.util.find_spec(f"snakemake_executor_plugin_{executor}"):
        fix = f"Install it next to the project's packages: pip install snakemake-executor-plugin-{executor}"
        raise InputError(f"CLUSTER={name}", f"Snakemake's plug-in {executor} is not installed", fix)
    return ["--workflow-profile", str(file.parent)]


def _in(states: dict[str, status.State], name: str) -> list[str]:
    return [instance for instance, state in states.items() if state.state == name]


def show_status(profile: str) -> str:
    """Return the text that `make status` prints: the book's runs at a profile, every sweep, and the records."""
    from helpers.book import status
    from helpers.report import sweeps

    shown, lines = {}, []
    for one in instances.book().values():
        try:
            shown[one.name] = status.page_run(one, profile)
        except InputError as error:  # it concerns only this page; the others are still shown
            lines.append(str(error))
    lines = [*status.summary(f"book, {profile} profile", shown), *lines]
    for name in sweeps.names():
        try:
            lines += status.summary(f"sweep {name}", status.sweep_runs(sweeps.read(name)))
        except InputError as error:
            lines.append(str(error))
    return "\n".join([*lines, *status.recorded()])


def check(profile: str) -> None:
    """Refuse a book in which a page has no complete and current run, or a cell of its run failed.

    Raises
    ------
    InputError
        The message names the pages in one line.
    """
    from helpers.book import status

    if found := status.unfinished(profile):
        raise InputError(f"book, {profile} profile", "; ".join(found), "Make the book again")


def main(words: list[str] | None = None) -> int:
    """Run the command line `python -m helpers.book.workflow <task> ...`; bad input gives one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.workflow", description=__doc__)
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
            add.add_argument("--threads", type=int, default=os.cpu_count(), help="of a run that names no WORKERS")
    for task in ("page", "claims"):
        add = tasks.add_parser(task, help="make a page from its run" if task == "page" else "make the page of claims")
        add.add_argument("profile")
        add.add_argument("page", type=Path)
    add = tasks.add_parser("first", help="make the contents of a book of one page, to read while the others are made")
    add.add_argument("page")
    add.add_argument("place", type=Path)
    add = tasks.add_parser("contents", help="make the book's contents from the studies that are there")
    add.add_argument("place", type=Path)
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
    add = tasks.add_parser("rejudge", help="judge recorded claims again, by the rule of today")
    add.add_argument("study", nargs="?", default="")
    tasks.add_parser("review-claims", help="enter the claims that differ on real data into the living review")
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
            inputs.state(asked.params)  # refused here in one line: within Snakemake an error of its input is not shown
            run = f"runs/{asked.profile}/{asked.study}/{instances.instance(asked.params)}"
            print(f"{asked.study} runs; what it leaves will be in {run}/", flush=True)
            words = [f"{run}/results.json", "--quiet", "all", "--config"]
            # A single run gets every core; when many runs of a book are made, each takes one thread.
            snakemake([*words, f"params={json.dumps(asked.params)}", f"threads={os.cpu_count()}"])
        case "run":
            from helpers.book import progress

            place = asked.place.resolve()
            values = settle(asked.study, asked.profile, asked.params)
            running.run_study(asked.study, place, _workers(asked.study, asked.threads) | values)
            if line := progress.after(place):
                print(line, flush=True)
        case "page":
            from helpers.book import page

            shown = instances.book()[asked.page.stem]
            running.redraw(shown.run(asked.profile))
            page.study_page(shown.run(asked.profile), asked.page, shown)
        case "first":
            from helpers.book import contents

            contents.write_one(asked.page, asked.place)
        case "contents":
            from helpers.book import contents

            contents.write(asked.place)
        case "claims":
            from helpers.book import collected

            collected.write(list(instances.book().values()), asked.profile, asked.page)
        case "new":
            for file in template.new_study(asked.study):
                print(file.relative_to(paths.project()))
        case "audit":
            from helpers.book import own_audit

            words, place = own_audit.settled(asked.params)
            values = settle(own_audit.STUDY, "quick", words)
            print(f"The audit runs: {own_audit.time_ahead(values)}.", flush=True)
            running.run_study(own_audit.STUDY, place, values)
            print(f"The report is {html.write_html(place / f'{own_audit.STUDY}.ipynb').relative_to(paths.project())}")
        case "restamp":
            from helpers.book import stamping

            for lines in stamping.told(asked.study, data_root=asked.data_root):
                print(lines, flush=True)
        case "rejudge":
            from helpers.book import rejudging

            for lines in rejudging.told(asked.study):
                print(lines, flush=True)
        case "review-claims":
            from helpers.book import review_claims

            for line in review_claims.told():
                print(line)
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
            from helpers.report import sweep_records

            print(f"Recorded in {sweep_records.keep(asked.sweep).relative_to(paths.project())}/")
        case "record":
            from helpers.report import recording

            parameters.read(paths.notebooks() / f"{asked.study}.ipynb")
            run = paths.runs() / asked.batch / asked.study / asked.instance
            place = recording.keep(run, asked.study, asked.label)
            print(f"Recorded in {place.relative_to(paths.project())}/")


if __name__ == "__main__":
    sys.exit(main())
