"""What was finished is taken from disk, and only where nothing that decides it has changed."""

import pytest
import torch

from helpers import metrics, paths, stats
from helpers.errors import InputError
from helpers.keep import cache, fingerprint


def test_a_plan_has_a_folder_for_what_reaches_a_network(tmp_path):
    parameters = {"STEPS": 3, "FOLDS": 2, "SEED": 0, "N_BOOTSTRAP": 100, "RUN_DIR": "a", "WORKERS": 1}
    place = cache.folder(parameters, tmp_path, by=stats.gap)
    assert place.parent == paths.data() / "networks" and not place.exists()
    without = {"N_BOOTSTRAP": 200, "N_PERMUTATIONS": 7, "RUN_DIR": "b", "WORKERS": 2, "DATA_ROOT": "c"}
    assert cache.folder(parameters | without, tmp_path, by=stats.gap) == place
    changed = [
        cache.folder(parameters | {name: 9}, tmp_path, by=stats.gap) for name in ("STEPS", "FOLDS", "SEED", "NEW")
    ]
    (tmp_path / "new.csv").write_text("1")
    assert len({place, *changed, cache.folder(parameters, tmp_path, by=stats.gap)}) == 6


def test_data_that_moved_are_the_same_data(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.csv").write_text("a,b")
    assert cache.folder({}, tmp_path / "here", by=stats.gap) == cache.folder({}, tmp_path / "there", by=stats.gap)


def test_a_plan_changes_with_what_makes_its_parts():
    def place(by=stats.gap, **options):
        return cache.folder({"STEPS": 3}, by=by, **options)

    assert place() == place(by=[stats.gap])
    assert len({place(), place(by=metrics.psnr), place(by=[stats.gap, metrics.psnr]), place(by=stats)}) == 4


def test_a_plan_changes_with_the_libraries(monkeypatch):
    place = cache.folder({"STEPS": 3}, by=stats.gap)
    monkeypatch.setattr(fingerprint, "_version", lambda library: "0.1")
    assert cache.folder({"STEPS": 3}, by=stats.gap) != place


def test_what_a_gpu_trained_in_bfloat16_is_not_taken_by_a_processor(monkeypatch):
    """As on a machine with a GPU: "auto" is another device and another precision there."""

    def place(**where):
        return cache.folder({"STEPS": 3}, by=stats.gap, **where)

    here = place(device="cpu")
    assert place(device="cpu", precision="32") == here != place(device="cpu", precision="bf16")
    assert torch.cuda.is_available() or place() == here
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    gpu = place()
    assert gpu != here and gpu == place(device="cuda", precision="bf16") != place(device="cuda", precision="32")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Another GPU")
    assert place() != gpu


def test_two_that_write_one_part_do_not_meet(tmp_path):
    """Both began before either had ended; the slower finds its own file, and the same result."""
    file = tmp_path / "part.json"

    def make() -> list:
        assert cache.once(file, lambda: [1]) == [1]  # another run is quicker
        return [1]

    assert cache.once(file, make) == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["part.json"]


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
