"""From data to page: what reruns, what is refused, and what a killed run leaves."""

import contextlib
import json
import os
import re
import time

import pytest

from helpers.book import workflow
from helpers.report import instances
from tests.conftest import changed, descendants, kill, still

STUDY = "01_label_audit"
SHORT = "07_your_own_scores"  # a study that takes seconds


@pytest.fixture(scope="module")
def checkout(built_checkout):
    """A copy with the built book, for every test of this file to change."""
    return built_checkout


def planned(checkout, *words: str) -> set[str]:
    """Rules that the workflow would run now."""
    done = checkout.snakemake("book", "--config", "profile=tiny", "--dry-run", *words)
    assert done.returncode == 0, done.stdout
    jobs = re.findall(r"^(?:local)?rule (\w+):\n(?:.*\n)*?    output: (\S+)", done.stdout, re.M)
    return {f"{rule} {output}" for rule, output in jobs}


def test_second_build_runs_nothing_though_a_file_was_touched(checkout, built_book):
    assert (built_book / "index.html").is_file()
    os.utime(checkout.folder / "notebooks" / f"{STUDY}.ipynb")
    assert planned(checkout) == set()


FILES = {STUDY, "00_calibration"}
OF_MITIGATION = {"05_mitigation", "05_six_worlds"}
# Studies that are compared; a new study may compute or draw with anything.
COMPARED = {STUDY, SHORT, *OF_MITIGATION, "00_bias_sandbox", "00_calibration", "02_biased_ruler", "02_five_worlds"}
COMPARED |= {"03_four_worlds", "03_skin_tone_vae", "04_reconstruction_bias", "04_two_worlds", "06_sweeps"}
COMPARED |= {"06_vae_uncertainty"}


@pytest.mark.parametrize(
    ("more", "studies"),
    [
        ({"notebooks/params/00_calibration.tiny.yaml": "\n", f"notebooks/claims/{STUDY}.table2.csv": "\n"}, FILES),
        ({"src/helpers/stats/attributes.py": "\nmore = 1\n"}, {"07_your_own_scores"}),
        (
            {
                "src/helpers/studies/mitigation/penalties.py": "\nmore = 1\n",
                "src/helpers/stats/attributes.py": "\n# a comment\n",
            },
            OF_MITIGATION,
        ),
    ],
)
def test_a_change_reruns_what_computes_with_it_alone(checkout, more, studies):
    with contextlib.ExitStack() as until:
        for file, added in more.items():
            until.enter_context(changed(checkout.folder / file, lambda text, added=added: text + added))
        runs = {job.split("/")[2] for job in planned(checkout) if job.startswith("study ")}
    assert runs & COMPARED == studies


def test_a_figure_reruns_no_study_and_makes_the_pages_that_it_is_on(checkout):
    """Trade-offs are drawn on two studies' pages; the style, on all. What is kept of networks has the same names."""

    def kept() -> str:
        code = "from helpers.keep import fingerprint; print(fingerprint.made_by('helpers.studies.mitigation.protocol'))"
        return checkout.run("-c", code).stdout  # what `cache.folder` hashes of the code

    def pages(file: str) -> set[str]:
        with changed(checkout.folder / "src" / "helpers" / "figures" / file, lambda text: text + "\nCOLOUR = 'red'\n"):
            jobs = planned(checkout)
            assert kept() == before
        assert {job.split()[0] for job in jobs} <= {"page", "claims", "book"}
        return {job.split("/")[-1].removesuffix(".ipynb") for job in jobs if job.startswith("page ")}

    before = kept()
    assert "torch" in before
    compared = {page for page, shown in instances.book().items() if shown.study in COMPARED}
    drawn = {page for page in compared if page.startswith(tuple(OF_MITIGATION))}
    assert pages("tradeoffs.py") & compared == drawn
    assert pages("look.py") == set(instances.book())


@pytest.mark.parametrize(
    ("kind", "rules"),
    [("code", {"study", "contents", "page", "claims", "book"}), ("markdown", {"contents", "page", "claims", "book"})],
)
def test_code_of_a_notebook_reruns_its_study_and_prose_only_its_page(checkout, kind, rules):
    def add(text: str) -> str:
        notebook = json.loads(text)
        cell = [cell for cell in notebook["cells"] if cell["cell_type"] == kind][-1]
        cell["source"].append("\nmore = 1" if kind == "code" else "\nOne more line.")
        return json.dumps(notebook)

    with changed(checkout.folder / "notebooks" / f"{STUDY}.ipynb", add):
        jobs = planned(checkout)
    assert {job.split()[0] for job in jobs} == rules
    assert {job for job in jobs if job.startswith("page ")} == {f"page book/studies/{STUDY}.ipynb"}


def test_prose_of_the_book_reruns_no_study(checkout):
    with changed(checkout.folder / "book" / "intro.md", lambda text: text + "\nOne more line.\n"):
        assert {job.split()[0] for job in planned(checkout)} == {"book"}


@pytest.fixture
def refused(monkeypatch, capsys):
    """Ask the command line for something that it refuses, in this process; the line that it says."""

    def started(words):
        raise AssertionError(f"the workflow was started: {words}")

    def ask(*words: str) -> str:
        assert workflow.main(list(words)) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    monkeypatch.setattr(workflow, "snakemake", started)
    return ask


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["study", "01_label_audi", "quick"], "01_label_audi.ipynb: there is no such study"),
        (["study", STUDY, "huge"], "PROFILE=huge: 01_label_audit has no such profile"),
        (["study", STUDY, "tiny", "N_BOOT=200"], "Did you mean N_BOOTSTRAP?"),
        (["study", STUDY, "tiny", "SORCE=real"], "parameter SORCE: the study has no such parameter"),
        (["study", STUDY, "tiny", "SEED=one"], "parameter SEED: 'one' is of type str, expected int"),
        (["study", STUDY, "tiny", "SEED=-1"], "parameter SEED: -1 is out of range"),
        (["study", STUDY, "tiny", "N_CASES=3"], "parameter N_CASES: 3 is out of range"),
        (["study", STUDY, "tiny", "SOURCE=fake"], "parameter SOURCE: must be simulated or real, got 'fake'"),
        (
            ["study", "05_mitigation", "tiny", "TASK=brain"],
            "parameter TASK: must be chest, skin, xray or mri, got 'brain'",
        ),
        (["study", STUDY, "tiny", "SEED"], "expected NAME=value"),
        (["study", STUDY, "tiny", "SOURCE=real", "DATA_ROOT=nowhere"], "DATA_ROOT = nowhere: there is no such folder"),
        (["record", STUDY, "nothing", "default", "x"], "no results.json"),
        (["audit", "GROUPS=sex"], "no table is named"),
        (["audit", "SCORES=x.csv", "GROUP=sex"], "Did you mean GROUPS?"),
        (["sweep", "nothing"], "SWEEP=nothing: there is no such sweep"),
        (["sweep", "trial", "--cluster", "slurmm"], "CLUSTER=slurmm: there is no such profile"),
        (["record-sweep", "nothing"], "there is no such sweep"),
    ],
)
def test_bad_requests_are_refused_before_anything_starts(refused, words, says):
    assert says in refused(*words)


def test_a_bad_request_ends_the_command_with_one_line(checkout):
    done = checkout.run("-m", "helpers.book.workflow", "study", STUDY, "tiny", "N_BOOT=200")
    assert done.returncode == 2
    assert "Did you mean N_BOOTSTRAP?" in done.stdout and len(done.stdout.strip().splitlines()) == 1
    assert not list((checkout.folder / "runs").glob(f"*/{STUDY}/N_BOOT*"))


def test_failed_run_keeps_its_notebook_and_leaves_no_result(checkout):
    done = checkout.run("-m", "helpers.book.workflow", "study", STUDY, "tiny", "SOURCE=real", "DATA_ROOT=profiles")
    assert done.returncode != 0
    assert "there is no clinical_and_imaging_info.xlsx" in done.stdout
    assert not (checkout.folder / "runs" / "tiny" / STUDY / "SOURCE=real").exists()
    failed = list((checkout.folder / "runs" / ".failed").glob("*SOURCE=real.ipynb"))
    assert len(failed) == 1
    assert "there is no clinical_and_imaging_info.xlsx" in failed[0].read_text()


@pytest.mark.slow
def test_killed_run_leaves_nothing_taken_for_a_result(checkout):
    """Kill -9 the whole workflow in the middle of a run; the same command then resumes."""
    words = ("-m", "helpers.book.workflow", "study", SHORT, "tiny", "SEED=7")
    place = checkout.folder / "runs" / "tiny" / SHORT / "SEED=7"
    scratch = checkout.folder / "runs" / ".scratch" / f"tiny-{SHORT}-SEED=7"
    process = checkout.start(*words)
    deadline = time.monotonic() + 120
    while not scratch.is_dir() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)
    assert process.poll() is None, process.communicate()[0]

    jobs = descendants(process.pid)
    still(jobs)  # for the time of the questions, or the run might end
    second = checkout.run(*words)
    assert second.returncode == 2
    assert "another process is using it" in second.stdout

    process.kill()  # Snakemake alone: its job lives on, and nobody else may start the same run
    process.wait()
    third = checkout.run(*words)
    assert third.returncode != 0
    assert f"run tiny-{SHORT}-SEED=7: another process is using it" in third.stdout

    kill(jobs)
    process.communicate()
    time.sleep(1)
    assert scratch.is_dir()
    assert not place.exists()

    done = checkout.run(*words)
    assert done.returncode == 0, done.stdout[-4000:]
    results = json.loads((place / "results.json").read_text())
    assert results["provenance"]["parameters"]["SEED"] == 7
    assert not scratch.exists()
