"""Files and arrays as users have them, and the page that lists them."""

from __future__ import annotations

import pytest

from tests import files, files_of_masks, files_of_tables, words  # noqa: F401  (two enter their cases)


@pytest.mark.parametrize("name", files.CASES)
def test_a_file_gives_the_right_value_or_one_line(name, tmp_path):
    files.CASES[name].check(tmp_path)


def test_the_page_lists_the_cases():
    text = files.PAGE.read_text(encoding="utf-8")
    assert text == files.page(text), "run: python -m tests.files"
    assert words.faults(words.markdown(text)) == []
