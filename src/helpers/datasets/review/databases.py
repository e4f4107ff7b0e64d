"""The review as a database: DuckDB in memory for queries, and one SQLite file for readers, which can be read again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from helpers.datasets.review.checking import Tables, checked
from helpers.datasets.review.layout import TABLES, Table
from helpers.datasets.review.views import VIEWS
from helpers.errors import InputError
from helpers.keep import store

if TYPE_CHECKING:
    import duckdb

ASKED_OFTEN = ("reports", "users_of_reported")  # views that DuckDB works out once
SEARCHED = {"artifact": ("statement",), "dataset": ("name", "modality", "organ"), "work": ("title",)}


def connect(tables: Tables) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection in memory, without a network, with the tables of a review and its views.

    Empty cells are NULL.
    """
    import duckdb  # imported here, so that only users of SQL wait for it

    # Without a sample every column is read as text, which is quicker.
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False, "pandas_analyze_sample": 0}
    connection = duckdb.connect(config=settings)
    connection.begin()
    connection.execute("CREATE MACRO julianday(day) AS julian(CAST(day AS DATE))")  # as SQLite has it
    for name, rules in TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} VARCHAR' for column in rules.columns)})")
        if len(tables[name]):
            cells = ", ".join(f"nullif(CAST({column} AS VARCHAR), '')" for column in rules.columns)
            connection.register("given", tables[name])
            connection.execute(f"INSERT INTO {name} SELECT {cells} FROM given")
            connection.unregister("given")
    for name, query in VIEWS.items():
        kind = "TABLE" if name in ASKED_OFTEN else "VIEW"
        connection.execute(f"CREATE {kind} {name} AS {query}")
    connection.commit()
    return connection


def export_sqlite(tables: Tables, place: Path) -> Path:
    """Write tables as one SQLite file with keys, indices, views and full-text search, and return its path.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    with store.file(place) as part, closing(sqlite3.connect(part)) as connection, connection:
        for name, rules in TABLES.items():
            connection.execute(_definition(name, rules))
            marks = ", ".join("?" * len(rules.columns))
            rows = ([cell or None for cell in row] for row in tables[name].itertuples(index=False))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
            for column in (*rules.refers, *(("subject_id",) if name == "artifact" else ())):
                connection.execute(f"CREATE INDEX {name}_{column} ON {name} ({column})")
        for name, columns in SEARCHED.items():
            # Datasette and sqlite-utils find it by these words, and overlook content='...' in single quotes.
            searched = f'FTS5 ({", ".join(columns)}, content="{name}")'
            connection.execute(f"CREATE VIRTUAL TABLE {name}_fts USING {searched}")
            connection.execute(f"INSERT INTO {name}_fts ({name}_fts) VALUES ('rebuild')")
        for name, query in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {query}")
    return place


def import_sqlite(place: Path) -> Tables:
    """Read the tables of a review from a SQLite file, and check them.

    Raises
    ------
    InputError
        The file is missing, is no such database, or its rows break a rule of the layout.
    """
    if not place.is_file():
        raise InputError(place, "there is no such file", "Make it by 'make review-db'")
    tables = {}
    try:
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            for name, rules in TABLES.items():
                rows = connection.execute(f"SELECT {', '.join(rules.columns)} FROM {name} ORDER BY rowid").fetchall()
                frame = pd.DataFrame(rows, columns=list(rules.columns), index=range(2, len(rows) + 2), dtype=object)
                tables[name] = frame.where(frame.notna(), "")
    except sqlite3.Error as error:
        raise InputError(place, f"is no database of a review ({error})", "Make it by 'make review-db'") from error
    return checked(tables)


def _definition(name: str, rules: Table) -> str:
    """Write the statement that creates a table with its keys."""
    lines = []
    for column in rules.columns:
        needed = column in (*rules.key, *rules.needed, *rules.choices)
        target = rules.refers.get(column)
        points = f" REFERENCES {target} ({TABLES[target].key[0]})" if target else ""
        lines.append(f"{column} TEXT{' NOT NULL' * needed}{points}")
    return f"CREATE TABLE {name} ({', '.join(lines)}, PRIMARY KEY ({', '.join(rules.key)}))"
