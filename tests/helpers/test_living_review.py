"""The living review: silent users come out as planted, nobody is blamed who came before, and bounds hold."""

import json
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import datasets, paths, report
from helpers.book import collected
from helpers.datasets.review.checking import checked
from helpers.datasets.review.reading import written
from helpers.errors import InputError
from helpers.studies import living_review
from tests.helpers.review_tables import small

FILTER = paths.project() / "book" / "theme" / "static" / "filter.js"
LISTED = ("silent", "half", "aware", "lists missing at random")  # worlds in which the corrected share is claimed


@pytest.fixture(scope="module")
def trials():
    """Six small reviews of each world."""
    rows = [
        {"world": world, "seed": seed, **living_review.trial(world, seed, n_works=1_200, n_draws=200)}
        for world in datasets.CITATION_WORLDS
        for seed in range(6)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("world", LISTED)
def test_the_corrected_share_is_the_planted_one(world, trials):
    """Over six reviews; the limit is five standard errors of their mean, and at least one user in a hundred."""
    rows = trials[trials["world"] == world]
    apart = rows["estimate"] - rows["planted"]
    assert abs(apart.mean()) < max(5 * apart.std() / np.sqrt(len(rows)), 0.01)
    assert (rows["unknown"] > 0).all() == (world == "lists missing at random")


def test_planted_shares_are_those_of_the_worlds(trials):
    planted = trials.groupby("world")["planted"].mean()
    assert planted["silent"] == pytest.approx(1 - 0.05 * 0.985, abs=0.01)
    assert planted["aware"] == pytest.approx(1 - 0.95 * 0.985, abs=0.02)
    assert planted["silent"] > 0.9 > 0.6 > planted["half"] > 0.4 > 0.1 > planted["aware"]


def test_without_dates_the_aware_look_silent(trials):
    table = living_review.summarise(trials)
    assert table.loc["aware", "undated"] - table.loc["aware", "planted"] > 0.4
    assert (table["undated"] >= table["dated"]).drop("before the report").all()
    assert (table.loc[list(LISTED), "dated"] > table.loc[list(LISTED), "planted"]).all()  # of false mentions


def test_nobody_could_have_known_before_the_report(trials):
    early = trials[trials["world"] == "before the report"]
    assert (early["users"] == 0).all() and early[["estimate", "held"]].isna().all(axis=None)
    tables = datasets.simulate_citations("before the report", 300).tables
    found = living_review.silent_users(datasets.connect_review(tables))
    assert (found["answer"] == "nobody could have").all() and found["estimate"].isna().all() and len(found) == 21


def test_only_bounds_hold_where_lists_are_missing_not_at_random(trials):
    rows = trials[trials["world"] == "lists missing not at random"]
    assert rows["bounds_held"].all() and rows["held"].mean() < 0.5
    assert ((rows["bound_low"] <= rows["low"]) & (rows["high"] <= rows["bound_high"])).all()


def counts(rng, silence, lost):
    """Draw what `corrected` takes: some 900 found pairs, a tenth of them wrong."""
    good, bad = rng.poisson(826), rng.poisson(90)
    listed, wrong = rng.binomial(good, 1 - lost), rng.binomial(bad, 1 - lost)
    silent = listed + wrong - rng.binomial(listed, 1 - silence)
    right = rng.hypergeometric(good, bad, 200)
    return {"silent": silent, "users": listed + wrong, "unknown": good + bad - listed - wrong, "right": right}


@pytest.mark.parametrize(("silence", "lost"), [(0.951, 0), (0.508, 0), (0.065, 0), (0.508, 0.5)])
def test_intervals_hold_the_truth(silence, lost):
    """In 93 to 97% of 2,000 draws of counts; the standard error of the rate is half a percentage point."""
    rng = np.random.default_rng(7)
    held = []
    for seed in range(2_000):
        found = living_review.corrected(**counts(rng, silence, lost), read=200, n_draws=400, seed=seed)
        held.append(found["low"] <= silence <= found["high"])
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("world", LISTED)
def test_intervals_hold_the_truth_from_the_tables_on(world):
    rows = pd.DataFrame([{"world": world, **living_review.trial(world, seed)} for seed in range(300)])
    rate = living_review.summarise(rows).loc[world]
    assert rate["low"] <= 0.97 and rate["high"] >= 0.93


def test_a_corrected_share_is_known():
    found = living_review.corrected(90, 100, right=80, read=100)
    assert found["estimate"] == pytest.approx(1 - 0.1 / 0.8) and found["n"] == 100
    assert found["low"] < found["estimate"] < found["high"]
    assert (found["bound_low"], found["bound_high"]) == (found["low"], found["high"])
    wide = living_review.corrected(90, 100, unknown=100, right=80, read=100)
    assert wide["estimate"] == found["estimate"] and wide["bound_low"] < 0.4 and wide["bound_high"] > 0.9
    all_silent = living_review.corrected(100, 100, right=100, read=100)
    assert all_silent["estimate"] == 1 and 0.96 < all_silent["low"] < 0.98 and all_silent["high"] > 0.999


@pytest.mark.parametrize(
    "wrong",
    [{"users": 0, "silent": 0}, {"silent": 101}, {"right": 0}, {"right": 101}, {"read": 101}, {"unknown": -1}],
)
def test_counts_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError, match="silent, users, right, read: "):
        living_review.corrected(**{"silent": 90, "users": 100, "right": 80, "read": 100} | wrong)


# The simulator.


def test_simulated_tables_keep_the_rules_and_the_seed():
    drawn = datasets.simulate_citations("half", 300, 4, seed=3)
    checked(drawn.tables)
    again, other = (datasets.simulate_citations("half", 300, 4, seed=seed) for seed in (3, 4))
    texts = [{name: written(table) for name, table in one.tables.items()} for one in (drawn, again, other)]
    assert texts[0] == texts[1] != texts[2]
    found = drawn.pairs[drawn.pairs["found"]]
    used = drawn.tables["usage"]
    assert set(zip(found["work_id"], found["dataset_id"], strict=True)) == set(
        zip(used["work_id"], used["dataset_id"], strict=True)
    )


def test_mentions_are_found_as_planted():
    pairs = pd.concat([datasets.simulate_citations("half", seed=seed).pairs for seed in range(4)])
    assert pairs["found"][pairs["uses"]].mean() == pytest.approx(0.85, abs=0.02)
    assert pairs["uses"][pairs["found"]].mean() == pytest.approx(0.907, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "slient"}, "world: must be silent, .* Did you mean silent"),
        ({"n_works": 0}, "n_works: 0 is not a whole number"),
        ({"n_datasets": 0}, "n_datasets: 0 is not"),
        ({"seed": -1}, "seed: -1 is not"),
    ],
)
def test_bad_arguments_of_the_simulator_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        datasets.simulate_citations(**arguments)


# The tables and pictures of the page.


def test_users_of_a_small_review():
    review = datasets.connect_review(small())
    for lag, users, silent in ((0, 2, 1), (880, 2, 1), (882, 1, 1), (1_300, 0, 0)):
        last = living_review.silent_users(review, lag=lag).iloc[-1]
        assert (last["users"], last["silent"]) == (users, silent)
    last = living_review.silent_users(review, dated=False).iloc[-1]
    assert (last["users"], last["unknown"], last["n"], last["silent"]) == (3, 1, 2, 1)
    assert living_review.counted_pairs(review, n=1).shape == (1, 2)
    assert set(living_review.counted_pairs(review)["work_id"]) == {"late", "silent"}


def test_the_time_line_keeps_ours_apart():
    line = living_review.time_line(small()).set_index("artifact_id")
    assert line["reporter"].to_dict() == {"drain": "others", "old-near": "others", "near": "this project"}
    assert line.loc["drain", "years"] == pytest.approx(619 / 365.25)
    found = living_review.lags(line.reset_index())
    assert found.loc["others", ["artefacts", "datasets", "late"]].tolist() == [2, 2, 0.5]
    assert found[["low", "high"]].isna().all(axis=None)  # of two data sets no interval is drawn
    many = pd.DataFrame({"reporter": "others", "dataset_id": list("abcd"), "years": [0.5, 2, 3, 4]})
    row = living_review.lags(many).loc["others"]
    assert row["low"] <= row["estimate"] == 2.5 <= row["high"] and row["late"] == 0.75


def test_coverage_and_subjects():
    table = living_review.coverage(small())
    assert table.loc["Chest X-rays", "race"] == "no" and table.loc["Skin photographs", "skin type"] == "partly"
    assert (table == "–").sum(axis=None) == 12
    counted = living_review.subjects(small())
    assert counted["dataset"].to_dict() == {"duplicate": 2, "shortcut": 1}


def test_the_list_of_artefacts_has_the_filter_of_the_claims_page():
    table = living_review.entries(small())
    assert table.loc[0, ["subject", "of", "type", "reported"]].tolist() == [
        "chest",
        "dataset",
        "shortcut",
        "report, 2020-10-01",
    ]
    choices = json.loads(re.search(r"CHOICES = (\[.*?\]);", FILTER.read_text(encoding="utf-8"))[1])
    assert {"of", "type", "severity", "status"} <= set(choices) & set(table)
    assert {"study", "source", "verdict"} <= set(choices) & set(collected.HEAD)


def test_a_filterable_table_is_text_and_whole():
    words = "<script>alert(1)</script> & " + "many words " * 20
    shown = report.filterable(pd.DataFrame({"of": ["code"], "statement": [words]})).data
    assert shown.count("<table") == 1 and 'class="table filterable"' in shown
    assert "<script>" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " + "many words " * 19 in shown


def test_links_and_their_picture():
    table = living_review.links(small())
    assert table.to_numpy().tolist() == [
        ["early", "chest", "uses", 0],
        ["late", "chest", "uses", 0],
        ["report", "chest", "reports", 1],
        ["silent", "chest", "uses", 0],
    ]

    def places(seed):
        ax = living_review.draw_links(table.replace("chest", "a$b$c"), ax=Figure().add_subplot(), seed=seed)
        assert [text.get_text() for text in ax.texts] == [r"a\$b\$c"] and len(ax.lines) == 4
        return np.concatenate([np.asarray(one.get_offsets()) for one in ax.collections])

    assert (places(0) == places(0)).all() and (places(0) != places(1)).any()


def test_the_time_line_is_drawn():
    ax = living_review.draw_time_line(living_review.time_line(small()), ax=Figure().add_subplot())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Chest X-rays", "Skin photographs"]
    shown = {line.get_label(): len(line.get_xdata()) for line in ax.lines}
    assert shown == {"release": 3, "reported by this project": 1, "reported by others": 2}
    assert mpl.dates.num2date(ax.lines[0].get_xdata(orig=False)[0]).date().isoformat() == "2019-01-21"


# The claims.


@pytest.mark.parametrize(("world", "verdict"), [("silent", "direction"), ("aware", "contradicted")])
def test_overlooked_comes_out_where_it_was_planted(world, verdict):
    found = living_review.trial(world, 5)
    values = {"today": {"corrected": {k: found[k] for k in ("estimate", "low", "high")} | {"n": 900.0}}}
    extra = {name: {"missing": "not asked"} for name in ("emerges", "citations", "mention-or-cite")}
    rows = report.judge("10_living_review", {"SOURCE": "simulated"}, values, extra=extra)
    assert {row["id"]: row["verdict"] for row in rows}["overlooked"] == verdict
    assert {row["where"] for row in rows if row["id"] == "overlooked"} == {"in simulation"}
