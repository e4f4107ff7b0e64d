"""Every notebook runs with its defaults, under nbval."""

import pytest

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_defaults_run_from_a_clean_kernel(path, checkout):
    """Run All, as a reader would; nbval stops at the first cell that fails."""
    notebook = f"notebooks/{path.name}"
    done = checkout.run("-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", notebook)
    assert done.returncode == 0, done.stdout[-4000:]
    made = list((checkout.folder / "runs" / "by-hand").glob(f"{path.stem}-*/results.json"))
    assert len(made) == 1
