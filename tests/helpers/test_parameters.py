"""Text of a parameter is read in one way by make, by sweeps and by papermill."""

import re

import nbformat
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


START = 'report.start("99_x", globals(), limits={"WAY": ["a", "b"]})'


@pytest.mark.parametrize(
    ("declared", "start", "words"),
    [
        ("N = 3", START, "parameters cell: 'N = 3' has no type"),
        ("N: list = []", START, "parameters cell: 'N: list = []' has no type"),
        ("N: int = 2 * M", START, "parameters cell: '2 * M' is no plain value"),
        ("N: int", START, "parameters cell: 'nothing' is no plain value"),
        ("N: int = 3\n%matplotlib inline", START, "parameters cell: '%matplotlib inline' is no Python"),
        (
            "N: int = 3",
            START.replace('["a", "b"]', "WAYS"),
            "report.start: '{'WAY': WAYS}' is no plain value",
        ),
        ("N: int = 3", f"!pip list\n{START}", "99_x.ipynb, limits of report.start: '!pip list' is no Python"),
    ],
)
def test_a_notebook_that_cannot_be_read_without_running_it_is_refused(declared, start, words, tmp_path):
    cells = [nbformat.v4.new_code_cell(declared, metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell(start)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "99_x.ipynb")
    with pytest.raises(InputError, match=re.escape(words)):
        parameters.read(tmp_path / "99_x.ipynb")


def test_other_cells_may_have_magics(tmp_path):
    sources = ["%matplotlib inline", 'WAY: str = "a"', START]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "99_x.ipynb")
    assert parameters.read(tmp_path / "99_x.ipynb").limits == {"WAY": ["a", "b"]}
