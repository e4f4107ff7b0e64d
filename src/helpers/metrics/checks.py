"""Arrays and numbers given to a metric, checked before anything is computed.

NumPy drops some things without an error: the imaginary part of a complex image, the mask of a masked array. It also
reads numbers from text. All of these are refused here. A masked array is refused, not honoured: a value that is masked
is neither foreground nor background, and only the user knows which pixels to compare.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError


def as_numbers(values: ArrayLike, name: str, *, missing: bool = False) -> np.ndarray:
    """Return an array of real numbers or truth values, in its given precision.

    Parameters
    ----------
    values : array_like
        A masked array without a masked value is taken as the array that it is.
    name : str
        Name for errors.
    missing : bool
        Also take numbers among missing values, such as None; these become NaN.

    Raises
    ------
    InputError
        The values are complex, masked, text, dates, objects or a tensor with a gradient.
    """
    try:
        array = np.asanyarray(values)
        if missing and array.dtype == object and not any(isinstance(v, str | bytes | complex) for v in array.flat):
            array = np.asarray(values, float)
    except (TypeError, ValueError, RuntimeError) as error:
        fix = "Give a NumPy array; of a tensor, that is .detach().cpu().numpy()"
        raise InputError(name, f"not an array of numbers ({' '.join(str(error).split())})", fix) from None
    if any(np.ma.is_masked(part) for part in (values if isinstance(values, list | tuple) else [array])):
        raise InputError(name, "a masked array, of which some values are masked", "Fill or crop it first")
    if array.dtype.kind == "c":
        raise InputError(name, f"complex values ({array.dtype})", "Take magnitudes first, by abs()")
    if array.dtype.kind not in "biuf":
        raise InputError(name, f"not numbers (data type {array.dtype})", "Convert to numbers first")
    return np.asarray(array)


def real(value: object) -> float:
    """Return a real number as a float, and NaN for anything else: a truth value, text, None, several numbers."""
    try:
        array = as_numbers(value, "")
    except InputError:
        return float("nan")
    return float(array) if array.ndim == 0 and array.dtype.kind != "b" else float("nan")


def shown(value: object) -> str:
    """Return the value in one short line, for an error."""
    line = " ".join((repr(value.tolist()) if isinstance(value, np.ndarray | np.generic) else repr(value)).split())
    return line if len(line) <= 80 else line[:77] + "..."
