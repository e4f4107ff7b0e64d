"""The page of other tools has what they give today, at the versions that it names."""

import pytest

from tests.benchmarks import other_tools


@pytest.mark.timeout(900)
def test_the_page_has_what_the_tools_give():
    text = other_tools.PAGE.read_text(encoding="utf-8")
    assert other_tools.written(text) == text
