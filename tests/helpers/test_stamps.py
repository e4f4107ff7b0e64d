"""Modules that a recorded run cannot have loaded."""

import subprocess

import pytest

from helpers.book import stamping


@pytest.fixture
def commits(tmp_path, monkeypatch):
    """Two commits: the first adds `old`, the second moves it to `moved` and adds `new`."""

    def git(*words, allowed=False):
        done = subprocess.run(["git", *words], cwd=tmp_path, capture_output=True, text=True)
        return "" if done.returncode else done.stdout.strip()

    monkeypatch.setattr(stamping, "git", git)
    git("init")
    for name in ("user.name", "user.email"):
        git("config", name, "nobody")
    room = tmp_path / "src" / "helpers" / "room"
    room.mkdir(parents=True)
    found = []
    for number in range(2):
        if number:
            (room / "old.py").rename(room / "moved.py")
            (room / "new.py").write_text("B = 3\n" * 20)
        else:
            (room / "old.py").write_text("\n".join(f"A{k} = {k}" for k in range(20)))
        git("add", "-A")
        git("commit", "-m", str(number))
        found.append(git("rev-parse", "HEAD"))
    return found


def test_a_run_has_loaded_no_module_that_is_younger(commits):
    first, second = ({"git": {"commit": commit}} for commit in commits)
    assert stamping._younger("helpers.room.new", first) and not stamping._younger("helpers.room.new", second)
    assert not stamping._younger("helpers.room.moved", first)
    assert not stamping._younger("helpers.room.new", first | {"loaded": []})
