"""Docstrings are plain: functions start with a verb, some words are left out, and the spelling is British."""

import ast
import re

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "src" / "helpers").rglob("*.py"))
AVOIDED = re.compile(r"\b(beside|stands?|standing|stood|told|said|says|lies)\b", re.I)
NO_START = {"What", "Which", "How", "Whether", "Where"}
# American spellings of words that occur; terms of fairness ("equalized odds") keep the spelling of the field.
AMERICAN = re.compile(
    r"\b(center(ed|s)?|colors?|gray|behavior|neighbor\w*|favor\w*|modeling|labeled|labeling|catalog|"
    r"(normali|summari|initiali|standardi|randomi|organi|recogni|minimi|maximi|generali|penali|visuali|optimi)z(e|es|ed|ing))\b",
    re.I,
)
# Verbs that docstrings start with; add one that is missing.
VERBS = """
Add Adjust Apply Arrange Assign Audit Average Build Calibrate Check Choose Classify Close Cluster Collect Colour
Combine Compare Complete Compute Concatenate Convert Copy Correct Correlate Count Create Crop Decode Decompose
Describe Detect Diagnose Divide Draw Embed Encode Estimate Evaluate Execute Explore Export Extract Find Fit Flag
Flatten Format Give Group Hash Identify Import Infer Insert Interpolate Invert Join Judge Keep Leave List Load Locate
Lock Make Map Mark Match Measure Merge Move Multiply Name Normalise Number Open Optimise Pair Parse Pick Plant Plot
Predict Prepare Print Quantify Raise Randomise Rank Read Recode Reconstruct Record Redraw Refuse Remove Rename Render
Repeat Replace Report Resample Resize Restamp Restore Return Round Run Sample Save Scale Score Seed Select Set Share
Shorten Show Simulate Solve Split Standardise Start Stop Subtract Sum Summarise Suppress Switch Tabulate Take Test
Threshold Train Transform Truncate Turn Update Use Validate Verify Weigh Word Wrap Write Yield
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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT / "src" / "helpers")))
def test_docstrings_are_plain(path):
    faults = []
    for node, name, text in documented(path):
        first = re.split(r"\W", text, maxsplit=1)[0]
        if first in NO_START or (isinstance(node, ast.FunctionDef) and first not in VERBS):
            faults.append(f"{name}: starts with {first}")
        for pattern in (AVOIDED, AMERICAN):
            faults += [f"{name}: {match[0]}" for match in pattern.finditer(prose(text))]
    assert faults == []


@pytest.mark.parametrize("stub", sorted((ROOT / "src" / "helpers").rglob("*.pyi")), ids=lambda p: p.parent.name)
def test_a_stub_has_the_docstring_of_its_package(stub):
    own, package = (ast.get_docstring(ast.parse(p.read_text())) for p in (stub, stub.with_suffix(".py")))
    assert own == package


@pytest.mark.parametrize(
    ("text", "fault"), [("It stands there.", "stands"), ("Normalized.", "Normalized"), ("The color.", "color")]
)
def test_a_fault_would_be_found(text, fault):
    assert [m[0] for pattern in (AVOIDED, AMERICAN) for m in pattern.finditer(prose(text))] == [fault]
    assert not AMERICAN.search(prose("Compute equalized odds with ``color``."))
