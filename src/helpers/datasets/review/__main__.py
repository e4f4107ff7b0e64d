"""Command ``python -m helpers.datasets.review check|db [FOLDER=folder]``: check the review, or write its database."""

from __future__ import annotations

import sys

from helpers import paths
from helpers.datasets.review.databases import export_sqlite
from helpers.datasets.review.loader import load_review
from helpers.errors import InputError, check_choice

DATABASE = "_build/review.sqlite"  # below the project


def main(words: list[str]) -> int:
    """Check the tables, and for `db` write them as one SQLite file. Return 0, or 1 if a rule is broken."""
    try:
        task, folder = (words or [""])[0], ""
        check_choice("review", task, ("check", "db"))
        for word in filter(None, words[1:]):
            name, _, folder = word.partition("=")
            check_choice("review", name, ("FOLDER",))
        tables = load_review(folder)
        place = export_sqlite(tables, paths.project() / DATABASE) if task == "db" else None
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(", ".join(f"{name} {len(table)}" for name, table in tables.items()) + (f"; {DATABASE}" if place else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
