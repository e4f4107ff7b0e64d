"""Where data are looked for."""

import subprocess
import sys

import pytest

from helpers import paths


def test_a_folder_that_is_given_goes_before_the_environment(tmp_path, monkeypatch):
    given, usual = tmp_path / "given", tmp_path / "usual"
    for folder in (given, usual):
        folder.mkdir()
    monkeypatch.setenv(paths.DATA_VARIABLE, str(usual))
    assert paths.data_root() == usual.resolve()
    assert paths.data_root(given) == given.resolve()


@pytest.mark.parametrize(("given", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_passively_before_pytorch_is_imported_unless_asked_otherwise(monkeypatch, given, found):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    code = "import sys, helpers, os; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == [found, "False"], done.stderr
