"""Where data are looked for."""

from helpers import paths


def test_a_folder_that_is_given_goes_before_the_environment(tmp_path, monkeypatch):
    given, usual = tmp_path / "given", tmp_path / "usual"
    for folder in (given, usual):
        folder.mkdir()
    monkeypatch.setenv(paths.DATA_VARIABLE, str(usual))
    assert paths.data_root() == usual.resolve()
    assert paths.data_root(given) == given.resolve()
