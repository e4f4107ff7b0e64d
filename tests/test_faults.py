"""The faults under tests/faults can still be planted, and what tries them tells a catch from anything else."""

import pytest

from tests.conftest import ROOT
from tests.faults import run
from tests.mutants import sample

FAULTS = run.faults()
PACKAGE = ROOT / "src" / "helpers"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_applies_and_names_tests_that_are_there(name):
    fault = FAULTS[name]
    assert not run.apply(fault, ROOT, "--check")
    assert all(file.startswith("tests/") and (ROOT / file).is_file() for file in fault.tests)


def test_there_are_faults_in_every_room():
    assert len(FAULTS) >= 30
    rooms = {folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").is_file()} | {"notebooks"}
    assert rooms <= {name.partition("-")[0] for name in FAULTS}


MODULE = "def mean(values):\n    return sum(values) / len(values)\n"
TEST = "from sums import mean\n\n\ndef test_mean():\n    assert mean([1, 2]) == 1.5\n"


@pytest.fixture
def toy(tmp_path):
    """A project of one function and its test."""
    folder = tmp_path / "toy"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "sums.py").write_text(MODULE)
    (folder / "test_sums.py").write_text(TEST)
    return folder


@pytest.mark.parametrize(
    ("before", "after", "good", "says"),
    [
        ("return sum(values) / len(values)", "return sum(values) / 2 / len(values)", True, "caught by test_sums.py::"),
        ("return sum(values) / len(values)", "return 1 / len(values) * sum(values)", False, "NOT CAUGHT. It is wrong."),
        ("return sum(values) / len(values)", "return total(values) / len(values)", False, "THE TESTS CANNOT RUN"),
        ("return sum(values) / len(values)", "return sum(values / len(values)", False, "THE TESTS CANNOT RUN"),
        ("return sum(values)", "return 0", False, "DOES NOT APPLY"),
    ],
)
def test_only_a_failed_test_is_a_catch(toy, before, after, good, says):
    patch = toy.parent / "toy-fault.patch"
    diff = f"--- a/src/sums.py\n+++ b/src/sums.py\n@@ -1,2 +1,2 @@\n def mean(values):\n-    {before}\n+    {after}\n"
    patch.write_text(f"# Fault: It is wrong.\n# Caught by: test_sums.py\n{diff}")
    fault = run.read(patch)
    assert fault.changed == ("src/sums.py",)
    outcome = run.caught(fault, toy)
    assert outcome.good is good and says in outcome.line
    assert (toy / "src" / "sums.py").read_text() == MODULE


def test_a_test_file_that_fails_by_itself_is_told(toy):
    assert run.passes("test_sums.py", toy).good
    (toy / "src" / "sums.py").write_text(MODULE.replace("sum", "max"))
    assert not run.passes("test_sums.py", toy).good


def test_a_patch_without_its_header_and_an_unknown_name_are_refused(tmp_path, capsys):
    patch = tmp_path / "audit-sign.patch"
    patch.write_text("--- a/src/sums.py\n+++ b/src/sums.py\n")
    with pytest.raises(ValueError, match=r"audit-sign\.patch does not begin"):
        run.read(patch)
    assert run.main(["no-such-fault"]) == 2
    assert "no-such-fault: there is no such fault" in capsys.readouterr().err


def test_the_tests_that_see_mutants_are_there():
    folder = ROOT / "tests" / "helpers"
    for name in [*sample.TESTS, *sample.SLOW]:
        file, _, test = name.partition("::")
        assert (folder / file).is_file() and f"def {test}" in (folder / file).read_text(encoding="utf-8"), name
