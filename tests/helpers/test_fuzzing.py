"""Random tables: every one is read, or refused in one line.

`FUZZ=100000 python -m pytest tests/helpers/test_fuzzing.py` tries that many of each kind.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import datasets
from helpers.datasets.own.loader import load_own_scores
from helpers.errors import InputError

SOME = settings(
    max_examples=int(os.environ.get("FUZZ", "40")),
    deadline=None,
    derandomize="FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
NUMBERS = [
    "0.83",
    "1",
    "0",
    "-1",
    "1e-3",
    "1e400",
    "-inf",
    "NaN",
    "0,83",
    "1,200",
    "1.234,5",
    "12 942",
    "1'200",
    "0x10",
]
NUMBERS += ["١٢", "1_000", "+.5", "5.", "999", "9999", "-9", "1/2", "12:30", "3.0", "003", "1e5", "True", "−1", "50%"]
WORDS = [
    "F",
    "M",
    "f",
    "F ",
    "",
    " ",
    "unknown",
    "n/a",
    "-",
    "None",
    "Ä",
    "A\u0308",
    "\u200b",
    "ER+",
    "ER-",
    ">60",
    "<60",
]
WORDS += [
    "40-60",
    "up to 40",
    "I",
    "IV",
    "=B2",
    "a, b",
    'say "no"',
    "a;b",
    "a\tb",
    "a\nb",
    "yes",
    "no",
    "0",
    "1",
    "Mean",
]
NAMES = [
    "dice",
    "sex",
    "age",
    "id",
    "p",
    "truth",
    "part",
    "sex, at birth",
    "a:b",
    "",
    " ",
    "Dice",
    "dice ",
    "Unnamed: 0",
]
CELL = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.text(max_size=6), st.floats().map(str))


def usual(n: int) -> dict[str, list[str]]:
    """Make the columns of a table that is read without a remark."""
    return {
        "dice": [f"{0.5 + 0.01 * k:.2f}" for k in range(n)],
        "sex": ["F", "M"] * (n // 2),
        "age": [str(30 + k % 40) for k in range(n)],
        "id": [f"c{k}" for k in range(n)],
        "p": [f"{(k % 10) / 10:g}" for k in range(n)],
        "truth": ["0", "1", "1"] * (n // 3),
        "part": ["validation", "test"] * (n // 2),
    }


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a table: the usual one with other cells, values or columns, or any."""
    n = draw(st.integers(0, 48)) if draw(st.integers(0, 5)) == 4 else 48
    columns = (
        {name: np.array(values[:n], object) for name, values in usual(48).items()} if draw(st.integers(0, 9)) else {}
    )
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=0 if columns else 1, max_size=3)):
        pool = draw(st.lists(CELL, min_size=1, max_size=4))
        columns[name] = np.array(pool, dtype=object)[np.arange(n) % len(pool)]
    for name in columns:
        for place, value in draw(st.lists(st.tuples(st.integers(0, 47), CELL), max_size=2)):
            columns[name][place:][:1] = value
    found = pd.DataFrame(columns, dtype=object)
    return found.rename(columns={name: "dice" for name in found if draw(st.integers(0, 500)) == 77})


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a table as the bytes of a file, with the file's ending; now and then the bytes are damaged."""
    table = draw(tables())
    kind = draw(st.sampled_from(["csv", "csv", "csv", "tsv", "xlsx", "parquet"]))
    stream = io.BytesIO()
    try:
        if kind == "xlsx":
            table.to_excel(stream, index=False)
        elif kind == "parquet":
            table.astype(str).to_parquet(stream)
        else:
            above = draw(st.sampled_from(["", "", "sep=;\n", "Results\n\n", "a,b\n", "\n"]))
            sep = draw(st.sampled_from([",", ";", "\t"]))
            coded = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
            stream.write((above + table.to_csv(index=False, sep=sep)).encode(coded, errors="replace"))
    except Exception:  # what the writer refuses, such as two columns of one name, is no file
        return "csv", draw(st.binary(max_size=60))
    data = stream.getvalue()
    if draw(st.integers(0, 9)) == 0 and data:
        place = int(draw(st.floats(0, 1)) * (len(data) - 1))  # a share, because a workbook's length varies
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 2)) :]
    return kind, data


NAME = st.sampled_from([*["dice", "sex", "age", "id", "p", "truth", "part"] * 8, *NAMES])
GROUPS = st.one_of(*[st.just("sex")] * 6, st.just("sex, age"), st.lists(NAME, min_size=1).map(", ".join))
OPTIONS = {
    "score": NAME,
    "second": st.sampled_from(["p"] * 20 + NAMES),
    "source": NAME,
    "case": st.sampled_from(["id"] * 40 + NAMES),
    "patient": st.sampled_from(["id"] * 40 + NAMES),
    "bins": st.sampled_from(["age: 40", "age: 40, 60; p: 0.5", "age", "age: x", "age: nan", "a:b: 3"]),
    "names": st.sampled_from(["sex: F=female, M=male", "sex: unknown=unknown", "sex", "sex: =", "a:b: 1=one"]),
    "span": st.sampled_from(["0, 1", "", "1, 0", "x"]),
}
CLASSES = {
    "predicted": NAME,
    "positive": st.sampled_from(["yes", "1"]),
    "split": st.sampled_from(["part", "sex"]),
    "choose_on": st.sampled_from(["validation", "F"]),
    "second_is": st.sampled_from(["ruler", "model"]),
}


@st.composite
def asked(draw: st.DrawFn, options: dict, share: int = 8) -> dict:
    """Draw each option once in `share` times."""
    return {name: draw(of) for name, of in options.items() if draw(st.integers(0, share - 1)) == 3}


@st.composite
def questions(draw: st.DrawFn) -> dict:
    """Draw what an audit is asked."""
    found = {"groups": draw(GROUPS)} | draw(asked(OPTIONS))
    if "age" in found["groups"]:
        found.setdefault("bins", "age: 40")
    if draw(st.integers(0, 2)) == 0:
        found["classifier"] = {"truth": "truth", "probability": "p"} | draw(asked(CLASSES))
        if draw(st.integers(0, 2)):
            found.pop("score", "")
        if "split" in found["classifier"]:
            found["classifier"].setdefault("choose_on", "validation")
    return found


def read_or_refused(read: object, *args: object, **options: object) -> object:
    """Return what a reader returns, or None if it refuses the file in one line."""
    try:
        return read(*args, **options)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 1200, str(error)
        return None


@SOME
@given(file=files(), question=questions())
def test_a_table_of_scores_is_read_or_refused_in_one_line(file, question, tmp_path):
    path = tmp_path / f"my.{file[0]}"
    path.write_bytes(file[1])
    own = read_or_refused(load_own_scores, path, **question)
    if own is not None:
        assert np.isfinite(own.cases[own.score]).all() and len(own.cases)
        for name in own.groups:
            sizes = own.cases[name].value_counts()
            assert (sizes >= 10).sum() >= 2 and not own.cases[name].cat.categories.duplicated().any()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for k in range(48):
        Image.fromarray(np.full((8, 8), k, np.uint8)).save(folder / f"{k}.png")
    return folder


COLUMNS = dict.fromkeys(("PATIENT", "SITE", "SPLIT", "SLICE", "MASK", "GROUPS"), NAME)
COLUMNS |= {
    "COMPARE": st.sampled_from(["sex: F | M", "age: <=60 | >60", "sex: unknown | F", "age: 40-60 | 1", "sex: |"]),
    "TARGETS": st.sampled_from(["sex=F", "age>60", "truth", "dice, sex", "sex=unknown", "p>x", "p=0"]),
}


@SOME
@given(table=tables(), question=asked(COLUMNS))
def test_a_table_of_images_is_read_or_refused_in_one_line(table, question, pictures):
    table = table.loc[:, ~table.columns.duplicated()].assign(image=[f"{k}.png" for k in range(len(table))])
    table.to_csv(pictures / "my.csv", index=False)
    found = read_or_refused(datasets.load_image_table, pictures / "my.csv", question)
    if found is not None:
        assert len(found.images) == len(found.groups) == len(found.labels) > 0
        assert (found.labels.isin((0, 1)) | found.labels.isna()).all(axis=None)
        assert all(found.groups[name].nunique() > 1 for name in found.groups)


@SOME
@given(file=files())
def test_a_table_of_published_scores_is_read_or_refused_in_one_line(file, tmp_path):
    path = tmp_path / f"my.{file[0]}"
    path.write_bytes(file[1])
    found = read_or_refused(datasets.read_scores, path)
    assert found is None or found[0]["dice"].between(0, 1).all()
