"""Checks of answers to the exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from helpers.errors import InputError
from helpers.exercises import keys


class Verdict(NamedTuple):
    """Result of checking an answer.

    Attributes
    ----------
    state : str
        ``open`` (no answer yet), ``right``, ``wrong``, or ``not here`` (this run has nothing to compare with).
    text : str
        The sentence that a notebook shows.
    """

    state: str
    text: str

    def __repr__(self) -> str:
        return self.text


def check(study: str, exercise: int, answer: Any, *, right: Callable[[], float | None] | None = None) -> Verdict:
    """Check whether an answer is right, without showing the right answer.

    Parameters
    ----------
    study : str
        Name of the study's notebook, without its extension.
    exercise : int
        Number of the exercise.
    answer : str or float or None
        A choice or a number; None if there is no answer yet.
    right : callable, optional
        Computes the right number, if it depends on the run's results; called only if there is an answer. It returns
        None if this run has no results to compute it from.

    Raises
    ------
    InputError
        The study or the exercise is not known, the answer is of the wrong kind, or `right` is needed and not given.
    """
    key = keys.read(study).get(exercise)
    if key is None:
        known = ", ".join(map(str, keys.read(study)))
        raise InputError(f"exercises of {study}", f"exercise {exercise!r} has no check", f"There are {known}")
    where = f"answer_{exercise}"
    if answer is None:
        ask = "a number" if "choose" not in key else "one of " + ", ".join(f'"{choice}"' for choice in key["choose"])
        return Verdict("open", f"Exercise {exercise}: no answer yet. Set {where} to {ask} and run this cell again.")
    if "within" in key:
        if right is None:
            fix = "Pass right=, a function that computes it"
            raise InputError(f"exercise {exercise} of {study}", "the answer depends on the run", fix)
        return _against_run(exercise, keys.number(answer, where), right(), key["within"])
    if "choose" in key:
        candidates = [keys.chosen(answer, key["choose"], where)]
    else:
        nearest = keys.steps(answer, key["step"], where)
        candidates = [str(nearest + beside) for beside in (-1, 0, 1)]
    return _verdict(exercise, any(keys.digest(key["salt"], c) == key["hash"] for c in candidates))


def _against_run(exercise: int, answer: float, right: float | None, within: float) -> Verdict:
    if right is None:
        return Verdict("not here", f"Exercise {exercise}: this run has nothing to compare an answer with.")
    return _verdict(exercise, abs(answer - right) <= within)


def _verdict(exercise: int, right: bool) -> Verdict:
    if right:
        return Verdict("right", f"Exercise {exercise}: right. Can you say why, in one sentence?")
    return Verdict("wrong", f"Exercise {exercise}: not right. Think again, or let the study tell you.")
