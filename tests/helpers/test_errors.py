"""The one error type: a message is one line of bounded length, whatever a file holds."""

import copy

import pytest

from helpers.errors import InputError


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        ("got 'x'  and 'y'", "got 'x'  and 'y'"),
        ("got 'a\nb\r\n\tc'", "got 'a b c'"),
        ("got '\x00\x07SEG'", "got ' SEG'"),
        ("é" * 600, "é" * 600),
        ("n" * 601, "n" * 600 + " ..."),
    ],
)
def test_a_message_is_one_line_whatever_is_quoted(problem, shown):
    error = InputError("scores.csv", problem, "Correct it")
    assert str(error) == f"scores.csv: {shown}. Correct it" and error.problem == shown
    assert str(InputError(problem, "it is wrong", "Correct it")) == f"{shown}: it is wrong. Correct it"
    again = copy.copy(error)  # by what also sends it between processes
    assert type(again) is InputError and str(again) == str(error)
