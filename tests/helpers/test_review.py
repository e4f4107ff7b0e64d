"""The living review: bad tables are refused in one line, a day is respected, and databases give the rows back."""

import sqlite3
from contextlib import closing

import pytest

from helpers import datasets
from helpers.datasets.review import __main__ as command
from helpers.datasets.review.reading import written
from helpers.datasets.review.views import VIEWS
from helpers.errors import InputError
from tests.helpers.review_tables import small


@pytest.fixture
def write(tmp_path):
    """A function that writes tables as a review, and returns the folder."""

    def saved(tables):
        datasets.save_review(tables, tmp_path / "review")
        return tmp_path / "review"

    return saved


def test_tables_are_read_as_they_were_written(write):
    tables = datasets.load_review(write(small()))
    assert {name: written(table) for name, table in tables.items()} == {n: written(t) for n, t in small().items()}
    assert tables["work"].loc[5, "title"] == "A model of 2024 with <40 cases"
    assert datasets.newest_day(tables) == "2026-11-02"


def test_the_books_review_keeps_its_rules():
    if not (command.paths.project() / "book" / "review" / "artifact.csv").is_file():
        pytest.skip("book/review has no tables yet")
    assert len(datasets.load_review()["artifact"]) > 0


@pytest.mark.parametrize(
    ("changes", "where", "problem"),
    [
        ({"dataset": {(3, "dataset_id"): "chest"}}, "dataset.csv, row 3, column dataset_id", "is also in row 2"),
        ({"dataset": {(2, "dataset_id"): "zoo"}}, "dataset.csv, row 3, column dataset_id", "follows 'zoo'"),
        ({"dataset": {(3, "licence_checked"): ""}}, "dataset.csv, row 3, column licence_checked", "is empty, expected"),
        ({"dataset": {(2, "released"): ""}}, "dataset.csv, row 2, column released", "is empty, expected a value"),
        ({"dataset": {(2, "name"): ""}}, "dataset.csv, row 2, column name", "is empty, expected a value"),
        ({"dataset": {(2, "released"): "2019-1-21"}}, "dataset.csv, row 2, column released", "expected a day such as"),
        ({"dataset": {(2, "released"): "2019-02-30"}}, "dataset.csv, row 2, column released", "holds '2019-02-30'"),
        (
            {"dataset": {(2, "released"): "２０１９-01-21"}},
            "dataset.csv, row 2, column released",
            "expected a day such as",
        ),
        (
            {"dataset": {(2, "url"): "javascript:alert(1)"}},
            "dataset.csv, row 2, column url",
            "expected an address such",
        ),
        ({"dataset": {(2, "doi"): "https://doi.org/10.1/a"}}, "dataset.csv, row 2, column doi", "without its address"),
        ({"work": {(2, "openalex"): "A12"}}, "work.csv, row 2, column openalex", "an id of OpenAlex such as W12"),
        ({"dataset_version": {(2, "dataset_id"): "gone"}}, "row 2, column dataset_id", "expected a key of dataset.csv"),
        (
            {"records": {(2, "attribute"): "religion"}},
            "records.csv, row 2, column attribute",
            "expected one of sex, age",
        ),
        ({"artifact": {(2, "subject_id"): "report"}}, "artifact.csv, row 2, column subject_id", "a key of dataset.csv"),
        ({"artifact": {(2, "subject_type"): "paper"}}, "artifact.csv, row 2, column subject_id", "a key of work.csv"),
        (
            {"artifact": {(2, "type"): "scandal"}},
            "artifact.csv, row 2, column type",
            "holds 'scandal', expected one of",
        ),
        ({"artifact": {(2, "status"): "sure"}}, "artifact.csv, row 2, column status", "expected one of verified, rep"),
        ({"artifact": {(2, "severity"): ""}}, "artifact.csv, row 2, column severity", "is empty, expected a value"),
        ({"artifact": {(2, "status"): "verified"}}, "row 2, column status", "a row in evidence.csv of kind recomputed"),
        ({"evidence": {(2, "kind"): "paper"}}, "artifact.csv, row 3, column status", "a row in evidence.csv"),
        ({"artifact": {(4, "valid_to"): "2021-04-19"}}, "row 4, column valid_to", "expected a day from valid_from on"),
        ({"artifact": {(2, "reported_on"): "2019-01-20"}}, "row 2, column reported_on", "a day after the release"),
        ({"artifact": {(4, "supersedes"): "near"}}, "artifact.csv, row 3, column supersedes", "leads back to 'near'"),
        ({"artifact": {(4, "supersedes"): "old-near"}}, "artifact.csv, row 3, column supersedes", "back to 'old-near'"),
        ({"artifact": {(3, "supersedes"): "gone"}}, "row 3, column supersedes", "a key of artifact.csv"),
        ({"artifact": {(2, "statement"): "seen in DUKE_000"}}, "column statement", "no identifier of a case"),
        ({"artifact": {(2, "statement"): "in UCSF-PDGM-0000"}}, "column statement", "no identifier of a case"),
        ({"artifact": {(2, "statement"): "see 00000000_000.png"}}, "column statement", "no identifier of a case"),
        ({"artifact": {(2, "statement"): "Patient 17 is shown"}}, "column statement", "no identifier of a case"),
        ({"artifact": {(2, "statement"): "a <script>alert(1)</script>"}}, "column statement", "expected no HTML"),
        ({"artifact": {(2, "statement"): "a &lt;b&gt;"}}, "column statement", "expected no HTML"),
        ({"artifact": {(2, "statement"): "=1+1"}}, "column statement", "expected no formula"),
        ({"evidence": {(2, "value"): "-2+3"}}, "row 2, column value", "expected no formula"),
        ({"artifact": {(2, "statement"): "@SUM(A1)"}}, "column statement", "expected no formula"),
        ({"artifact": {(2, "statement"): "a blank "}}, "column statement", "expected no blanks"),
        ({"artifact": {(2, "statement"): "two\nlines"}}, "artifact.csv, row 2", "a cell has a line break"),
        ({"usage": {(3, "work_id"): "nobody"}}, "usage.csv, row 3, column work_id", "a key of work.csv"),
        ({"usage": {(2, "kind"): "liked"}}, "usage.csv, row 2, column kind", "expected one of cited, mentioned"),
        ({"citation": {(2, "cited"): "late"}}, "citation.csv, row 2, column cited", "expected another work"),
    ],
)
def test_bad_cells_are_refused(changes, where, problem, write):
    with pytest.raises(InputError) as error:
        datasets.load_review(write(small(**changes)))
    assert where in str(error.value) and problem in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda text: None, "there is no artifact.csv"),
        (lambda text: "", "the file is empty"),
        (lambda text: "\ufeff" + text, "byte order mark"),
        (lambda text: text.replace("\n", "\r\n"), "row 1: ends as lines of Windows do"),
        (lambda text: text.replace(",", ";"), "row 1: has semicolons"),
        (lambda text: text.replace("old-near,dataset", "<<<<<<< HEAD\nold-near,dataset"), "row 4: has the marker of a"),
        (
            lambda text: text.replace("near,dataset", "=======\nnear,dataset", 1),
            "row 3: has the marker of a merge, =====",
        ),
        (lambda text: text.replace(",severity", "", 1), "column severity: there is no such column"),
        (lambda text: text.replace("status\n", "status,blame\n", 1), "there is no column 'blame'"),
        (lambda text: text.replace("type,severity", "severity,type", 1), "columns have another order"),
        (lambda text: text.replace("drains show", "drains, show"), "row 2: has 13 cells, expected 12"),
        (lambda text: text.replace("drains show", '"drains show'), "row 2: cannot be read as CSV"),
        (lambda text: text.replace("drains show it", '"drains show it"'), "row 2: is not in the one"),
        (lambda text: text.rstrip("\n"), "row 4: is not in the one plain form"),
        (lambda text: text.replace("drains", "dr\udce4ins"), "cannot be read"),
    ],
)
def test_bad_files_are_refused(spoil, problem, write):
    file = write(small()) / "artifact.csv"
    text = spoil(file.read_text(encoding="utf-8"))
    file.unlink() if text is None else file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=problem) as error:
        datasets.load_review(file.parent)
    assert "\n" not in str(error.value)


def test_the_command_names_the_cell(write, capsys):
    folder = write(small())
    assert command.main(["check", f"FOLDER={folder}"]) == 0
    assert capsys.readouterr().out.startswith("dataset 2, dataset_version 1,")
    write(small(dataset={(2, "released"): ""}))
    assert command.main(["check", f"FOLDER={folder}"]) == 1
    assert "dataset.csv, row 2, column released: is empty" in capsys.readouterr().err
    assert command.main(["chek"]) == 1 and "Did you mean check?" in capsys.readouterr().err


# A day.


@pytest.mark.parametrize(
    ("day", "artefacts", "works"),
    [
        ("", {"drain", "near"}, 4),
        ("2026-11-01", {"drain", "old-near"}, 4),
        ("2022-01-04", {"drain"}, 2),
        ("2020-10-01", {"drain"}, 2),
    ],
)
def test_a_day_filters_by_what_was_public(day, artefacts, works):
    known = datasets.as_of(small(), day)
    assert set(known["artifact"]["artifact_id"]) == artefacts and len(known["work"]) == works
    assert set(known["evidence"]["artifact_id"]) == artefacts & {"near"}
    assert set(known["usage"]["work_id"]) <= set(known["work"]["work_id"])
    assert list(known) == list(small())


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        ("2020-09-30", "before the first report, of 2020-10-01"),
        ("2020", "no day"),
        ("20211231", "no day"),  # an ISO date too, but as text it is after every day of 2021
        ("2021-W52-5", "no day"),
        ("2021-02-30", "no day"),
    ],
)
def test_a_bad_day_is_refused(day, problem):
    with pytest.raises(InputError, match=f"AS_OF = {day}: is {problem}"):
        datasets.as_of(small(), day)


# Databases.


def test_sqlite_gives_the_same_bytes(write, tmp_path):
    tables = small()
    place = datasets.export_review(tables, tmp_path / "review.sqlite")
    back = datasets.import_review(place)
    assert {name: written(table) for name, table in back.items()} == {n: written(t) for n, t in tables.items()}
    datasets.export_review(back, tmp_path / "again.sqlite")
    assert (tmp_path / "again.sqlite").read_bytes() == place.read_bytes()


def test_sqlite_has_keys_views_and_search(tmp_path):
    place = datasets.export_review(small(), tmp_path / "review.sqlite")
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        points = {row[2:5] for row in connection.execute("PRAGMA foreign_key_list(usage)")}
        assert points == {("work", "work_id", "work_id"), ("dataset", "dataset_id", "dataset_id")}
        keys = [row[1] for row in connection.execute("PRAGMA table_info(usage)") if row[5]]
        assert keys == ["work_id", "dataset_id"]
        query = (
            "SELECT a.artifact_id FROM artifact_fts f JOIN artifact a ON a.rowid = f.rowid WHERE artifact_fts MATCH ?"
        )
        assert connection.execute(query, ["picture"]).fetchall() == [("near",)]
        known = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING FTS5%content=\"artifact\"%'")
        assert known.fetchall() == [("artifact_fts",)]  # by which Datasette finds it
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO usage VALUES ('late', 'chest', 'cited', 'twice', NULL)")


def test_views_are_the_same_in_both_databases(tmp_path):
    place, review = datasets.export_review(small(), tmp_path / "review.sqlite"), datasets.connect_review(small())
    with closing(sqlite3.connect(place)) as connection:
        for name in VIEWS:
            asked = f"SELECT * FROM {name}"
            assert sorted(map(repr, connection.execute(asked))) == sorted(map(repr, review.execute(asked).fetchall()))


@pytest.mark.parametrize(
    ("view", "columns", "rows"),
    [
        ("without_licence", "dataset_id", [("chest",)]),
        ("not_rechecked", "id", [("chest",), ("drain",), ("old-near",)]),
        ("by_group", "dataset_id, attribute", [("chest", "race"), ("skin", "skin type")]),
        ("claims_touched", "artifact_id, claim", [("near", "notebooks/claims/01_skin.yaml")]),
        ("reports", "dataset_id, report, reported_on", [("chest", "report", "2020-10-01")]),
        ("today", "day", [("2026-11-02",)]),
        ("silent_users", "users, unknown, silent", [(2, 0, 1)]),
        ("users_of_reported", "work_id, answer", [("early", "unknown"), ("late", "cites"), ("silent", "silent")]),
        ("artefacts_per_dataset", "dataset_id, type, artefacts", [("chest", "shortcut", 1), ("skin", "duplicate", 1)]),
    ],
)
def test_a_view_answers(view, columns, rows):
    review = datasets.connect_review(small())
    assert sorted(set(review.execute(f"SELECT {columns} FROM {view}").fetchall())) == rows


def test_changes_since_a_day():
    query = "SELECT id, change FROM changes WHERE day >= '2026-11-02' ORDER BY id, change"
    found = datasets.connect_review(small()).execute(query).fetchall()
    assert found == [("near", "artefact reported"), ("old-near", "artefact ended")]


def test_duckdb_reaches_no_network():
    review = datasets.connect_review(small())
    with pytest.raises(Exception, match="httpfs"):
        review.execute("SELECT * FROM 'https://example.org/table.csv'")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda place: place.unlink(), "there is no such file"),
        (lambda place: place.write_text("no database, and long enough to be read as one" * 20), "is no database of a"),
        (lambda place: _alter(place, "DROP TABLE usage"), "no such table: usage"),
        (lambda place: _alter(place, "UPDATE artifact SET type = 'odd'"), "artifact.csv, row 2, column type"),
    ],
)
def test_a_bad_database_is_refused(spoil, problem, tmp_path):
    place = datasets.export_review(small(), tmp_path / "review.sqlite")
    spoil(place)
    with pytest.raises(InputError, match=problem):
        datasets.import_review(place)


def _alter(place, statement):
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(statement)


def test_a_new_entry_is_one_line_of_a_diff(write):
    folder = write(small())
    tables = datasets.load_review(folder)
    before = written(tables["artifact"]).splitlines()
    row = tables["artifact"].iloc[0].to_dict() | {
        "artifact_id": "leak",
        "type": "split_leak",
        "statement": "both, in parts",
    }
    tables["artifact"].loc[99] = row
    tables["artifact"] = tables["artifact"].sort_values("artifact_id")
    write(tables)
    after = (folder / "artifact.csv").read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line not in before] == [after[2]] and len(after) == len(before) + 1
    assert len(datasets.load_review(folder)["artifact"]) == 4
