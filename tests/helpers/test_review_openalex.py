"""Saved OpenAlex pages with all their traps, and the companion's tables, give the planted users and citations."""

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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps({"results": WORKS})[:-40], "page.json: is cut off or no JSON"),
        ('{"error": "Invalid query parameters", "message": "no such id"}', "holds an error of OpenAlex: Invalid query"),
        ('{"meta": {"count": 3}}', "is neither a work nor a page"),
        ("[1, 2]", "is neither a work nor a page"),
        ('{"results": [{"title": "no id"}]}', "is neither a work nor a page"),
        ('{"id": "https://openalex.org/A12"}', "holds the id 'https://openalex.org/A12', expected one such as W12"),
    ],
)
def test_bad_pages_are_refused(text, problem, folder):
    (folder / "openalex" / "page.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as error:
        datasets.read_openalex(folder)
    assert "\n" not in str(error.value)


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
