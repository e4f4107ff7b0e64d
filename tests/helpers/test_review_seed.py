"""The review of the book: plain words, days that fit, and an artefact for each known trap of the data card."""

import re

import pytest

from helpers import datasets, paths
from tests import words

# Heading of the data card -> subjects of its traps.
CARD = {
    "MAMA-MIA": {"mama-mia", "code-mama-mia-challenge", "code-seg-metrics"},
    "Fitzpatrick17k": {"fitzpatrick17k"},
    "UCSF-PDGM": {"ucsf-pdgm", "code-reconstruction"},
    "CheXpert": {"chexpert", "code-reconstruction"},
    "NIH": {"nih-chest-xray", "nih-panel-labels"},
    "Real images": {"pad-ufes-20", "lgg-flair", "covid-chestxray"},
}
EXACT = {"parikh2025algorithm", "code-openood"}  # came out on a first of a month
LINK = re.compile(r"\[(`[\w-]+`(?:, `[\w-]+`)*)\]$")


@pytest.fixture(scope="module")
def review():
    return datasets.load_review()


def traps():
    """Yield the heading and the line of each known trap of the data card."""
    heading = section = ""
    for line in (paths.data() / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading, section = next((name for name in CARD if line[3:].startswith(name)), ""), ""
        elif line.startswith("### ") or line == "What they cannot show:":
            section = line
        elif line.startswith("- ") and heading and section in {"### Known traps", "What they cannot show:"}:
            yield heading, line


def test_each_known_trap_of_the_data_card_is_an_artefact_of_its_data_set(review):
    """Or of code that reads it."""
    subject = dict(zip(review["artifact"]["artifact_id"], review["artifact"]["subject_id"], strict=True))
    found = list(traps())
    assert {heading for heading, _ in found} == set(CARD)
    for heading, line in found:
        link = LINK.search(line)
        assert link, line
        assert {subject[name] for name in link[1].replace("`", "").split(", ")} <= CARD[heading], line


@pytest.mark.parametrize(("table", "columns"), [("artifact", ["statement"]), ("evidence", ["value"])])
def test_words_are_plain(review, table, columns):
    for column in columns:
        found = {text: words.faults(text) for text in review[table][column]}
        assert {text: faults for text, faults in found.items() if faults} == {}


def test_a_report_of_others_has_its_source_and_ours_has_our_evidence(review):
    """What others wrote on an unknown day counts as first public on ours, and so as reported by this project."""
    artifact, evidence = review["artifact"].set_index("artifact_id"), review["evidence"]
    kinds = evidence.groupby("artifact_id")["kind"].agg(set)
    assert set(kinds.index) == set(artifact.index)
    for name, row in artifact.iterrows():
        if row["status"] == "reported":
            assert kinds[name] & {"issue", "paper"}, name
        elif row["reported_by"] == "this project":
            assert kinds[name] & {"recomputed", "source_read"}, name


def test_what_we_found_is_not_older_than_the_project(review):
    """A day of ours is that of a commit; one of somebody else's may be any."""
    ours = review["artifact"][review["artifact"]["reported_by"] == "this project"]
    assert ours["reported_on"].between("2026-11-20", datasets.newest_day(review)).all()
    assert (review["artifact"]["valid_from"] >= review["artifact"]["reported_on"]).all()


def test_a_report_is_not_older_than_its_work(review):
    published = review["work"].set_index("work_id")["published"]
    by_work = review["artifact"][review["artifact"]["reported_by"].isin(published.index)]
    assert len(by_work)
    assert (by_work["reported_on"] >= by_work["reported_by"].map(published)).all()


def test_an_uncertain_day_is_called_so(review):
    """A first of January or of a month is a rounded day, and the row or a version of it states that."""
    versions = review["dataset_version"]
    rounded = versions[versions["released"].str.endswith("-01")]
    assert rounded["note"].str.contains("month only|year only").all()
    works = review["work"]
    rounded = works[works["published"].str.endswith("-01") & ~works["work_id"].isin(EXACT)]
    assert rounded["title"].str.contains("month only|year only|month of the").all()
    datasets_ = review["dataset"].set_index("dataset_id")["released"]
    first = versions.groupby("dataset_id")["released"].min()
    assert first.to_dict() == datasets_.to_dict()
