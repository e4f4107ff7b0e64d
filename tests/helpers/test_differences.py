"""Two runs are compared to the last digit, under the names that were declared."""

import json

import pandas as pd
import pytest
import yaml

from helpers import paths
from helpers.book.comparing import differences
from helpers.book.renames import names_of, renamed, with_names

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


@pytest.mark.parametrize(("before", "after", "equal"), [(200, 200.0, True), (1, True, False), (1.0, "1.0", False)])
def test_a_number_is_the_same_whether_stored_as_a_count_or_not(before, after, equal, runs):
    first, second = runs("a", values={"n": before}), runs("b", values={"n": after})
    assert (differences(first, second) == []) is equal


def test_claims_are_judged_again_and_not_compared(runs):
    other = {**CLAIM, "verdict": "differs", "ours": 0.2}
    assert differences(runs("a"), runs("b", claims=[other])) == []


def test_declared_names_are_followed(runs):
    names = {"gap": "gap in Dice", "cases.dice": "cases.dsc"}
    values = {"gap in Dice" if k == "gap" else k: v for k, v in VALUES.items()}
    other = {"values": values}
    other["cases"] = pd.DataFrame({"dsc": [0.5, None, 0.25]})
    assert differences(runs("a"), runs("b", **other), names) == []
    assert len(differences(runs("a"), runs("b", **other))) == 10


@pytest.mark.parametrize(
    ("path", "name"), [("gap", "b"), ("gap.n", "b.n"), ("gap.n.low", "c.low"), ("gaps.n", "gaps.n"), ("x.gap", "x.gap")]
)
def test_the_longest_beginning_counts(path, name):
    names = {"gap": "b"} | ({"gap.n": "c"} if path == "gap.n.low" else {})
    assert renamed(path, names) == name


PATTERNS = {"*.interval.0": "*.low", "*.interval.1": "*.high", "gap": "gap.estimate", "a.*.b.*": "c.*.d.*"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("x.y.interval.0", "x.y.low"),
        ("x.0.5.interval.1", "x.0.5.high"),  # a key may hold a dot
        ("interval.0", "interval.0"),
        ("x.interval.01", "x.interval.01"),  # the whole path
        ("a.1.b.2", "c.1.d.2"),
        ("gap", "gap.estimate"),
        ("gap.low", "gap.low"),  # the number has become an estimate, and what stands in it keeps its name
    ],
)
def test_a_pattern_names_many_values(path, name):
    assert renamed(path, PATTERNS) == name
    assert renamed(name, PATTERNS) == name


def test_a_name_in_full_goes_before_a_pattern():
    assert renamed("x.interval.0", {"*.interval.0": "*.low", "x": "y"}) == "y.interval.0"


def test_patterns_are_followed(runs):
    gap = {"estimate": 0.1, "low": 0.05, "high": 0.15, "n": 12}
    assert differences(runs("a"), runs("b", values={**VALUES, "gap": gap}), PATTERNS) == []


def test_two_old_values_of_one_name_must_be_equal(runs):
    old = {"gap": {"low": 0.05, "interval": [0.05, 0.15], "high": 0.2}}
    new = {"gap": {"low": 0.05, "high": 0.2}}
    names = {k: v for k, v in PATTERNS.items() if k != "gap"}
    found = differences(runs("a", values=old), runs("b", values=new), names)
    assert found[0] == "gap.high: was 0.15, and 0.2 as gap.high"
    old["gap"]["high"] = new["gap"]["high"] = 0.15
    assert differences(runs("a", values=old), runs("b", values=new), names) == []


def test_what_is_declared_as_added_may_be_new_and_not_other(runs):
    values = {**VALUES, "a": {"n": 3}, "none": 4}
    other, first = runs("b", values=values), runs("a")
    found = differences(first, other, {"added": ["*.n"]})
    assert found == ["none: was None, is 4"]
    assert differences(first, other, {"added": ["*.n", "none"]}) == []
    values["gap"] = {**VALUES["gap"], "n": 13}
    (line,) = differences(first, runs("b", values=values), {"added": ["*.n", "none"]})
    assert line.startswith("gap.n: was 12, is 13")


def test_a_column_may_go_or_come_where_that_is_declared(runs):
    rows = pd.DataFrame({"case": ["a", "b"], "dice": [0.5, None]})
    first = runs("a", cases=rows)
    fewer, more = runs("b", cases=rows.drop(columns="dice")), runs("c", cases=rows.assign(new=1))
    assert differences(first, fewer, {"gone": ["cases.dice"]}) == []
    assert differences(first, more, {"added": ["cases.new"]}) == []
    assert differences(first, fewer, {"gone": ["cases.new"]}) == ["cases.dice: is gone"]
    assert differences(first, more, {"gone": ["cases.new"]}) == ["cases.new: was not there"]


def test_what_is_declared_as_gone_may_be_missing_and_not_changed(runs):
    first, names = runs("a"), {"gone": ["gap.*"]}
    assert differences(first, runs("b", values={k: v for k, v in VALUES.items() if k != "gap"}), names) == []
    changed = {**VALUES, "gap": {**VALUES["gap"], "n": 61}}
    assert len(differences(first, runs("b", values=changed), names)) == 1


def test_names_of_all_studies_and_of_one_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    assert names_of("09_discs") == {"added": [], "gone": [], "unused": []}
    table = {
        "*": {"*.interval.0": "*.low", "added": ["*.n"]},
        "09_discs": {"gap": "b", "added": ["c"]},
        "10": {"d": "e"},
    }
    (tmp_path / "book" / "recorded").mkdir(parents=True)
    (tmp_path / "book" / "recorded" / "renamed.yaml").write_text(yaml.safe_dump(table))
    lists = {"added": ["*.n", "c"], "gone": [], "unused": []}
    assert names_of("09_discs") == {"*.interval.0": "*.low", "gap": "b", **lists}


def test_a_record_gets_the_names_and_keeps_the_numbers():
    old = {
        "gap": 0.5,
        "gap_ends": [0.25, 0.75],
        "by": {"0.8": {"share": 1.0, "interval": [0.5, 1.0]}, "pair": [1, 2], "none": {}},
        "old": {"a.b": 3, "c": {"d": 4}},
    }
    names = {"gap": "gap.estimate", "gap_ends.0": "gap.low", "gap_ends.1": "gap.high", "old": "new.place"}
    names |= {"*.share": "*.estimate", "*.interval.0": "*.low", "*.interval.1": "*.high", "claims.x": "claims.y"}
    found = with_names({"values": old, "claims": [{"id": "x", "ours": 1}], "figures": ["f"]}, names)
    assert found == {
        "values": {
            "gap": {"estimate": 0.5, "low": 0.25, "high": 0.75},
            "by": {"0.8": {"estimate": 1.0, "low": 0.5, "high": 1.0}, "pair": [1, 2], "none": {}},
            "new": {"place": {"a.b": 3, "c": {"d": 4}}},
        },
        "claims": [{"id": "y", "ours": 1}],
        "figures": ["f"],
    }
    assert with_names(found, names) == found
