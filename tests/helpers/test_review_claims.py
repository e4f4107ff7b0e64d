"""Claims that differ on real data are artefacts of the review; verdicts of simulated runs are none."""

import json

import pandas as pd
import pytest
import yaml

from helpers import datasets, paths
from helpers.book import collected, review_claims, workflow
from helpers.datasets.review.layout import TABLES
from helpers.errors import InputError
from helpers.report import claims

PAPER = "somebody2025gap"
COMMON = {"statement": "Masks are worse", "reference": PAPER, "statistic": "gap in Dice"}
DIGITS = {**COMMON, "id": "gap", "published": "0.25", "scope": "cohort", "by": "digits"}
EFFECT = {**COMMON, "id": "helps", "published": "0.9", "scope": "effect", "kind": "effect"}
NULL = {**COMMON, "id": "alike", "published": "0", "scope": "effect", "kind": "none"}
NULL |= {"margin": 0.1, "unit": "Dice", "because": "b"}
REAL = {"source": "real", "same_data": True}
OURS = {"ours": 0.4, "low": 0.3, "high": 0.5, "low90": 0.32, "high90": 0.48, "n": 80}


def read(review, name):
    return pd.read_csv(review / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A function that records runs in a small project with a review of one paper: {record: (source, day, claims)}."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    review = tmp_path / "book" / "review"
    review.mkdir(parents=True)
    for name, rules in TABLES.items():
        (review / f"{name}.csv").write_text(",".join(rules.columns) + "\n")
    with (review / "work.csv").open("a") as file:
        file.write(f"{PAPER},A gap,2025-10-01,,,\n")

    def write(**runs):
        for old in (tmp_path / "book" / "recorded").glob("*/*/results.json"):
            old.unlink()
        for name, (source, day, rows) in runs.items():
            study, _, label = name.partition("__")
            sheet = tmp_path / "notebooks" / "claims" / f"{study}.yaml"
            place = tmp_path / "book" / "recorded" / study / label / "results.json"
            for file in (sheet, place):
                file.parent.mkdir(parents=True, exist_ok=True)
            sheet.write_text(yaml.safe_dump([]))
            known = {"study": study, "source": source, "parameters": {}, "started": f"{day} 10:00 UTC"}
            place.write_text(json.dumps({"values": {}, "claims": rows, "provenance": known}))
        lines = list(review_claims.told())
        return lines, {name: read(review, name) for name in ("artifact", "evidence")}

    return write


def judge(entry, **given):
    return claims.claim(**{**entry, **REAL, **given})


def only(tables):
    """The one artefact, and its evidence."""
    (artifact,) = tables["artifact"].to_dict("records")
    return artifact, tables["evidence"].to_dict("records")


@pytest.mark.parametrize(
    ("entry", "given", "verdict", "kind"),
    [
        (DIGITS, {"ours": 0.4, "n": 80}, "differs", "print_error"),
        (DIGITS, {"impossible": "no counts give it"}, "impossible as printed", "print_error"),
        (EFFECT, {"impossible": "no counts give it"}, "impossible as printed", "print_error"),
        (EFFECT, OURS, "differs", "not_replicated"),
        (EFFECT, {"ours": -0.4, "low": -0.5, "high": -0.3}, "contradicted", "not_replicated"),
        (NULL, OURS, "differs", "not_replicated"),
        (EFFECT, {**OURS, "same_data": False}, "differs", "not_replicated"),
    ],
)
def test_a_claim_that_differs_on_real_data_is_an_artefact(book, entry, given, verdict, kind):
    row = judge(entry, **given)
    assert row["verdict"] == verdict
    lines, tables = book(a__real=("real", "2026-11-20", [row]))
    artifact, (proof,) = only(tables)
    assert lines == [f"claim-a-{entry['id']}: entered"]
    assert (artifact["subject_type"], artifact["subject_id"], artifact["type"]) == ("paper", PAPER, kind)
    assert artifact["status"] == "verified" and artifact["reported_on"] == "2026-11-20"
    assert proof["locator"] == f"notebooks/claims/a.yaml#{entry['id']}" and proof["kind"] == "recomputed"
    if "low" in given:
        assert f"{given['ours']:.3f} [{given['low']:.3f}, {given['high']:.3f}]" in proof["value"].replace("−", "-")


@pytest.mark.parametrize("entry", [EFFECT, NULL])
def test_a_simulated_verdict_is_no_artefact(book, entry):
    row = judge(entry, **OURS, source="simulated")
    assert row["verdict"] == "differs"
    assert book(a__full=("simulated", "2026-11-20", [row]))[0] == []
    impossible = judge(entry, impossible="no counts give it", source="simulated")
    lines, tables = book(a__full=("simulated", "2026-11-20", [impossible]))
    assert lines == [] and tables["artifact"].empty and tables["evidence"].empty


@pytest.mark.parametrize(
    ("entry", "given"),
    [
        (DIGITS, {"ours": 0.25}),
        (DIGITS, {"ours": 0.4, "same_data": False}),
        (EFFECT, {**OURS, "low": -0.1}),
        (EFFECT, {**OURS, "high": 1.0}),
        (NULL, {**OURS, "low": 0.02, "low90": 0.05}),
    ],
)
def test_other_verdicts_are_no_artefact(book, entry, given):
    lines, tables = book(a__real=("real", "2026-11-20", [judge(entry, **given)]))
    assert lines == [] and tables["artifact"].empty


def test_the_page_of_claims_names_the_artefact_of_a_claim_also_under_a_simulated_verdict(book):
    row = judge(EFFECT, **OURS)
    assert review_claims.artefacts() == {}
    book(a__real=("real", "2026-11-20", [row]))
    place = "notebooks/claims/a.yaml#helps"
    assert review_claims.artefacts() == {place: "claim-a-helps"}
    assert review_claims.locator({"study": "a", "parameters": {}}, "helps") == place
    of = {"page": "a", "study": "A", "title": "A?", "run": "real", "leads": True}
    rows = [{**row, **of, "artefact": "claim-a-helps"}]
    rows.append({**judge(EFFECT, **OURS, source="simulated"), **of, "artefact": "claim-a-helps"})
    shown = collected.markdown(pd.DataFrame([*rows, {**rows[0], "artefact": ""}])).splitlines()[-4:-1]
    assert [line.count("; artefact `claim-a-helps`") for line in shown] == [1, 1, 0]
    assert "in simulation" in shown[1] and "in simulation" not in shown[0]


def test_a_second_time_no_byte_changes(book, tmp_path):
    runs = {"a__real": ("real", "2026-11-20", [judge(DIGITS, ours=0.4), judge(EFFECT, **OURS)])}
    book(**runs)
    files = sorted((tmp_path / "book" / "review").iterdir())
    before = [file.read_bytes() for file in files]
    assert book(**runs)[0] == [] and [file.read_bytes() for file in files] == before


def test_the_same_claim_in_two_files_is_one_artefact(book):
    row = judge(DIGITS, ours=0.4)
    lines, tables = book(b__real=("real", "2026-11-20", [row]), a__real=("real", "2026-11-21", [row]))
    artifact, proof = only(tables)
    assert lines == ["claim-a-gap: entered"] and artifact["reported_on"] == "2026-11-20"
    assert [row["locator"] for row in proof] == ["notebooks/claims/a.yaml#gap", "notebooks/claims/b.yaml#gap"]
    other = judge({**DIGITS, "statement": "Masks of men are worse"}, ours=0.4)
    assert len(book(a__real=("real", "2026-11-21", [row]), b__real=("real", "2026-11-20", [other]))[1]["artifact"]) == 2


def test_a_name_stays_when_another_file_gets_the_claim(book):
    row = judge(DIGITS, ours=0.4)
    book(b__real=("real", "2026-11-20", [row]))
    lines, tables = book(b__real=("real", "2026-11-20", [row]), a__real=("real", "2026-11-21", [row]))
    assert lines == ["claim-b-gap: verified"] and only(tables)[0]["artifact_id"] == "claim-b-gap"


def test_records_that_disagree_make_it_disputed_and_agreement_resolves_it(book):
    differs, fits = judge(EFFECT, **OURS), judge(EFFECT, **{**OURS, "high": 1.0})
    book(a__one=("real", "2026-11-20", [differs]))
    lines, tables = book(a__one=("real", "2026-11-20", [differs]), a__two=("real", "2026-11-22", [fits]))
    artifact, (proof,) = only(tables)
    assert lines == ["claim-a-helps: disputed"] and artifact["valid_to"] == ""
    assert "a/one: differs" in proof["value"] and "a/two: reproduced" in proof["value"]
    lines, tables = book(a__one=("real", "2026-11-23", [fits]))
    artifact, (proof,) = only(tables)
    assert lines == ["claim-a-helps: resolved"]
    assert (artifact["status"], artifact["valid_to"], artifact["type"]) == ("resolved", "2026-11-23", "not_replicated")
    assert "reproduced" in proof["value"] and "differs" not in proof["value"]
    assert only(book(a__one=("real", "2026-11-24", [fits]))[1])[0]["valid_to"] == "2026-11-23"
    lines, tables = book(a__one=("real", "2026-11-25", [differs]))
    assert lines == ["claim-a-helps: verified"] and only(tables)[0]["valid_to"] == ""


def test_a_claim_that_no_record_can_judge_is_removed(book):
    book(a__real=("real", "2026-11-20", [judge(DIGITS, ours=0.4)]))
    lines, tables = book(a__real=("real", "2026-11-21", [judge(DIGITS, missing="the rows")]))
    assert lines == ["claim-a-gap: removed"] and tables["artifact"].empty and tables["evidence"].empty


def test_what_is_set_by_hand_stays(book, tmp_path):
    runs = {"a__real": ("real", "2026-11-20", [judge(DIGITS, ours=0.4)])}
    book(**runs)
    tables = datasets.load_review()
    tables["artifact"].loc[2, ["severity", "reported_on", "valid_from"]] = ["decides", "2026-11-01", "2026-11-01"]
    hand = dict(
        zip(TABLES["evidence"].columns, ["claim-a-gap", "issue", "an issue", "asked", "2026-11-02"], strict=True)
    )
    tables["evidence"].loc[1] = hand
    datasets.save_review({**tables, "evidence": tables["evidence"].sort_index()}, tmp_path / "book" / "review")
    artifact, proof = only(book(**{"a__real": ("real", "2026-11-24", [judge(DIGITS, ours=0.5)])})[1])
    assert (artifact["severity"], artifact["reported_on"]) == ("decides", "2026-11-01")
    assert proof[0] == hand and "ours 0.500" in proof[1]["value"]


def test_a_paper_that_the_review_lacks_is_named(book):
    row = judge({**DIGITS, "reference": "nobody2024"}, ours=0.4)
    with pytest.raises(InputError, match="there is no work nobody2024"):
        book(a__real=("real", "2026-11-20", [row]))


def test_the_command_enters_and_names_what_it_refuses(book, capsys):
    book(a__real=("real", "2026-11-20", []))
    place = paths.recorded() / "a" / "real" / "results.json"
    results = json.loads(place.read_text())
    place.write_text(json.dumps({**results, "claims": [judge(DIGITS, ours=0.4)]}))
    assert workflow.main(["review-claims"]) == 0 and capsys.readouterr().out == "claim-a-gap: entered\n"
    place.write_text(json.dumps({**results, "claims": [judge({**DIGITS, "reference": "nobody2024"}, ours=0.4)]}))
    assert workflow.main(["review-claims"]) == 2 and "there is no work nobody2024" in capsys.readouterr().err


def test_the_review_of_the_book_is_what_its_records_give():
    """Else somebody has recorded or judged again, and not entered it: make review-claims."""
    held = datasets.load_review()
    given = review_claims.entered(held, review_claims.judged())
    for name in ("artifact", "evidence"):
        assert given[name].to_dict("records") == held[name].to_dict("records"), name
    made = datasets.connect_review(held).execute("SELECT claim FROM claims_touched").df()["claim"]
    assert len(made)
    for file, _, key in made.str.partition("#").itertuples(index=False):
        entries = yaml.safe_load((paths.project() / file).read_text())
        assert key in [entry["id"] for entry in entries]
