"""The study of the living review: its tiny run has what the page quotes, and states of which data a verdict is."""

from helpers import datasets


def test_the_tiny_run_has_what_the_page_quotes(tiny_run):
    found = tiny_run("10_living_review").results
    worlds, verdicts = found["values"]["worlds"], {row["id"]: row for row in found["claims"]}
    assert worlds["aware"]["undated"] - worlds["aware"]["planted"] > 0.3
    assert worlds["before the report"]["users"] == 0 and worlds["before the report"]["corrected"] is None
    assert verdicts["overlooked"]["verdict"] == "direction" and verdicts["overlooked"]["where"] == "in simulation"
    assert {verdicts[name]["verdict"] for name in ("emerges", "mention-or-cite")} == {"not testable here"}


def test_the_day_of_the_review_is_in_its_tables_and_not_the_clock(tiny_run):

    assert tiny_run("10_living_review").results["values"]["review"]["day"] == datasets.newest_day(
        datasets.load_review()
    )
