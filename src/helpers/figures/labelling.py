"""Names that a figure can show, whatever a reader's table holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

LONGEST = 32  # characters of a name in a figure


def labels(names: Iterable[object], word: str = "group") -> dict[object, str]:
    """A label for each name: itself where the figure's font can write it and it is short.

    Matplotlib neither joins letters nor turns the direction of writing, and its font lacks many scripts. Such a name is
    drawn as "group 3" by its place among the names, a long one as "group 3: its first letters…"; the table beside the
    figure has it in full. Labels are all different, and a dollar sign starts no mathematics.
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
    """Whether a letter is written from left to right and joined to no other."""
    turned = unicodedata.bidirectional(letter) in {"R", "AL", "AN", "RLE", "RLO", "RLI"}
    joined = unicodedata.category(letter) in {"Mn", "Mc", "Me", "Cf", "Cc", "Cn", "Co", "Cs"}
    return not turned and not joined


@cache
def _written(file: str) -> frozenset[int]:
    """Letters of a font."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())
