"""Docstrings and errors are plain: functions start with a verb, some words are left out, the spelling is British."""

import ast
import re

import pytest

from tests import words
from tests.conftest import ROOT

FILES = sorted((ROOT / "src" / "helpers").rglob("*.py"))
NO_START = {"What", "Which", "How", "Whether", "Where"}
# Verbs that docstrings start with; add one that is missing.
VERBS = """
Add Adjust Apply Arrange Assign Audit Average Build Calibrate Check Choose Classify Close Cluster Collect Colour
Combine Compare Complete Compute Concatenate Convert Copy Correct Correlate Count Create Crop Decode Decompose
Describe Detect Diagnose Direct Divide Draw Embed Encode Estimate Evaluate Execute Explore Export Extract Find Fit
Flag Flatten Format Give Group Hash Identify Import Infer Insert Interpolate Invert Join Judge Keep Leave List Load
Locate Lock Make Map Mark Match Measure Merge Mix Move Multiply Name Normalise Number Open Optimise Order Pair Parse
Pick Plant Plot Predict Prepare Print Quantify Raise Randomise Rank Read Recode Reconstruct Record Redraw Refuse
Remove Rename Render Repeat Replace Report Resample Resize Restamp Restore Return Round Run Sample Save Scale Score
Seed Select Set Share Shorten Show Simulate Solve Sort Split Standardise Start Stop Subtract Sum Summarise Suppress
Switch Tabulate Take Test Threshold Train Transform Truncate Turn Update Use Validate Verify Weigh Word Wrap Write
Yield
""".split()  # noqa: SIM905


def documented(path):
    """Yield each documented part of a file: node, name, docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node, getattr(node, "name", path.stem), text


def prose(text: str) -> str:
    """A docstring without code, quotations and lines that name parameters."""
    text = re.sub(r"``[^`]*``|`[^`]*`|\"[^\"]*\"", "", text)
    return re.sub(r"^\w+(, \w+)*( :.*)?$", "", text, flags=re.M)


def start(node, text: str) -> list[str]:
    """List the first word of a docstring, if it is none that a docstring starts with."""
    first = re.split(r"\W", text, maxsplit=1)[0]
    wrong = first in NO_START or (isinstance(node, ast.FunctionDef) and first not in VERBS)
    return [f"starts with {first}"] if wrong else []


def messages(tree):
    """Yield line and text of each part of an error: strings given to `InputError`, and of names given to it."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith("InputError")]
    given = [arg for call in calls for arg in call.args]
    names = {n.id for arg in given for n in ast.walk(arg) if isinstance(n, ast.Name)}
    for node in ast.walk(tree):
        targets = [n.id for n in getattr(node, "targets", []) if isinstance(n, ast.Name)]
        if isinstance(node, ast.Assign) and names.intersection(targets):
            given.append(node.value)
    for node in (n for arg in given for n in ast.walk(arg)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT / "src" / "helpers")))
def test_docstrings_are_plain(path):
    faults = []
    for node, name, text in documented(path):
        faults += [f"{name}: {fault}" for fault in [*start(node, text), *words.faults(prose(text))]]
    assert faults == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT / "src" / "helpers")))
def test_errors_are_plain(path):
    found = messages(ast.parse(path.read_text()))
    assert [f"line {line}: {fault}" for line, text in found for fault in words.faults(prose(text))] == []


@pytest.mark.parametrize("stub", sorted((ROOT / "src" / "helpers").rglob("*.pyi")), ids=lambda p: p.parent.name)
def test_a_stub_has_the_docstring_of_its_package(stub):
    own, package = (ast.get_docstring(ast.parse(p.read_text())) for p in (stub, stub.with_suffix(".py")))
    assert own == package


@pytest.mark.parametrize(
    ("text", "fault"),
    [("It stands there.", "stands"), ("Its own.", "own"), ("Normalized.", "Normalized"), ("The color.", "color")],
)
def test_a_fault_would_be_found(text, fault):
    assert words.faults(prose(text)) == [fault]
    assert words.faults(prose("Compute equalized odds with ``color``.")) == []


@pytest.mark.parametrize("text", ["What a mean is.", "Mean of a group.", "Averages of a group."])
def test_a_docstring_without_a_verb_would_be_found(text):
    function = ast.parse("def f(): ...").body[0]
    assert start(function, text) == [f"starts with {text.split()[0]}"]
    assert start(function, "Compute the mean.") == []
    assert start(ast.parse(""), "The mean of a group.") == [] != start(ast.parse(""), "What a mean is.")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise InputError("age", f"{x} stands twice", "Mend it")', ["stands"]),
        ('raise errors.InputError("age", "missing", "Give what it says")', ["says"]),
        ('fix = "Give its own" if y else "Leave it out"\nraise InputError("age", "missing", fix)', ["own"]),
        ('note = "its own"\nraise InputError("age", "missing", "Give it")', []),
    ],
)
def test_a_fault_of_an_error_would_be_found(code, found):
    assert [fault for _, text in messages(ast.parse(code)) for fault in words.faults(prose(text))] == found
