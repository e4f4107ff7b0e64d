"""Scores of the user's table that mean "not recorded", or that are outside the range that scores should have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.shared.missing import missing_codes
from helpers.disclosure import SMALLEST_CELL


def without_codes(values: pd.Series, limits: tuple[float, float]) -> tuple[pd.Series, list[str]]:
    """Set scores such as 9999 and -9 to missing, with a note, unless SPAN includes them."""
    coded = missing_codes(values)
    if np.isfinite(limits).all():
        coded &= ~values.between(*limits)
    if not coded.any():
        return values, []
    shown = ", ".join(f"{value:g}" for value in sorted(values[coded].unique()))
    n = int(coded.sum())
    many = str(n) if n >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}"
    return values.mask(coded), [
        f"{values.name}: {shown} in {many} rows count as not recorded; a SPAN that includes them keeps them"
    ]


def outside(values: pd.Series, limits: tuple[float, float]) -> list[str]:
    """Count the scores outside the limits in a note; they are kept."""
    low, high = limits
    n = int((values.lt(low) | values.gt(high)).sum())
    note = (
        f"{values.name}: {n} value(s) outside {low:g} to {high:g} are kept; look at them, or set SPAN to what is right"
    )
    return [note] if n else []
