"""What was finished is taken from disk, and only where nothing that decides it has changed."""

import pytest

from helpers import cache, paths
from helpers.errors import InputError


def test_a_plan_has_a_folder_for_what_reaches_a_network(tmp_path):
    parameters = {"STEPS": 3, "FOLDS": 2, "SEED": 0, "N_BOOTSTRAP": 100, "RUN_DIR": "a", "DEVICE": "cpu"}
    place = cache.folder(parameters, tmp_path)
    assert place.parent == paths.data() / "networks" and not place.exists()
    without = {"N_BOOTSTRAP": 200, "N_PERMUTATIONS": 7, "RUN_DIR": "b", "DEVICE": "cuda", "DATA_ROOT": "c"}
    assert cache.folder(parameters | without, tmp_path) == place
    changed = [cache.folder(parameters | {name: 9}, tmp_path) for name in ("STEPS", "FOLDS", "SEED", "NEW")]
    (tmp_path / "new.csv").write_text("1")
    assert len({place, *changed, cache.folder(parameters, tmp_path)}) == 6


def test_data_that_moved_are_the_same_data(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.csv").write_text("a,b")
    assert cache.folder({}, tmp_path / "here") == cache.folder({}, tmp_path / "there")


def test_a_plan_changes_with_the_code(tmp_path, monkeypatch):
    place = cache.folder({"STEPS": 3})
    monkeypatch.setattr(cache.fingerprint, "package", lambda *folders: "other")
    assert cache.folder({"STEPS": 3}) != place


def test_what_is_there_is_not_made_again(tmp_path):
    calls = []

    def make() -> list:
        calls.append(1)
        return [[0.1, 1 / 3], {"a": None}]

    file = tmp_path / "new" / "part.json"
    assert cache.once(file, make) == cache.once(file, make) == [[0.1, 1 / 3], {"a": None}]
    assert len(calls) == 1 and [p.name for p in file.parent.iterdir()] == ["part.json"]
    assert cache.once(None, make) and len(calls) == 2


def test_work_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        cache.once(tmp_path / "part.json", lambda: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        cache.once(tmp_path / "file" / "part.json", lambda: 1)
