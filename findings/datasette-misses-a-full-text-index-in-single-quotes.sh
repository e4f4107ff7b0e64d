#!/usr/bin/env bash
# Datasette: a full-text index is not seen if its table was declared in single quotes, and a search returns every row.
#
# One would expect: SQLite takes content='artifact' and content="artifact" alike, and the index searches the same rows.
# A tool that shows a search box for tables with an index shows it for both; a search on a table without one is refused.
# What happens: Datasette looks for the index by the text of its CREATE statement, and knows double quotes, brackets and
# names without quotes after the comma. With content='artifact', as SQLite's documentation writes it, the table has no
# search, and `_search=` in an address is dropped without a word: the answer has all rows and the status 200.
# Why it matters here: `make review-db` writes one SQLite file with a full-text index for readers who browse it in
# Datasette. A search that finds everything looks like an answer. The index is declared in double quotes, and a test
# checks this.
# Source: datasette/utils/__init__.py (detect_fts_sql); https://www.sqlite.org/fts5.html, "External Content Tables".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasette==0.65.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
import asyncio
import sqlite3
from importlib import metadata

from datasette.app import Datasette

print({"datasette": metadata.version("datasette"), "sqlite": sqlite3.sqlite_version})


def made(quote):
    name = {"'": "single", '"': "double"}[quote]
    with sqlite3.connect(f"{name}.db") as database:
        database.execute("CREATE TABLE artifact (statement TEXT)")
        rows = [("labels are wrong",), ("calipers are a shortcut",), ("ages are missing",)]
        database.executemany("INSERT INTO artifact VALUES (?)", rows)
        database.execute(f"CREATE VIRTUAL TABLE words USING fts5 (statement, content={quote}artifact{quote})")
        database.execute("INSERT INTO words (words) VALUES ('rebuild')")
        found = database.execute("SELECT statement FROM words WHERE words MATCH 'shortcut'").fetchall()
    assert len(found) == 1, "SQLite itself finds one row"
    return name


async def searched(name):
    client = Datasette([f"{name}.db"]).client
    answer = await client.get(f"/{name}/artifact.json?_search=shortcut&_shape=array")
    return answer.status_code, len(answer.json())


found = {name: asyncio.run(searched(name)) for name in map(made, "'\"")}
print("status and rows of a search that one of three rows matches:", found)
assert found == {"single": (200, 3), "double": (200, 1)}, "the behaviour has changed"
PY
