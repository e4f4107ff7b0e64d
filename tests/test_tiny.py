"""The copy in which the tiny runs are made follows the checkout, and keeps what it made."""

import os

import pytest

from tests import tiny


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A checkout of a few files, and the place of its copy."""
    root, copy = tmp_path / "checkout", tmp_path / "copy"
    for name in ("notebooks/one.ipynb", "notebooks/two.ipynb", "data/README.md", "data/made.csv", "runs/made.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(tiny, "ROOT", root)
    monkeypatch.setattr(tiny, "PROJECT", copy)
    tiny.synchronise()
    return root, copy


def test_the_copy_has_what_is_not_made(folders):
    root, copy = folders
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert files == {"notebooks/one.ipynb", "notebooks/two.ipynb", "data/README.md"}
    assert tiny.contents(root) == tiny.contents(copy)


def test_only_what_has_changed_is_new_in_the_copy(folders):
    root, copy = folders
    (copy / "runs").mkdir()
    (copy / "runs" / "results.json").write_text("made in the copy")
    for file in tiny.sources(copy):
        os.utime(copy / file, (1, 1))
    os.utime(root / "data" / "README.md")
    (root / "notebooks" / "one.ipynb").write_text("another")
    (root / "notebooks" / "two.ipynb").unlink()
    assert tiny.contents(root) != tiny.contents(copy)
    tiny.synchronise()
    assert tiny.contents(root) == tiny.contents(copy)
    assert (copy / "notebooks" / "one.ipynb").stat().st_mtime > 1
    assert (copy / "data" / "README.md").stat().st_mtime == 1
    assert (copy / "runs" / "results.json").read_text() == "made in the copy"


def test_pages_of_studies_that_are_gone_are_removed(folders):
    _, copy = folders
    pages = copy / "book" / "studies"
    pages.mkdir(parents=True)
    for name in ("01_label_audit", "98_gone"):
        (pages / f"{name}.ipynb").touch()
    tiny.forget()
    assert [page.stem for page in pages.iterdir()] == ["01_label_audit"]
