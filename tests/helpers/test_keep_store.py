"""Files and folders are written whole or not at all, and two that write at once do not meet."""

from pathlib import Path

import pytest

from helpers.errors import InputError
from helpers.keep import store


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_there_when_it_is_whole(tmp_path):
    place = tmp_path / "new" / "table.csv"
    with store.file(place) as part:
        part.write_text("half")
        assert not place.exists() and part.parent == place.parent
        part.write_text("whole")
    assert place.read_text() == "whole" and names(place.parent) == ["table.csv"]


@pytest.mark.parametrize("durable", [False, True])
def test_what_was_there_stays_until_the_new_file_is_whole(durable, tmp_path):
    place = tmp_path / "table.csv"
    place.write_text("before")
    with pytest.raises(ZeroDivisionError), store.file(place, durable=durable) as part:
        part.write_text("half")
        1 / 0  # noqa: B018
    assert place.read_text() == "before" and names(tmp_path) == ["table.csv"]
    with store.file(place, durable=durable) as part:
        part.write_text("after")
    assert place.read_text() == "after" and names(tmp_path) == ["table.csv"]


def test_two_that_write_one_file_do_not_meet(tmp_path):
    place = tmp_path / "table.csv"
    with store.file(place) as slow:
        slow.write_text("slow")
        with store.file(place) as quick:
            assert quick != slow
            quick.write_text("quick")
        assert place.read_text() == "quick"
    assert place.read_text() == "slow" and names(tmp_path) == ["table.csv"]


def test_a_folder_replaces_the_one_that_is_there(tmp_path):
    place = tmp_path / "made"
    for text in ("one", "two"):
        with store.folder(place) as part:
            (part / text).write_text(text)
            assert text == "one" or names(place) == ["one"]
    assert names(place) == ["two"] and names(tmp_path) == ["made"]


def test_or_it_stays_where_another_process_was_first(tmp_path):
    place = tmp_path / "made"
    with store.folder(place, replace=False) as part:
        (part / "slow").touch()
        with store.folder(place, replace=False) as quick:
            (quick / "quick").touch()
    assert names(place) == ["quick"] and names(tmp_path) == ["made"]


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), store.folder(tmp_path / "made") as part:
        (part / "half").touch()
        1 / 0  # noqa: B018
    assert not names(tmp_path)


@pytest.mark.parametrize("write", [store.file, store.folder])
def test_what_the_disk_refuses_is_one_line(write, tmp_path):
    (tmp_path / "file").write_text("no folder")
    place = tmp_path / "file" / "made"
    with pytest.raises(InputError, match=r"made: weights cannot be written \(.+\)\. Make room$"):
        write(place, problem="weights cannot be written", fix="Make room").__enter__()
    assert (tmp_path / "file").read_text() == "no folder"


def test_the_old_folder_stays_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    place, rename = tmp_path / "made", Path.rename
    with store.folder(place) as part:
        (part / "old").touch()

    def refuse(path, target):
        if path.name.endswith(".part") and target == place and (path / "new").exists():
            raise OSError(16, "Device or resource busy", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="cannot be written"), store.folder(place) as part:
        (part / "new").touch()
    assert names(place) == ["old"] and names(tmp_path) == ["made"]


def test_an_error_about_a_file_elsewhere_is_not_of_this_place(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"figure\.png"), store.folder(tmp_path / "there" / "made"):
        (tmp_path / "elsewhere" / "figure.png").read_bytes()
    assert not names(tmp_path / "there")
