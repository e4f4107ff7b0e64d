"""A clean-up proves that it changed no number; a change that did is seen, and whatever cannot be proven is refused."""

import json
import subprocess

import nbformat
import pytest

from tests import toy
from tests.conftest import Checkout

RECORD = f"book/recorded/{toy.STUDY}/full/results.json"
MODULE = "src/helpers/metrics/discs.py"
AREA = """import os

PI = 3.14159


def area(radius, large):
    if os.environ.get("NO_LONGER_THERE"):
        raise RuntimeError("a library has gone")
    if large:
        from helpers.metrics import large_discs

        return large_discs.area(radius)
    return PI * radius**2
"""
LARGE = "def area(radius):\n    return 3.14 * radius**2\n"
RINGS = """    if radius < 0:
        from helpers.metrics import rings

        return rings.area(radius)
    return PI *"""
PARAMETERS = """SEED: int = 0  # seed
SOURCE: str = "simulated"  # or real
DATA_ROOT: str = ""  # folder of the real data
DATASET: str = "disc"  # which shape
N_CASES: int = 2000  # discs
RUN_DIR: str = ""  # folder of the run"""
SETUP = f"""import numpy as np
import pandas as pd

from helpers import report
from helpers.metrics.discs import area

run = report.start("{toy.STUDY}", globals())"""
CELL = """radii = np.random.default_rng(SEED).uniform(size=N_CASES)
rows = pd.DataFrame({"area": [area(radius, N_CASES > 1000 or DATASET == 'large') for radius in radii]})
values = {"mean": {"estimate": float(rows["area"].mean()), "n": N_CASES}}
report.record(run, values=values, claims=[], dropped=pd.DataFrame(), cases=rows)"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small project with its history and the record of a large run."""
    folder = tmp_path_factory.mktemp("restamped") / "the-biased-ruler"
    toy.make(folder)
    (folder / "notebooks" / "pages" / f"{toy.STUDY}.yaml").unlink()
    (folder / "notebooks" / "claims" / f"{toy.STUDY}.yaml").unlink()
    (folder / "notebooks" / "params" / f"{toy.STUDY}.tiny.yaml").write_text("SEED: 11\nN_CASES: 20\n")
    code = nbformat.v4.new_code_cell
    cells = [code(PARAMETERS, metadata={"tags": ["parameters"]}), code(SETUP), code(CELL)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "notebooks" / f"{toy.STUDY}.ipynb")
    (folder / MODULE).write_text(AREA)
    (folder / MODULE).with_name("large_discs.py").write_text(LARGE)
    checkout = Project(folder)
    checkout.git("init", "--quiet")
    checkout.commit("Measure discs")
    checkout.done("-m", "papermill", f"notebooks/{toy.STUDY}.ipynb", "out.ipynb", "-p", "RUN_DIR", "runs/x/y/z")
    keep = "from pathlib import Path; from helpers.report import recording; "
    checkout.done("-c", f"{keep}recording.keep(Path('runs/x/y/z'), '{toy.STUDY}', 'full')")
    checkout.commit("Record discs")
    return checkout


class Project(Checkout):
    def git(self, *words: str) -> str:
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        self.git("add", "--all", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "--short=12", "HEAD")

    def done(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def record(self) -> dict:
        return json.loads((self.folder / RECORD).read_text())

    def change(self, file: str, before: str, after: str) -> None:
        text = (self.folder / file).read_text()
        assert before in text
        (self.folder / file).write_text(text.replace(before, after))

    def restamp(self, *words: str) -> tuple[int, str]:
        done = self.run("-m", "helpers.book.workflow", "restamp", *words)
        return done.returncode, done.stdout

    def back(self, commit: str) -> None:
        self.git("reset", "--quiet", "--hard", commit)


@pytest.fixture
def start(project):
    """The commit with the record; whatever a test commits after it is dropped again."""
    commit = project.git("rev-parse", "HEAD")
    yield commit
    project.back(commit)


def test_what_has_not_changed_is_current(project, start):
    assert project.restamp() == (0, f"{toy.STUDY}/full: current: nothing it computes with has changed\n")


def test_a_clean_up_is_proven_by_its_canary_and_both_commits_are_noted(project, start):
    """Code moves, a value and a column get other names, as the table says, and a number becomes a parameter."""
    made = project.record()["provenance"]["git"]["commit"]
    project.change(MODULE, "PI = 3.14159\n\n\n", "from helpers.metrics.constants import PI\n\n\n")
    (project.folder / MODULE).with_name("constants.py").write_text("PI = 3.14159\n")
    project.change(MODULE, "PI * radius**2", "radius**2 * PI")
    notebook = f"notebooks/{toy.STUDY}.ipynb"
    project.change(notebook, r"{\"mean\": {\"estimate\"", r"{\"mean of area\": {\"estimate\"")
    project.change(notebook, r"{\"area\": [area", r"{\"size\": [area")
    project.change(notebook, r"rows[\"area\"]", r"rows[\"size\"]")
    project.change(notebook, '"RUN_DIR: str', r'"TIMES: int = 1  # each area\n", "RUN_DIR: str')
    project.change(notebook, ".mean())", ".mean()) * TIMES")
    project.change(f"notebooks/params/{toy.STUDY}.tiny.yaml", "SEED: 11\n", "SEED: 11\nTIMES: 3\n")
    names = f"{toy.STUDY}:\n  mean: mean of area\n  cases.area: cases.size\n"
    (project.folder / "book" / "recorded" / "renamed.yaml").write_text(names)
    before, head = project.record(), project.commit("Tidy discs")
    code, text = project.restamp(toy.STUDY)
    assert (code, text.count("\n")) == (0, 1), text
    assert text.startswith(f"{toy.STUDY}/full: restamped: {made} and {head}, a small run of both gives the same values")
    after = project.record()
    assert after["values"] == {"mean of area": before["values"]["mean"]}
    known = after["provenance"]
    assert [(stamp["from"], stamp["to"]) for stamp in known["restamped"]] == [(made, head)]
    assert known["git"] == before["provenance"]["git"] and known["started"] == before["provenance"]["started"]
    assert "helpers.metrics.constants" in known["helpers"] and "helpers.metrics.constants" not in before["provenance"]
    project.commit("Restamp discs")
    assert project.restamp() == (0, f"{toy.STUDY}/full: current: nothing it computes with has changed\n")
    notice = f"from helpers import report; print(report.recorded('{toy.STUDY}', 'full').notice().to_string())"
    told = project.done("-c", notice)
    assert f"commit {head}: a small run of both gives the same values" in told and "nothing" in told


def test_a_number_that_changed_is_named_and_nothing_is_renewed(project, start):
    project.change(MODULE, "3.14159", "3.1416")
    project.commit("Measure better")
    before = (project.folder / RECORD).read_bytes()
    code, text = project.restamp()
    lines = text.splitlines()
    assert code == 2 and lines[0].startswith(f"{toy.STUDY}/full: differs: 2 values between")
    assert lines[1].strip().startswith("mean.estimate: was ") and ", by " in lines[1]
    assert "cases.area: 20 of 20 rows differ; row 0 was " in lines[2]
    assert lines[-1].startswith(f"restamp: 1 records are not restamped, {toy.STUDY}/full for one. Record again")
    assert (project.folder / RECORD).read_bytes() == before and project.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_a_changed_module_that_the_canary_does_not_load_is_named_and_can_be_reached(project, start):
    project.change(MODULE.replace("discs", "large_discs"), "3.14 * radius**2", "radius**2 * 3.14")
    project.commit("Tidy large discs")
    code, text = project.restamp()
    assert code == 2
    assert f"{toy.STUDY}/full: refused: {toy.STUDY}/full: no canary loads helpers.metrics.large_discs" in text
    more = project.folder / "notebooks" / "params" / f"{toy.STUDY}.canary-large.yaml"
    more.write_text(f"STUDY: {toy.STUDY}\nDATASET: large\n")
    project.commit("Reach large discs")
    code, text = project.restamp()
    assert code == 0 and f"{toy.STUDY}/full: restamped: " in text, text


def test_a_module_listed_as_unused_needs_no_canary_unless_the_recorded_run_loaded_it(project, start):
    """The recorded run is large; the second module is one that only other data would need."""
    names = project.folder / "book" / "recorded" / "renamed.yaml"
    project.change(MODULE, "    return PI *", RINGS)
    (project.folder / MODULE).with_name("rings.py").write_text(LARGE)
    names.write_text(f"{toy.STUDY}:\n  unused: [helpers.metrics.large_discs, helpers.metrics.rings]\n")
    project.commit("Measure rings")
    code, text = project.restamp()
    assert code == 0, text
    assert project.record()["provenance"]["restamped"][-1]["unused"] == ["helpers.metrics.rings"]
    project.git("checkout", "--quiet", RECORD)
    project.change(MODULE.replace("discs", "large_discs"), "3.14 * radius**2", "radius**2 * 3.14")
    project.commit("Tidy large discs")
    code, text = project.restamp()
    assert code == 2 and "no canary loads helpers.metrics.large_discs" in text, text


@pytest.mark.slow
def test_a_commit_that_does_not_run_today_is_recorded_anew(project, start, monkeypatch):
    made = project.record()["provenance"]["git"]["commit"]
    project.change(
        MODULE, '    if os.environ.get("NO_LONGER_THERE"):\n        raise RuntimeError("a library has gone")\n', ""
    )
    project.commit("Do without a library")
    monkeypatch.setitem(project.environment, "NO_LONGER_THERE", "1")
    code, text = project.restamp()
    assert code == 2
    assert f"commit {made}: the study does not run today (RuntimeError: a library has gone). Record it again" in text


def test_uncommitted_changes_are_refused(project, start):
    project.change(MODULE, "3.14159", "3.1416")
    code, text = project.restamp()
    assert (code, text.count("\n")) == (2, 1)
    assert f"restamp: 1 files have uncommitted changes, {MODULE} for one. Commit them first" in text


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"git": {"commit": "0123456789ab", "dirty": False}}, "commit 0123456789ab: not in the history"),
        ({"helpers": {"helpers.metrics.discs": "0" * 12}}, "made with changes that commit"),
        ({"source": "real", "data": "0" * 16}, "the real data are missing (there is no such folder)"),
    ],
)
def test_what_cannot_be_proven_is_refused_in_one_line(project, start, known, says):
    record = project.record()
    record["provenance"] |= known
    if "source" in known:
        record["provenance"]["parameters"] |= {"SOURCE": "real", "DATA_ROOT": "DATA_ROOT"}
    (project.folder / RECORD).write_text(json.dumps(record))
    if "helpers" not in known:
        project.change(MODULE, "PI * radius**2", "radius**2 * PI")
    project.commit("Change a record by hand")
    code, text = project.restamp("--data-root", "nowhere")
    assert code == 2 and text.count("\n") == 2, text
    assert text.startswith(f"{toy.STUDY}/full: refused: ") and says in text


def test_a_study_without_a_record_is_refused(project):
    code, text = project.restamp("99_nothing")
    assert code == 2 and text == f"99_nothing: there is no record. Studies with records: {toy.STUDY}\n"
