"""Labels that a figure can draw, for any names in a user's table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

LONGEST = 32  # most characters of a name in a figure


def labels(names: Iterable[object], word: str = "group") -> dict[object, str]:
    """Choose a label for each name: the name itself if it is short and the figure's font can write it.

    Matplotlib neither joins letters nor changes the direction of writing, and its font lacks many scripts. A name that
    it cannot draw becomes "group 3", by its position among the names. A long name becomes "group 3: its first
    letters…". The table next to the figure has every name in full. All labels differ, and a dollar sign does not start
    a formula.
    """
    from matplotlib.font_manager import FontProperties, findfont

    written = _written(findfont(FontProperties()))
    found: dict[object, str] = {}
    for place, name in enumerate(names, start=1):
        text = " ".join(str(name).split())
        if not all(ord(letter) in written and _stands_alone(letter) for letter in text):
            text = f"{word} {place}"
        elif len(text) > LONGEST:
            text = f"{word} {place}: {text[: LONGEST - 10].rstrip()}…"
        text = text.replace("$", r"\$")
        found[name] = text if text not in found.values() else f"{text} ({place})"
    return found


def _stands_alone(letter: str) -> bool:
    """Return True if a letter is written from left to right and not joined to another."""
    turned = unicodedata.bidirectional(letter) in {"R", "AL", "AN", "RLE", "RLO", "RLI"}
    joined = unicodedata.category(letter) in {"Mn", "Mc", "Me", "Cf", "Cc", "Cn", "Co", "Cs"}
    return not turned and not joined


@cache
def _written(file: str) -> frozenset[int]:
    """Return the code points of all letters in a font file."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())
