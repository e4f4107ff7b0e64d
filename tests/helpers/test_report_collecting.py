"""Many runs in one table, and the same in SQL."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from helpers import book, paths
from helpers.errors import InputError
from helpers.report.values import flatten

AUDIT, WORLDS = "01_label_audit", "02_five_worlds"
GAP = {"gap": {"estimate": 0.5, "low": 0.25, "high": 0.75}, "verdict": "none", "n": {"Young": 3}}
ODD = 'KEEP=a\'b "c",WORLD=[x]*?{y}'


def made(root, place, *, values=None, cases=None, **parameters):
    """A complete run at `<batch>/<study>/<instance>`."""
    folder = root / place
    folder.mkdir(parents=True)
    provenance = {"parameters": {"RUN_DIR": "RUN_DIR", "SEED": 0, **parameters}, "started": "2026-01-02 03:04 UTC"}
    provenance |= {"git": {"commit": "abc", "dirty": False}, "device": "CPU", "wall_seconds": 1.5}
    provenance |= {"notebook": "f00", "data": None, "helpers": {"helpers.stats": "f"}}
    results = {"values": GAP if values is None else values, "claims": [{"id": "c"}], "provenance": provenance}
    (folder / "results.json").write_text(json.dumps(results))
    frame = pd.DataFrame({"case": ["a", "b"], "dice": [0.5, 1.0]}) if cases is None else cases
    frame.to_parquet(folder / "cases.parquet")
    return folder


@pytest.fixture
def runs(tmp_path):
    """Four runs of two studies and two batches, and what is no run of a batch."""
    root = tmp_path / "it's [a] run*"
    made(root, f"tiny/{AUDIT}/default")
    made(root, f"sweep/{AUDIT}/SEED=1", SEED=1, values={**GAP, "gap": {"estimate": None, "low": 0.0, "high": 1.0}})
    made(root, f"sweep/{AUDIT}/{ODD}", SEED=2, KEEP="a", cases=pd.DataFrame({"case": [7], "batch": ["x"]}, index=[5]))
    made(root, f"sweep/{WORLDS}/default", FLAG=True, values={"right": 4, "data": "d", "SEED": 9})
    for place in (f".scratch/{AUDIT}/a", f"tiny/.{AUDIT}/a", f"tiny/{AUDIT}/.a", "by-hand/a", f"by-hand/{AUDIT}/a"):
        made(root, place)
    half = made(root, f"tiny/{AUDIT}/half")
    (half / "results.json").unlink()
    (half / "cases.parquet").write_bytes(b"PAR1 not yet")
    (root / "notes.txt").touch()
    return root


def test_one_sorted_row_a_complete_run(runs):
    table = book.collect(folder=runs)
    places = [tuple(row) for row in table[["batch", "study", "instance"]].itertuples(index=False)]
    assert places == [
        ("sweep", AUDIT, ODD),
        ("sweep", AUDIT, "SEED=1"),
        ("sweep", WORLDS, "default"),
        ("tiny", AUDIT, "default"),
    ]
    assert table["SEED"].tolist() == [2, 1, 0, 0]
    assert table["gap.high"].tolist()[:2] == [0.75, 1.0]
    assert table["gap.estimate"].isna().tolist() == [False, True, True, False]
    assert "RUN_DIR" not in table
    assert list(table)[-7:] == ["started", "wall_seconds", "device", "commit", "dirty", "notebook", "data"]


def test_columns_have_the_type_of_what_they_hold(runs):
    types = book.collect(folder=runs).dtypes
    for name in ("SEED", "gap.estimate", "n.Young", "right", "wall_seconds"):
        assert types[name].kind in "if", name
    assert types["verdict"] == types["KEEP"] == types["started"] == "str"
    assert types["dirty"].kind == "b"
    made(runs, f"none/{AUDIT}/a", values={"gap": None})
    assert book.collect("none", folder=runs)["gap"].dtype == float  # a mean of it is missing, not an error


def test_names_are_those_that_prose_quotes(tmp_path):
    values = {"a": {"b": [1, [2.5, {"c": "x"}]], "d": {}}, "e": [], "f": False}
    made(tmp_path, f"tiny/{AUDIT}/default", values=values)
    made(tmp_path, f"tiny/{AUDIT}/other", values={"a": 1})  # a number where another run has a table
    table = book.collect(folder=tmp_path)
    expected = flatten(values)
    assert [c for c in table if c in expected or c == "a"] == [*expected, "a"]
    assert table.loc[0, list(expected)].to_dict() == expected


def test_a_value_does_not_hide_another_column(runs):
    row = book.collect("sweep", study=WORLDS, folder=runs).iloc[0]
    assert (row["values.SEED"], row["SEED"], row["values.data"]) == (9, 0, "d")
    assert pd.isna(row["data"])


def test_patterns_choose_batches_studies_and_values(runs):
    assert len(book.collect("sw*", folder=runs)) == 3
    assert set(book.collect(study="01_*", folder=runs)["study"]) == {AUDIT}
    table = book.collect("sweep", values=("gap.*h*", "right"), folder=runs)
    assert [c for c in table if c.islower() and "." in c] == ["gap.high"]
    assert "right" in table and "verdict" not in table
    assert book.collect(values="verdict", folder=runs)["verdict"].count() == 3
    assert "verdict" not in book.collect(values=(), folder=runs)


def test_a_wide_table_is_in_one_piece(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(3):
        made(tmp_path, f"tiny/{AUDIT}/SEED={k}", values={f"v{i}": x for i, x in enumerate(rng.random(300))})
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.PerformanceWarning)
        table = book.collect(folder=tmp_path)
        table["more"] = 1.0  # pandas warns here of a frame put together column by column


def test_the_projects_own_runs_are_meant_where_no_folder_is_named(runs, monkeypatch):
    monkeypatch.setattr(paths, "runs", lambda: runs)
    assert len(book.collect()) == 4
    assert book.database().sql("SELECT count(*) FROM runs").fetchall() == [(4,)]
    with pytest.raises(InputError, match=r"^runs/quik/\*: no complete run is there"):
        book.collect("quik")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"batch": "tine"}, "tine/*: no complete run is there. The nearest are tiny/01_label_audit"),
        ({"batch": "by-hand"}, "no complete run is there"),
        ({"batch": "tiny", "study": "02*"}, "tiny/02*: no complete run is there"),
        (
            {"values": ("gap.*", "gap.estimat")},
            "values = gap.estimat: no value of 4 runs matches. The nearest are gap.es",
        ),
    ],
)
def test_what_matches_nothing_is_refused_with_one_line(runs, asked, says):
    with pytest.raises(InputError) as error:
        book.collect(**asked, folder=runs)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ask", [lambda f: book.collect(folder=f), book.database])
def test_no_run_at_all_is_refused(tmp_path, ask):
    with pytest.raises(InputError, match=r"no complete run is there. Start some with 'make study' or 'make sweep'"):
        ask(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        ask(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not readable (Expecting property name"),
        (b'{"values": "\xff"}', "not readable ("),
        (b"[]", "values or provenance are missing"),
        (b'{"values": []}', "values or provenance are missing"),
    ],
)
def test_a_broken_result_is_named_by_its_run(runs, text, says):
    (runs / "sweep" / AUDIT / "SEED=1" / "results.json").write_bytes(text)
    with pytest.raises(InputError) as error:
        book.collect(folder=runs)
    assert str(error.value).startswith(f"sweep/{AUDIT}/SEED=1/results.json: {says}")
    assert str(runs) not in str(error.value)


def test_sql_sees_what_the_table_sees(runs):
    connection = book.database(runs)
    query = """
        SELECT batch, study, instance, started, wall_seconds, (parameters->>'$.SEED')::INTEGER AS SEED,
            (results->>'$.gap.estimate')::DOUBLE AS "gap.estimate", results->>'$.verdict' AS verdict
        FROM runs WHERE claims->>'$[0].id' = 'c' AND (provenance->>'$.device') = 'CPU'
        ORDER BY batch, study, instance
    """
    seen = connection.sql(query).df()
    table = book.collect(folder=runs)[list(seen)]
    pd.testing.assert_frame_equal(seen, table, check_dtype=False)


def test_sql_sees_the_rows_of_complete_runs(runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    connection = book.database(runs.relative_to(runs.parent))
    monkeypatch.chdir("/")
    assert connection.table("cases").columns == ["batch", "study", "instance", "case", "dice"]
    seen = connection.sql("SELECT batch, study, instance, count(*), avg(dice) FROM cases GROUP BY ALL ORDER BY ALL")
    assert seen.fetchall() == [
        ("sweep", AUDIT, ODD, 1, None),
        ("sweep", AUDIT, "SEED=1", 2, 0.75),
        ("sweep", WORLDS, "default", 2, 0.75),
        ("tiny", AUDIT, "default", 2, 0.75),
    ]
    joined = connection.cursor().sql("SELECT count(*) FROM runs JOIN cases USING (batch, study, instance)")
    assert joined.fetchall() == [(7,)]


def test_sql_fetches_nothing_from_the_network(runs):
    settings = ("autoinstall_known_extensions", "autoload_known_extensions")
    query = ", ".join(f"current_setting('{name}')" for name in settings)
    assert book.database(runs).sql(f"SELECT {query}").fetchall() == [(False, False)]


def test_sql_without_rows_and_with_unreadable_ones(runs, tmp_path):
    (runs / "sweep" / AUDIT / ODD / "cases.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"^cases\.parquet: not readable \(") as error:
        book.database(runs)
    assert str(runs) not in str(error.value)
    (made(tmp_path / "b", f"tiny/{AUDIT}/default") / "cases.parquet").unlink()
    assert book.database(tmp_path / "b").sql("SHOW TABLES").fetchall() == [("runs",)]
