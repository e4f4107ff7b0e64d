"""Saved OpenAlex pages with all their traps, and the companion's tables, give the planted users and citations."""

import gzip
import json

import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.review import openalex
from helpers.datasets.review.reading import written
from helpers.errors import InputError
from helpers.report import show
from helpers.studies import living_review
from tests.helpers.review_tables import small

HOME = "https://openalex.org/"
PAPER = "W100"  # of the data set "chest"


def work(number, day, refers=(), **more):
    """One work as OpenAlex returns it; some references have the address and some have not."""
    ids = [(HOME if k % 2 else "") + one for k, one in enumerate(refers)]
    found = {"id": f"{HOME}W{number}", "doi": None, "title": f"Number {number}", "publication_date": day}
    return found | {"publication_year": int(day[:4]) if day else None, "referenced_works": ids} | more


WORKS = [
    work(100, "2019-01-21", doi="https://doi.org/10.1/CHEST", title="Chest X-rays, the data set of many wards"),
    work(3, "2020-10-01", ["W100"], doi="https://doi.org/10.1/report"),
    work(20, "2019-05-01", [PAPER]),  # before the report
    work(21, "2022-05-01", [PAPER, "W3"]),  # cites it
    work(22, "2022-06-01", [PAPER, "W31"], title="<script>alert(1)</script> & <i>lungs</i> seen"),  # W3 begins W31
    work(23, "2022-07-01", [], abstract_inverted_index={"the": [0], "X-rays": [2], "Chest": [1]}),  # no list
    work(24, "2022-08-01", [PAPER], is_retracted=True),
    work(25, "2021-06-01", [PAPER], title="A preprint of four words"),
    work(26, "2022-09-01", ["W3"], title="A Preprint of Four Words."),  # its paper cites the report
    work(27, "2023-01-01", [PAPER]),  # perhaps only a year
    work(28, None, [PAPER], publication_year=None),
    work(29, "2022-10-01", ["W999"], title="Chest X-raysets are no Chest X-rayset"),  # part of a word
    work(30, "2022-11-01", ["W999"], title="On Chest X-rays"),  # a list with nothing known in it
]


@pytest.fixture
def folder(tmp_path):
    """A folder of a page of a list and single works, with a review of its own."""
    place = tmp_path / "openalex"
    place.mkdir()
    (place / "page.json").write_text(json.dumps({"meta": {"count": 9}, "results": WORKS[:9]}), encoding="utf-8")
    for one in WORKS[9:]:
        (place / f"{one['id'].rpartition('/')[2]}.json").write_text(json.dumps(one), encoding="utf-8")
    datasets.save_review(small(), tmp_path / "review")
    return tmp_path


def joined(folder):
    return datasets.with_works(datasets.user_review(folder), datasets.read_openalex(folder))


def test_the_traps_of_saved_pages(folder):
    works, same, dropped = datasets.read_openalex(folder)
    assert same == {"W26": "W25"} and works.loc["W25", "references"] == {PAPER, "W3"}
    assert works.loc["W25", "published"] == "2021-06-01" and works.loc[PAPER, "dois"] == {"10.1/chest"}
    assert works.loc["W23", "text"] == "Number 23 the Chest X-rays"
    assert not {"W24", "W26", "W28"} & set(works.index)
    assert dict(zip(dropped["reason"], dropped["n"], strict=True)) == {
        "retracted": 1,
        "without a day": 1,
        "kept, on 1 January, perhaps only a year": 1,
        "joined, a second copy of a work": 1,
    }


def test_users_and_their_answers(folder):
    review = datasets.connect_review(joined(folder))
    rows = review.execute("SELECT work_id, answer FROM users_of_reported WHERE days_after >= 180").fetchall()
    expected = {"W21": "cites", "W22": "silent", "W23": "unknown", "W25": "cites", "W27": "silent", "W30": "silent"}
    assert dict(rows) == expected | {"late": "cites", "silent": "silent"}
    last = living_review.silent_users(review).iloc[-1]
    assert (last["users"], last["unknown"], last["silent"]) == (8, 1, 4)
    kinds = review.execute("SELECT work_id, kind FROM usage WHERE found_by = 'saved OpenAlex pages'").fetchall()
    assert dict(kinds) == dict.fromkeys(["report", "W20", "W21", "W22", "W25", "W27"], "cited") | dict.fromkeys(
        ["W23", "W30"], "mentioned"
    )


def test_a_report_is_no_user_and_the_review_is_unchanged(folder):
    before = {file: file.read_bytes() for file in (folder / "review").iterdir()}
    tables = datasets.user_review(folder)
    texts = {name: written(table) for name, table in tables.items()}
    review = datasets.connect_review(datasets.with_works(tables, datasets.read_openalex(folder)))
    asked = review.execute("SELECT COUNT(*) FROM users_of_reported WHERE work_id = report").fetchone()
    assert asked == (0,)
    assert {name: written(table) for name, table in tables.items()} == texts
    assert {file: file.read_bytes() for file in (folder / "review").iterdir()} == before


def test_markup_in_a_title_is_shown_as_text(folder):
    titles = joined(folder)["work"].set_index("work_id")[["title"]]
    assert titles.loc["W22", "title"] == WORKS[4]["title"]
    page = show(titles)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;i&gt;" in page


def spoilt(**fields):
    return json.dumps(WORKS[3] | fields)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps({"results": WORKS})[:-40], "page.json: is cut off or no JSON"),
        ("", "page.json: is cut off or no JSON"),
        ("<!doctype html><title>404</title>", "page.json: is cut off or no JSON"),
        ("\n".join(map(json.dumps, WORKS)), "is cut off or no JSON .Extra data.*one page a file"),
        ("[" * 100_000, "is cut off or no JSON"),
        ('{"error": "Invalid query parameters", "message": "no such id"}', "of OpenAlex: Invalid query .*: no such id"),
        ('{"meta": {"count": 3}}', "is neither a work nor a page"),
        ("[1, 2]", "is neither a work nor a page"),
        ('{"results": [{"title": "no id"}]}', "is neither a work nor a page"),
        ('{"id": "https://openalex.org/A12"}', "holds the id 'https://openalex.org/A12', expected one such as W12"),
        (spoilt(publication_date="2022"), "page.json, work W21, field publication_date: holds '2022', expected a day"),
        (spoilt(publication_date="20220501"), "field publication_date: holds '20220501', expected a day"),
        (spoilt(publication_date=20220501), "field publication_date: holds '20220501', expected a day"),
        (spoilt(publication_date=None, publication_year="may"), "field publication_year: holds 'may', expected a year"),
        (spoilt(abstract_inverted_index=["a"]), "field abstract_inverted_index: .*expected words with lists"),
        (spoilt(abstract_inverted_index={"a": "0", "b": [1]}), "field abstract_inverted_index: holds .*'0'"),
        (spoilt(referenced_works="W100"), "field referenced_works: holds 'W100', expected a list of ids"),
        (spoilt(referenced_works=[{"id": "W100"}]), "field referenced_works: .*expected ids such as W12"),
        (spoilt(doi=10.1), "field doi: holds '10.1', expected text"),
        (spoilt(title={"a": 1}), "field title: .*expected text"),
    ],
)
def test_bad_pages_are_refused(text, problem, folder):
    (folder / "openalex" / "page.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as error:
        datasets.read_openalex(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["more.jsonl", "page.json.gz", "notes.txt", "older"])
def test_a_file_that_is_no_page_is_refused(name, folder):
    """Else its works would be missing without a word."""
    place = folder / "openalex" / name
    place.write_bytes(gzip.compress(b"{}")) if "." in name else place.mkdir()
    with pytest.raises(InputError, match=f"{name}: is no page"):
        datasets.read_openalex(folder)


def test_a_folder_without_any_dated_work_is_refused(folder):
    for file in (folder / "openalex").iterdir():
        file.unlink()
    (folder / "openalex" / "page.json").write_text(json.dumps({"results": [WORKS[6], WORKS[10]]}))
    with pytest.raises(InputError, match="holds no work that has a day and is not retracted"):
        datasets.read_openalex(folder)


def only(folder, *pages):
    """Read a folder of these pages alone; text, or what JSON writes."""
    for file in (folder / "openalex").iterdir():
        file.unlink()
    for k, page in enumerate(pages):
        (folder / "openalex" / f"{k}.json").write_bytes(page if isinstance(page, bytes) else json.dumps(page).encode())
    return datasets.read_openalex(folder)


def test_a_work_in_two_files_has_what_both_know(folder):
    bare = {"id": "W21", "title": "Number 21", "publication_date": "2022-05-03", "abstract_inverted_index": None}
    works, same, dropped = only(folder, {"results": [bare, WORKS[0]]}, WORKS[3])
    assert works.loc["W21", "references"] == {PAPER, "W3"} and works.loc["W21", "published"] == "2022-05-01"
    assert len(works) == 2 and not same and dropped.empty
    works, _, dropped = only(folder, WORKS[:4], WORKS[3] | {"is_retracted": True})
    assert "W21" not in works.index and dropped.to_numpy().tolist() == [["openalex", "retracted", 1]]


def test_a_list_that_was_not_saved_to_its_end_is_counted(folder):
    cut = {"meta": {"count": 450, "next_cursor": "abc"}, "results": WORKS[:3]}
    _, _, dropped = only(folder, cut, {"meta": {"count": 1}, "results": WORKS[3:4]})
    assert dropped.to_numpy().tolist() == [["openalex", "not saved, of a list that goes on", 447]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])  # the last is what PowerShell saves
def test_a_page_of_any_encoding_is_read(encoding, folder):
    page = json.dumps({"results": [WORKS[0] | {"title": "Brüste"}]}, ensure_ascii=False)
    assert only(folder, page.encode(encoding))[0].loc[PAPER, "title"] == "Brüste"


def test_half_a_character_in_a_title_is_replaced(folder):
    works = only(folder, WORKS[0] | {"title": "half \ud800 a sign"}, WORKS[1])
    tables = datasets.with_works(datasets.user_review(folder), works)
    assert "half ? a sign" in set(datasets.connect_review(tables).execute("SELECT title FROM work").df()["title"])


def test_a_review_that_is_no_folder_is_not_replaced_by_the_books(folder):
    for file in (folder / "review").iterdir():
        file.unlink()
    (folder / "review").rmdir()
    (folder / "review").write_text("a file")
    with pytest.raises(InputError, match=r"review: there is no dataset.csv"):
        datasets.user_review(folder)


def test_a_folder_without_pages_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no saved page, \*\.json"):
        datasets.read_openalex(tmp_path)


@pytest.mark.parametrize("text", ["W12", "w12", "https://openalex.org/W12", "https://openalex.org/works/w12", " W12 "])
def test_an_id_is_the_same_with_and_without_its_address(text):
    assert openalex.plain_id(text) == "W12"
    assert openalex.plain_id(f"{text}x") == openalex.plain_id("A12") == openalex.plain_id("") == ""


def test_an_id_that_begins_another_does_not_match():
    references = pd.Series({"a": {"W123", "W5"}, "b": {"W12"}, "c": set()})
    assert openalex.matches(references, {"W12"}) == [("b", "W12")]


# The companion's tables.


def companion(root, seen, cited):
    place = root / "Results" / "extraction"
    place.mkdir(parents=True, exist_ok=True)
    columns = ["doc_name", "label1", "label2", "value"]
    pd.DataFrame(seen, columns=columns).to_csv(place / "grobid_fulltext_detection.csv", index=False)
    pd.DataFrame(cited).to_csv(place / "oa_papers_datasets_reference.csv", index=False)
    return root


SEEN = [
    ("A title: of lungs", "ACDC", "In Method", True),
    ("A title: of lungs", "ACDC", "In Table", True),
    ("A title: of lungs", "M&Ms", "Elsewhere", True),
    ("Another", "ACDC", "Elsewhere", True),
    ("Another", "M&Ms", "Elsewhere", False),
    ("Nowhere listed", "ACDC", "Elsewhere", True),
]
CITED = {"doi": ["None", "10.1/b"], "name": ["A title of lungs.", "Another."]}
CITED |= {"ACDC": [True, False], "M&Ms": [False, False]}


def test_mentioned_without_being_cited(tmp_path):
    assert not datasets.has_companion(tmp_path)
    root = companion(tmp_path, SEEN, CITED)
    assert datasets.has_companion(root)
    pairs, dropped = datasets.load_companion(root)
    assert pairs.to_numpy().tolist() == [
        ["a title of lungs", "ACDC", True],
        ["another", "ACDC", False],
        ["a title of lungs", "M&Ms", False],
    ]
    assert dropped["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("seen", "cited", "problem"),
    [
        (
            [(*SEEN[0][:3], "yes")],
            CITED,
            "fulltext_detection.csv, row 2, column value: holds 'yes', expected True",
        ),
        (SEEN, {"doi": ["None"], "ACDC": [True]}, "oa_papers_datasets_reference.csv, column name: there is no such"),
    ],
)
def test_bad_tables_of_the_companion_are_refused(seen, cited, problem, tmp_path):
    with pytest.raises(InputError, match=problem):
        datasets.load_companion(companion(tmp_path, seen, cited))
