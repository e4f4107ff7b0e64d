"""Names that a figure can show, whatever a reader's table holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

LONGEST = 32


def labels(names: Iterable[object], *, longest: int = LONGEST) -> dict[object, str]:
    """A label for each name: itself where the figure's font can write it and it is short.

    Long names are cut. A name in letters that the font lacks, or that are written from right to left, which matplotlib
    does not do, becomes "group 3" by its place among the names. Labels are all different, and a dollar sign starts no
    mathematics.
    """
    found: dict[object, str] = {}
    for place, name in enumerate(names, start=1):
        text = str(name)
        if not text.isprintable() or any(_unwritable(letter) for letter in text):
            text = f"group {place}"
        if len(text) > longest:
            text = text[: longest - 1] + "…"
        text = text.replace("$", r"\$")
        found[name] = text if text not in found.values() else f"{text} ({place})"
    return found


def _unwritable(letter: str) -> bool:
    return ord(letter) not in _written() or unicodedata.bidirectional(letter) in {"R", "AL", "RLE", "RLO", "RLI"}


@cache
def _written() -> frozenset[int]:
    """Letters of the font that is in use."""
    from matplotlib import font_manager

    file = font_manager.findfont(font_manager.FontProperties())
    return frozenset(font_manager.get_font(file).get_charmap())
