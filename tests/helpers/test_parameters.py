"""Text of a parameter is read in one way by make, by sweeps and by papermill."""

import pytest
from papermill.cli import _resolve_type

from helpers.errors import InputError
from helpers.report import parameters

NUMBERS = [
    ("0300", int, 300),
    ("010", int, 10),
    ("-7", int, -7),
    ("1e-5", float, 1e-5),
    ("010", float, 10.0),
    (".5", float, 0.5),
    ("3", float, 3.0),
]


@pytest.mark.parametrize(("text", "kind", "value"), NUMBERS)
def test_a_number_is_the_same_for_make_a_sweep_and_papermill(text, kind, value, tmp_path):
    (tmp_path / "a.yaml").write_text(f"GRID: [{text}]\nALONE: {text}\n")
    listed = parameters.read_yaml(tmp_path / "a.yaml")
    assert parameters.parse(text, kind) == value and type(parameters.parse(text, kind)) is kind
    assert listed == {"GRID": [value], "ALONE": value}
    assert _resolve_type(text) == value


@pytest.mark.parametrize(("text", "kind"), [("12:30", int), ("0x10", int), ("0o17", int), ("3.0", int), ("x", float)])
def test_what_is_no_number_of_the_type_is_refused(text, kind, tmp_path):
    with pytest.raises(InputError, match=f"is of type str, expected {kind.__name__}"):
        parameters.check({"N": parameters.parse(text, kind)}, {"N": kind}, {}, where="study")
    if text != "3.0":
        (tmp_path / "a.yaml").write_text(f"N: {text}\n")
        assert parameters.read_yaml(tmp_path / "a.yaml") == {"N": text}


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "Infinity"])
def test_a_number_that_is_not_finite_is_refused_without_a_limit_too(text):
    with pytest.raises(InputError, match=r"LR: -?(nan|inf) is no finite number"):
        parameters.check({"LR": parameters.parse(text, float)}, {"LR": float}, {}, where="study")


def test_texts_stay_as_they_are_written(tmp_path):
    (tmp_path / "a.yaml").write_text('DAY: 2026-01-01\nCODE: "01"\nEMPTY:\nTRUE_ONE: true\nNOTE: yes, no\n')
    found = parameters.read_yaml(tmp_path / "a.yaml")
    assert found == {"DAY": "2026-01-01", "CODE": "01", "EMPTY": None, "TRUE_ONE": True, "NOTE": "yes, no"}
    assert [parameters.parse(text, str) for text in ("01", "nan", "yes")] == ["01", "nan", "yes"]
    assert [parameters.parse(text, bool) for text in ("True", "no", "1")] == [True, False, "1"]
