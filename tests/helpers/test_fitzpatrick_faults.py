"""Broken downloads of Fitzpatrick17k: what is wrong is counted, or refused in one clear line."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.fitzpatrick import layout
from helpers.errors import InputError
from tests.helpers.pictures import load_colour
from tests.helpers.skin import N, counted, encoded, images, load, table_of, write


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return datasets.simulate_dermatology(N, seed=2, size=16, shares=(0.1, *[0.15] * 6), folder=folder)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("spoil", "reason", "lost"),
    [
        (lambda content: b"", "is empty", True),
        (lambda content: b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "is no image", True),
        (cut, "is cut off or damaged", True),
        (lambda content: content[:-30], "is cut off or damaged", True),
        (lambda content: encoded("I;16", "PNG"), "more than 8 bits", True),
        (lambda content: encoded("L"), "another MD5", False),
        (lambda content: encoded("CMYK"), "another MD5", False),
        (lambda content: encoded("RGBA", "PNG"), "another MD5", False),
        (lambda content: encoded("P", "GIF"), "another MD5", False),
    ],
)
def test_what_is_wrong_with_an_image_is_counted(root, tmp_path, spoil, reason, lost):
    for file in images(root)[:3]:
        file.write_bytes(spoil(file.read_bytes()))
    cases, dropped = load(root)
    assert counted(dropped, reason) == 3
    assert len(cases) == N - 3 * lost
    assert load_colour(cases["file"], 8, progress=False, folder=tmp_path).shape == (len(cases), 3, 8, 8)


def test_missing_and_foreign_and_double_images_are_counted(root):
    first, second, third = images(root)[:3]
    first.unlink()
    (root / "images" / f"{'0' * 32}.jpg").write_bytes(second.read_bytes())
    (root / "again").mkdir()
    shutil.copy(third, root / "again" / third.name)
    (root / "images" / ".hidden.jpg").write_bytes(b"")
    (root / "notes.txt").write_text("")
    cases, dropped = load(root)
    assert len(cases) == N - 1
    found = {words: counted(dropped, words) for words in ("no such file", "file of no row", "stands twice")}
    assert found == {"no such file": 1, "file of no row": 1, "stands twice": 1}


def test_wrong_hashes_are_kept_and_counted(root):
    first, second = images(root)[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    cases, dropped = load(root)
    assert len(cases) == N and counted(dropped, "another MD5 than its row: kept") == 1
    assert hashlib.md5(content).hexdigest() == first.stem  # so it was right before


def cell(column: str, value: object, row: int = 4):
    def act(root: Path) -> object:
        table = table_of(root)
        table.loc[row - 2, column] = value
        write(root, table)
        return load(root)

    return act


def changed(change):
    def act(root: Path) -> object:
        write(root, change(table_of(root)))
        return load(root)

    return act


def without_table(root: Path) -> object:
    (root / layout.TABLE).unlink()
    return load(root)


def without_images(root: Path) -> object:
    shutil.rmtree(root / "images")
    return load(root)


def keep(text: str):
    def act(root: Path) -> object:
        (root / "keep.csv").write_text(text)
        return load(root, keep=root / "keep.csv")

    return act


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda root: load(root / "none"), ("none", "no such file or folder")),
        (without_table, ("there is no fitzpatrick17k.csv",)),
        (without_images, ("holds no image", "images=False")),
        (lambda root: load(root, skin_type="monk"), ("skin_type", "monk")),
        (cell("fitzpatrick_scale", "7"), ("row 4", "column fitzpatrick_scale", "'7'")),
        (cell("fitzpatrick_centaur", "dark"), ("row 4", "column fitzpatrick_centaur", "'dark'")),
        (cell("fitzpatrick_scale", "2.5"), ("row 4", "column fitzpatrick_scale", "2.5")),
        (cell("md5hash", "abc"), ("row 4", "column md5hash", "32 hex")),
        (cell("md5hash", None), ("row 4", "column md5hash", "is empty")),
        (cell("label", None), ("row 4", "column label", "is empty")),
        (cell("nine_partition_label", None), ("row 4", "column nine_partition_label", "is empty")),
        (
            cell("nine_partition_label", "inflamatory", row=N),
            (f"row {N}", "column nine_partition_label", "inflamatory"),
        ),
        (cell("three_partition_label", "harmless", row=N), (f"row {N}", "column three_partition_label", "harmless")),
        (changed(lambda t: pd.concat([t, t.iloc[[2]]])), (f"row {N + 2}", "column md5hash", "also in row 4")),
        (changed(lambda t: t.drop(columns="label")), ("column label", "no such column")),
        (changed(lambda t: t.drop(columns="fitzpatrick_scale")), ("column fitzpatrick_scale", "no such column")),
        (changed(lambda t: t[:0]), ("no rows",)),
        (keep("md5hash\nabc\n"), ("keep.csv", "'abc'")),
        (keep("a,b\n1,2\n"), ("keep.csv", "column md5hash")),
        (keep("md5hash\n"), ("keep.csv", "no MD5")),
        (keep("0" * 32), ("keep.csv", "no image of the table")),
        (lambda root: load(root, keep=root / "nowhere.csv"), ("nowhere.csv", "cannot be read")),
    ],
)
def test_bad_input_is_one_clear_line(root, act, words):
    with pytest.raises(InputError) as caught:
        act(root)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "\n" not in message and caught.value.fix
