"""Checks of arguments that all simulators share."""

from __future__ import annotations

import numpy as np

from helpers.errors import InputError


def check_count(n: int, name: str = "n") -> int:
    """Return `n` as an int; raise InputError unless it is a whole number of at least 1."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(name, f"{n!r} is not a whole number of at least 1", "Give a number such as 60")
    return int(n)


def check_seed(seed: int) -> int:
    """Return `seed` as an int; raise InputError unless it is a whole number of at least 0."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError("seed", f"{seed!r} is not a whole number of at least 0", "Give a seed such as 0")
    return int(seed)


def check_number(name: str, value: float, most: float) -> float:
    """Return `value` as a float; raise InputError unless it is a number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= most:
        raise InputError(name, f"{value!r} is not a number from 0 to {most:g}", "Give 0 to switch it off")
    return float(value)


def check_size(size: int, *, least: int) -> int:
    """Return the side of an image in pixels as an int; raise InputError unless it is from `least` to 512."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not least <= size <= 512:
        fix = "Give pixels of a side, such as 64"
        raise InputError("size", f"{size!r} is not a whole number from {least} to 512", fix)
    return int(size)


def check_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return `shape` as three ints; raise InputError unless they are at least 16, 16, 8."""
    whole = isinstance(shape, list | tuple) and len(shape) == 3
    whole = whole and all(isinstance(v, int | np.integer) for v in shape)
    if not whole or any(v < least for v, least in zip(shape, (16, 16, 8), strict=True)):
        raise InputError("shape", f"{shape!r} is not three whole numbers of at least 16, 16, 8", "Try (64, 64, 24)")
    return tuple(int(v) for v in shape)
