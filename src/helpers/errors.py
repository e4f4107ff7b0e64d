"""The one error type for bad input."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used, said in one line.

    Parameters
    ----------
    where : str
        The file, and the row, column or parameter in it.
    problem : str
        What was found there and what was expected.
    fix : str
        What to do about it.
    """

    def __init__(self, where: object, problem: str, fix: str) -> None:
        self.where, self.problem, self.fix = str(where), problem, fix
        super().__init__(f"{where}: {problem}. {fix}")

    def __reduce__(self):
        return type(self), (self.where, self.problem, self.fix)

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: a reader of a notebook sees the message, not ten frames of ours.
        return [f"{type(self).__name__}: {self}"]


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a value that is none of the choices.

    Raises
    ------
    InputError
        Such as "level: must be low, middle or high, got 'x'".
    """
    allowed = list(choices)
    if value not in allowed:
        *first, last = allowed
        listed = f"{', '.join(first)} or {last}" if first else last
        raise InputError(name, f"must be {listed}, got {value!r}", "Give one of them")
