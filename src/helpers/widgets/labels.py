"""Names of groups as a figure can draw them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

LONGEST = 32  # characters of a name in a figure


def drawn(names: Sequence[object], word: str = "row") -> list[str]:
    """Names as a figure draws them: short, and numbered by their place in the table where it cannot.

    Matplotlib neither joins letters nor turns the direction of writing, and its font lacks many scripts. Such a name is
    drawn as "row 3", a long one as "row 3: its first letters…"; the table beside the figure has it in full.
    """
    from matplotlib.font_manager import FontProperties, findfont

    font, found = findfont(FontProperties()), []
    for place, name in enumerate(names, 1):
        text = " ".join(str(name).split())
        if not all(_drawable(character, font) for character in text):
            text = f"{word} {place}"
        elif len(text) > LONGEST:
            text = f"{word} {place}: {text[: LONGEST - 10].rstrip()}…"
        found.append(text.replace("$", r"\$"))  # else two of them enclose a formula
    return found


@cache
def _drawable(character: str, font: str) -> bool:
    """Whether a font has a character that is written from left to right and stands alone."""
    from matplotlib.font_manager import get_font

    reordered = unicodedata.bidirectional(character) in {"R", "AL", "AN", "RLE", "RLO", "RLI"}
    joined = unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf", "Cc", "Cn", "Co", "Cs"}
    return not reordered and not joined and get_font(font).get_char_index(ord(character)) != 0
