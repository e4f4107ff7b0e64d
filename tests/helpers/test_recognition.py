"""A folder that holds a paper's data is recognised, and other data in the same layout are not."""

import hashlib

import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets import recognition
from helpers.errors import InputError

ROWS = pd.DataFrame({"id": ["a", "b", "b_FU001d"], "age": ["40", "", "61"]})
CHECKSUM = hashlib.sha256(b"a\t40\nb\t\nb_FU001d\t61").hexdigest()[:16]
TABLE = recognition._Table((("table.csv",), ("below", "table.csv")), ("id", "age"), 3, CHECKSUM)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A function that writes a table, and returns its folder; the table `ROWS` is a published one."""
    monkeypatch.setitem(recognition._TABLES, "rows", TABLE)
    monkeypatch.setitem(recognition._TABLES, "patients", TABLE._replace(n=2, checksum="", exam=r"_FU\d+d$"))

    def write(table, name="table.csv"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        table.to_csv(file, index=False)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda t: t, True),
        (lambda t: t.sample(frac=1, random_state=1).assign(more=1), True),  # in any order, with further columns
        (lambda t: t.assign(age=["40", "", "62"]), False),
        (lambda t: t.head(2), False),
        (lambda t: pd.concat([t, t.tail(1).assign(id="c")]), False),
        (lambda t: t.drop(columns="age"), False),
    ],
)
def test_a_table_is_published_by_its_rows_and_columns(change, same, place):
    assert datasets.is_published(place(change(ROWS)), "rows") is same


def test_a_folder_a_table_and_a_folder_below_and_nothing(place, tmp_path):
    assert not datasets.is_published(tmp_path, "rows")
    folder = place(ROWS, "below/table.csv")
    assert datasets.is_published(folder, "rows") and datasets.is_published(folder / "below" / "table.csv", "rows")


def test_a_part_of_the_cases_is_other_data(place):
    assert datasets.is_published(place(ROWS), "rows", cases=3) and not datasets.is_published(
        place(ROWS), "rows", cases=2
    )


def test_patients_are_counted_once(place):
    assert datasets.is_published(place(ROWS), "patients") and not datasets.is_published(place(ROWS.head(1)), "patients")


def test_an_unknown_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"data: must be mama-mia, .* Did you mean mama-mia"):
        datasets.is_published(tmp_path, "mamamia")


def test_the_real_rows_are_published(real_rows, tmp_path):
    assert datasets.is_published(real_rows, "mama-mia", cases=1506)


def test_the_real_labels_are_published_and_one_other_cell_is_not(real_labels, tmp_path):
    assert datasets.is_published(real_labels, "fitzpatrick17k")
    table = pd.read_csv(real_labels / "fitzpatrick17k.csv", dtype=str)
    table.loc[7, "fitzpatrick_scale"] = "1" if table.loc[7, "fitzpatrick_scale"] != "1" else "2"
    table.to_csv(tmp_path / "fitzpatrick17k.csv", index=False)
    assert not datasets.is_published(tmp_path, "fitzpatrick17k")


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (lambda: datasets.simulate_dermatology(60, seed=0, size=16), "fitzpatrick17k"),
        (lambda: datasets.simulate_chest_xrays(20, seed=0, size=32), "chexpert"),
    ],
)
def test_simulated_data_in_the_layout_are_other_data(make, data):
    assert not datasets.is_published(make(), data)
