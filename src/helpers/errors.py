"""The one error type for bad input."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral

LONGEST = 600  # characters of a problem or an advice


class InputError(ValueError):
    """Error about unusable input, described in one line.

    What a message quotes from a file may be long or hold line breaks: they become blanks, and what is beyond
    `LONGEST` characters is left out.

    Parameters
    ----------
    where : str
        The file, and the row, column or parameter in it.
    problem : str
        The value found there and the value expected.
    fix : str
        Advice on how to correct it.
    """

    def __init__(self, where: object, problem: str, fix: str) -> None:
        self.where, self.problem, self.fix = (_one_line(part) for part in (where, problem, fix))
        super().__init__(f"{self.where}: {self.problem}. {self.fix}")

    def __reduce__(self):
        return type(self), (self.where, self.problem, self.fix)

    def _render_traceback_(self) -> list[str]:
        # IPython calls this: a reader of a notebook sees the message, not ten frames of the package.
        return [f"{type(self).__name__}: {self}"]


def _one_line(text: object) -> str:
    shown = "".join(c if c.isprintable() else " " for c in str(text))
    shown = shown if shown == str(text) else " ".join(shown.split())
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} ..."


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Refuse a value that is not one of the choices; a near one is suggested.

    Raises
    ------
    InputError
        With a message such as "level: must be low, middle or high, got 'x'".
    """
    allowed = list(choices)
    if value not in allowed:
        names = [str(choice) for choice in allowed]
        listed = " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "a name, but there is none"
        near = difflib.get_close_matches(str(value), names, n=1)
        raise InputError(
            name, f"must be {listed}, got {value!r}", f"Did you mean {near[0]}?" if near else "Give one of these"
        )


def check_seed(name: str, value: object) -> None:
    """Refuse a seed that is no whole number of at least 0.

    Raises
    ------
    InputError
        With a message such as "seed = -1: expected a whole number, 0 or more".
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise InputError(f"{name} = {value!r}", "expected a whole number, 0 or more", "Use 0 if in doubt")
