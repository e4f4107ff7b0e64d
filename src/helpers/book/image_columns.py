"""Columns of a table of images as Markdown, for the page on a user's images."""

from __future__ import annotations

from helpers.datasets import IMAGE_COLUMNS
from helpers.datasets.image_table.columns import GROUPS, SINGLE, TARGETS


def table() -> str:
    """Return a Markdown table: parameter, meaning, and the names that are recognised without it."""
    roles = {**SINGLE, "GROUPS": GROUPS, "TARGETS": TARGETS}
    lines = ["| parameter | meaning | recognised names |", "|---|---|---|"]
    for name, meaning in IMAGE_COLUMNS.items():
        known = ", ".join(f"`{one}`" for one in roles[name].names) if name in roles else ""
        lines.append(f"| `{name}` | {_coded(meaning)} | {known} |")
    return "\n".join(lines)


def _coded(meaning: str) -> str:
    """Format quoted examples as code, so that a bar inside them ends no cell of the table."""
    parts = meaning.split('"')
    shown = [f"`{part}`".replace("|", "\\|") if k % 2 else part for k, part in enumerate(parts)]
    return "".join(shown)
