"""Two runs are compared to the last digit, under the names that were declared."""

import json

import pandas as pd
import pytest

from helpers.book.comparing import differences, renamed

VALUES = {"gap": {"estimate": 0.1, "interval": [0.05, 0.15], "n": 12}, "none": None, "label": "a"}
CLAIM = {"id": "gap", "verdict": "reproduced", "ours": 0.1}


@pytest.fixture
def runs(tmp_path):
    """Two equal runs, and a function that writes one of them with something else."""

    def write(name, values=VALUES, claims=(CLAIM,), dropped=(), cases=None):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        found = {"values": values, "claims": list(claims), "dropped": list(dropped), "provenance": {"wall": name}}
        (place / "results.json").write_text(json.dumps(found))
        (pd.DataFrame({"dice": [0.5, None, 0.25]}) if cases is None else cases).to_parquet(place / "cases.parquet")
        return place

    return write


def test_equal_runs_differ_in_nothing(runs):
    assert differences(runs("a"), runs("b")) == []


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"values": {**VALUES, "label": "b"}}, "label: was 'a', is 'b'"),
        ({"values": {**VALUES, "none": 0.0}}, "none: was None, is 0.0"),
        ({"values": {k: v for k, v in VALUES.items() if k != "none"}}, "none: was None, is gone"),
        ({"values": {**VALUES, "new": 1}}, "new: was not there, is 1"),
        ({"claims": [{**CLAIM, "verdict": "differs"}]}, "claims.gap.verdict: was 'reproduced', is 'differs'"),
        ({"dropped": [{"n": 3}]}, "dropped.0.n: was not there, is 3"),
        ({"cases": pd.DataFrame({"dice": [0.5, None]})}, "cases: were 3 rows, are 2"),
        (
            {"cases": pd.DataFrame({"dice": [0.5, 0.75, 0.25]})},
            "cases.dice: 1 of 3 rows differ; row 1 was nan, is 0.75",
        ),
        ({"cases": pd.DataFrame({"dsc": [0.5, None, 0.25]})}, "cases.dice: is gone"),
    ],
)
def test_a_difference_is_named(other, line, runs):
    assert differences(runs("a"), runs("b", **other))[0] == line


def test_how_long_it_took_is_no_result(runs):
    first, second = ({"values": {**VALUES, "fit": {"seconds": s}}} for s in (1.0, 2.0))
    for found, seconds in ((first, 3.0), (second, 4.0)):
        found["cases"] = pd.DataFrame({"dice": [0.5], "seconds": [seconds]})
    assert differences(runs("a", **first), runs("b", **second)) == []


def test_the_last_digit_counts(runs):
    less = {**VALUES, "gap": {**VALUES["gap"], "estimate": 0.1 + 2**-56}}
    (line,) = differences(runs("a"), runs("b", values=less))
    assert line.startswith("gap.estimate: was 0.1, is 0.10000000000000002, by 1.39e-17")


def test_two_claims_of_one_name_are_both_compared(runs):
    second = {**CLAIM, "ours": 0.2}
    (line,) = differences(runs("a", claims=[CLAIM, CLAIM]), runs("b", claims=[CLAIM, second]))
    assert line == "claims.gap#2.ours: was 0.1, is 0.2, by 0.1"


def test_declared_names_are_followed(runs):
    names = {"gap": "gap in Dice", "cases.dice": "cases.dsc", "claims.gap": "claims.difference"}
    values = {"gap in Dice" if k == "gap" else k: v for k, v in VALUES.items()}
    other = {"values": values, "claims": [{**CLAIM, "id": "difference"}]}
    other["cases"] = pd.DataFrame({"dsc": [0.5, None, 0.25]})
    assert differences(runs("a"), runs("b", **other), names) == []
    assert len(differences(runs("a"), runs("b", **other))) == 14


@pytest.mark.parametrize(
    ("path", "name"), [("gap", "b"), ("gap.n", "b.n"), ("gap.n.low", "c.low"), ("gaps.n", "gaps.n"), ("x.gap", "x.gap")]
)
def test_the_longest_beginning_counts(path, name):
    names = {"gap": "b"} | ({"gap.n": "c"} if path == "gap.n.low" else {})
    assert renamed(path, names) == name
