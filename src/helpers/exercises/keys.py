"""Answers as salted hashes, one file per study: `notebooks/exercises/<study>.yaml`.

A hash keeps an answer from being read by accident. It does not hide the answer from someone who tries all choices.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from numbers import Real
from typing import Any

import yaml

from helpers import paths
from helpers.errors import InputError

KINDS = ("choose", "step", "within")  # a choice, a number with a key, a number computed from the run


def read(study: str) -> dict[int, dict[str, Any]]:
    """Read the keys of a study's exercises, by number.

    Returns
    -------
    dict
        For each exercise ``choose`` (list of str) or ``step`` (float, the accuracy that is asked for), with ``salt``
        and ``hash``; or ``within`` (float, the tolerance) if the right number is computed from the run.

    Raises
    ------
    InputError
        The study has no such file, or an entry cannot be used.
    """
    file = paths.notebooks() / "exercises" / f"{study}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(p.stem for p in file.parent.glob("*.yaml")))
        raise InputError(f"exercises of {study}", "there is no such study with exercises", f"Known: {known}")
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise InputError(f"exercises/{file.name}", "expected an entry for each exercise", "Begin each with its number")
    for number, key in found.items():
        _refuse_unusable(f"exercises/{file.name}, exercise {number}", key)
    return found


def _refuse_unusable(where: str, key: Any) -> None:
    kinds = [kind for kind in KINDS if isinstance(key, dict) and kind in key]
    if len(kinds) != 1:
        raise InputError(where, "expected one of " + ", ".join(KINDS), "Make it with helpers.book.workflow answer")
    missing = [f for f in ("salt", "hash") if kinds != ["within"] and not isinstance(key.get(f), str)]
    if missing:
        raise InputError(where, f"{missing[0]} is missing or is not text", "Make it with helpers.book.workflow answer")


def entry(number: int, answer: str, *, choose: list[str] | None = None, step: float | None = None) -> str:
    """Make the key of one exercise, as lines of YAML.

    Parameters
    ----------
    number : int
        Number of the exercise.
    answer : str
        The right answer, as a teacher types it.
    choose : list of str, optional
        The choices, for an exercise with a choice; the answer is one of them.
    step : float, optional
        Accuracy of a numeric answer; a number counts as right if it is within one step of the answer, both rounded to
        whole steps.

    Raises
    ------
    InputError
        Neither or both of `choose` and `step` are given, or the answer does not fit.
    """
    if (choose is None) == (step is None):
        raise InputError(f"key of exercise {number}", "expected choices or a step", "Give --choose or --step")
    salt = secrets.token_hex(8)
    if choose is not None:
        lines = {"choose": choose, "salt": salt, "hash": digest(salt, chosen(answer, choose, "the answer"))}
    else:
        if not (math.isfinite(step) and step > 0):
            raise InputError("--step", f"must be above 0, got {step}", "Give a number such as 0.1")
        try:
            value = float(answer)
        except ValueError:
            raise InputError("the answer", f"{answer!r} is not a number", "Give one, or --choose") from None
        lines = {"step": step, "salt": salt, "hash": digest(salt, str(steps(value, step, "the answer")))}
    return yaml.safe_dump({number: lines}, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def chosen(answer: Any, choices: list[str], where: str) -> str:
    """Match an answer to one of the choices, ignoring case and spaces, and return that choice normalised.

    Raises
    ------
    InputError
        The answer is not text, is empty, or is none of the choices.
    """
    wanted = ", ".join(f'"{choice}"' for choice in choices)
    if not isinstance(answer, str):
        raise InputError(where, f"{answer!r} is {type(answer).__name__}, expected text", f"Choose from {wanted}")
    if not answer.strip():
        raise InputError(where, "it is empty", f"Choose from {wanted}")
    for choice in choices:
        if _plain(choice) == _plain(answer):
            return _plain(choice)
    raise InputError(where, f"must be one of {wanted}, got {answer[:60]!r}", "Give one of these")


def number(answer: Any, where: str) -> float:
    """Convert an answer to a float, which must be finite.

    Raises
    ------
    InputError
        The answer is text, a Boolean, NaN, infinite, or anything else that is not a number.
    """
    if isinstance(answer, bool) or not isinstance(answer, Real):
        problem = f"{str(answer)[:60]!r} is {type(answer).__name__}, expected a number"
        raise InputError(where, problem, "Give a number, without quotes or a unit")
    if not math.isfinite(answer):
        raise InputError(where, f"{answer} cannot be compared", "Give a finite number")
    return float(answer)


def steps(value: float, step: float, where: str) -> int:
    """Round a number to whole steps, and return how many steps it is."""
    return round(number(value, where) / step)


def digest(salt: str, answer: str) -> str:
    """Hash a normalised answer with its salt."""
    return hashlib.sha256(f"{salt}:{answer}".encode()).hexdigest()[:16]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
