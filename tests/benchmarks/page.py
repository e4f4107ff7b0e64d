"""The book's table of speed, from the rows that benchmarks kept: `python -m tests.benchmarks.page`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.contest import ROOT, ROWS

PAGE = ROOT / "book" / "methods" / "speed.md"
FROM, TO = "<!-- The table is written by python -m tests.benchmarks.page. -->\n", "<!-- End of the table. -->\n"


def latest(folder: Path) -> list[dict]:
    """Return the last row of each work and peer, in the order of files and, within a file, of tests."""
    found: dict[tuple[str, str], dict] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row["work"], row["peer"]] = row
    return list(found.values())


def table(rows: list[dict]) -> str:
    """Return the rows as a table of Markdown, and a line for each day and machine."""
    lines = ["| work | ours | peer | its cost | ratio | asked |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio, lowest, highest, asked = (short(row[name]) for name in ("ratio", "lowest", "highest", "asked"))
        ours, theirs = (cost(row[side], row["unit"]) for side in ("ours", "theirs"))
        peer = f"{row['peer']} {row['version']}".strip()
        lines.append(f"| {row['work']} | {ours} | {peer} | {theirs} | {ratio} ({lowest} to {highest}) | ≥ {asked} |")
    places: dict[tuple[str, str], int] = {}
    for row in rows:
        place = row["date"], row["machine"]
        places[place] = places.get(place, 0) + 1
    lines += ["", *(f"- {n} of {len(rows)} rows: {date}, {machine}." for (date, machine), n in sorted(places.items()))]
    return "\n".join(lines) + "\n"


def short(number: float) -> str:
    """Return a number with two digits that count."""
    if number >= 100:
        return f"{round(number, 2 - len(str(int(number)))):,.0f}"
    return f"{number:.2g}"


def cost(number: float, unit: str) -> str:
    """Return a cost in the unit in which it is neither tiny nor long."""
    for smaller, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if unit != "s" or number * factor >= 1:
            return f"{short(number * factor)} {unit if unit != 's' else smaller}"
    return f"{short(number * 1e9)} ns"


def written(text: str, rows: list[dict]) -> str:
    """Return the page with its table replaced."""
    before, _, rest = text.partition(FROM)
    _, end, after = rest.partition(TO)
    assert end, f"{PAGE.name} lacks the lines between which the table is written"
    return f"{before}{FROM}\n{table(rows)}\n{TO}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), latest(ROWS)), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
