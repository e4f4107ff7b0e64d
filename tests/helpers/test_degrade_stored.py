"""Rows kept on disk: made once, found again, and made again where a file is not what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.degrade import stored
from helpers.errors import InputError
from helpers.keep import fingerprint

N, CHUNK = 10, 4
KEY = {"seed": 3, "names": ["a", "b"], "photons": 1e4, "part": None}
ALL = np.arange(N * 6, dtype=np.float32).reshape(N, 1, 2, 3)


class Maker:
    """Gives rows of `ALL`, and remembers which; stops before a row if told so."""

    def __init__(self, stop: int = N) -> None:
        self.asked, self.stop = [], stop

    def __call__(self, rows: slice) -> np.ndarray:
        if rows.stop > self.stop:
            raise KeyboardInterrupt
        self.asked.append((rows.start, rows.stop))
        return ALL[rows]


@pytest.fixture(autouse=True)
def code(monkeypatch) -> None:
    """Hashing code takes a while."""
    monkeypatch.setattr(fingerprint, "made_by", lambda *things: "code")


def keep(folder: Path, make=None, **options) -> list[tuple[int, int]]:
    """Rows that were made; what came back is checked."""
    make = make or Maker()
    n = options.pop("n", N)
    found = stored(make, n, **({"folder": folder, "key": KEY, "chunk": CHUNK} | options))
    np.testing.assert_array_equal(found, ALL[:n])
    assert found.dtype == ALL.dtype
    return make.asked


def chunks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.npy"))


def test_rows_are_made_once(tmp_path):
    assert keep(tmp_path) == [(0, 4), (4, 8), (8, 10)]
    assert keep(tmp_path) == []
    assert len(chunks(tmp_path)) == 3 and not list(tmp_path.rglob("*.part"))


def test_work_that_was_stopped_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path, Maker(stop=8))
    assert keep(tmp_path) == [(8, 10)]


def test_a_half_written_chunk_is_no_chunk(tmp_path):
    keep(tmp_path)
    first = chunks(tmp_path)[0]
    first.rename(first.with_suffix(".part"))
    assert keep(tmp_path) == [(0, 4)]


@pytest.mark.parametrize("row", range(3))
def test_a_truncated_chunk_is_made_again(tmp_path, row):
    made = keep(tmp_path)
    file = chunks(tmp_path)[row]
    file.write_bytes(file.read_bytes()[:-5])
    assert keep(tmp_path) == [made[row]]
    assert keep(tmp_path) == [] and len(chunks(tmp_path)) == 3


def test_an_altered_chunk_is_made_again(tmp_path):
    keep(tmp_path)
    file = chunks(tmp_path)[1]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert keep(tmp_path) == [(4, 8)]


def test_an_empty_file_is_made_again(tmp_path):
    keep(tmp_path)
    chunks(tmp_path)[2].write_bytes(b"")
    assert keep(tmp_path) == [(8, 10)]


def test_more_rows_take_what_is_there(tmp_path):
    assert keep(tmp_path, n=8) == [(0, 4), (4, 8)]
    assert keep(tmp_path) == [(8, 10)]


def test_another_size_of_chunk_gives_the_same(tmp_path):
    keep(tmp_path)
    assert keep(tmp_path, chunk=5) == [(0, 5), (5, 10)]
    assert keep(tmp_path) == []


def test_the_key_and_the_code_decide(tmp_path, monkeypatch):
    keep(tmp_path)
    assert keep(tmp_path, key=dict(reversed(KEY.items()))) == []
    for name, value in (("seed", 4), ("names", ["a"]), ("new", 1)):
        assert len(keep(tmp_path, key=KEY | {name: value})) == 3
    monkeypatch.setattr(fingerprint, "made_by", lambda *things: "other")
    assert len(keep(tmp_path)) == 3
    assert len(list(tmp_path.iterdir())) == 5


def test_nothing_is_written_where_all_is_there(tmp_path):
    def state() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in (tmp_path, *tmp_path.rglob("*"))}

    keep(tmp_path)
    before = state()
    keep(tmp_path)
    assert state() == before


def test_a_failure_of_the_work_is_not_taken_for_a_bad_folder(tmp_path):
    def make(rows: slice) -> np.ndarray:
        raise FileNotFoundError("an image")

    with pytest.raises(FileNotFoundError, match="an image"):
        stored(make, N, folder=tmp_path, key=KEY)


def changing(rows: slice) -> np.ndarray:
    return ALL[rows].astype(np.float32 if rows.start == 0 else np.float64)


SPOILT = {
    "key": ({"key": {"model": object()}}, ["key", "not a number, text or list"]),
    "key NaN": ({"key": {"share": float("nan")}}, ["key", "not a number, text or list"]),
    "n": ({"n": 0}, ["n = 0"]),
    "chunk": ({"chunk": 0}, ["chunk = 0"]),
    "too few rows": ({"make": lambda rows: ALL[rows][1:]}, ["make, rows 0 to 4", "expected an array of 4 rows", "(3,"]),
    "no array": ({"make": lambda rows: [1, 2, 3, 4]}, ["make, rows 0 to 4", "list"]),
    "objects": ({"make": lambda rows: ALL[rows].astype(object)}, ["make, rows 0 to 4", "object"]),
    "dtype": ({"make": changing}, ["make, rows 4 to 8", "float64", "float32"]),
    "shape": ({"make": lambda rows: np.zeros((rows.stop - rows.start, 1 + rows.start))}, ["rows 4 to 8", "(5,)"]),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_one_clear_line(tmp_path, name):
    options, words = SPOILT[name]
    with pytest.raises(InputError) as caught:
        stored(**({"make": Maker(), "n": N, "folder": tmp_path, "key": KEY, "chunk": CHUNK} | options))
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be used"):
        keep(tmp_path / "file")
