"""The part of an audit on the source: whom it takes, and that no size of a small group follows from what it shows."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, stats
from helpers.datasets.own.withholding import withhold
from helpers.studies import own_scores
from helpers.studies.own_scores.sections import pairs_of_groups
from helpers.studies.own_scores.suppression import SUPPRESSED, small_sources

FEW = {"n_boot": 50, "n_permutations": 50}


def table(cells, seed=0):
    """Make cases from sizes by source and sex, with ages that have nothing to do with either."""
    rng = np.random.default_rng(seed)
    rows = [(site, sex) for (site, sex), n in cells.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["site", "sex"])
    return frame.assign(dice=rng.random(len(frame)).round(3), age=np.resize(["old", "young"], len(frame)))


def load(folder, frame, **asked):
    frame.to_csv(folder / "mine.csv", index=False)
    return datasets.load_own_scores(folder / "mine.csv", **{"groups": "sex, age", "source": "site"} | asked)


def within(own):
    groups = {name: own.cases[name] for name in own.groups}
    return own_scores.gaps_in_sources(own.cases["dice"], groups=groups, sources=own.cases["site"], **FEW)[0]


# Sizes by source and sex, and the sources whose sizes are hidden.
SIZES = [
    ("nothing small", {("A", "F"): 20, ("A", "M"): 20, ("B", "F"): 20, ("B", "M"): 20}, ""),
    ("F of A is F less F of B", {("A", "F"): 7, ("A", "M"): 30, ("B", "F"): 30, ("B", "M"): 30}, "AB"),
    ("the smallest other source", {("A", "F"): 7, ("A", "M"): 30, ("B", "F"): 40, ("B", "M"): 30,
                                   ("C", "F"): 20, ("C", "M"): 30}, "AC"),
    ("two that hide each other", {("A", "F"): 7, ("A", "M"): 30, ("B", "F"): 8, ("B", "M"): 30,
                                  ("C", "F"): 20, ("C", "M"): 30}, "AB"),
    ("one of them needs F", {("A", "F"): 7, ("A", "M"): 30, ("B", "M"): 20, ("C", "F"): 40, ("C", "M"): 30}, "AC"),
    ("a small source", {("A", "F"): 0, ("A", "M"): 4, ("B", "F"): 30, ("B", "M"): 30}, "AB"),
]  # fmt: skip


def test_few_cases_are_no_difference_of_totals_although_they_have_no_group(tmp_path):
    """Of 30 cases without a sex five have no source; of 29 four are all of source C."""
    cells = {(site, sex): 40 for site in "AB" for sex in "FM"}
    own = load(tmp_path, table(cells | {("A", None): 25, (None, None): 5}), groups="sex")
    assert len(own.cases) == 185 and own.cases["site"].notna().all() and own.dropped["n"].tolist() == [5]
    own = load(tmp_path, table(cells | {("A", None): 25, ("C", None): 4}), groups="sex")
    assert small_sources({"sex": own.cases["sex"]}, own.cases["site"]) == ["B", "C"]


@pytest.mark.parametrize(("name", "cells", "hidden"), SIZES, ids=[case[0] for case in SIZES])
def test_the_sizes_of_a_source_are_hidden_for_every_attribute(name, cells, hidden, tmp_path):
    own = load(tmp_path, table(cells))
    assert small_sources({name: own.cases[name] for name in own.groups}, own.cases["site"]) == list(hidden)
    found = within(own)
    for attribute in own.groups:
        sizes = found.loc[attribute][["n", "n_a", "n_b"]]
        assert (sizes.loc[list(hidden)] == SUPPRESSED).all(axis=None)
        assert not (sizes.drop(index=list(hidden)) == SUPPRESSED).any(axis=None)


def test_a_third_group_is_not_the_difference_of_two_attributes(tmp_path):
    """Of A the rows of sex give 40, those of age 33: up to 40 has 7, which no row shows."""
    frame = table({("A", "F"): 15, ("A", "M"): 25, ("B", "F"): 40, ("B", "M"): 40, ("C", "F"): 40, ("C", "M"): 40})
    frame["age"] = ["up to 40"] * 7 + ["40 to 60"] * 16 + ["over 60"] * 17 + [
        *np.resize(["up to 40", "40 to 60", "over 60"], 160)]  # fmt: skip
    own = load(tmp_path, frame)
    assert "A" in small_sources({"age": own.cases["age"]}, own.cases["site"])
    found = within(own)
    assert (found.xs("A", level=1)[["n", "n_a", "n_b"]] == SUPPRESSED).all(axis=None)


@pytest.mark.parametrize("seed", range(40))
def test_no_small_group_can_be_computed_from_the_sizes_of_sources(seed):
    """As a reader would: each group, and the total, less the sizes of all sources that are shown."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 600))
    sources = pd.Series(rng.choice(list("ABCDE"), n, p=rng.dirichlet([2] * 5))).astype("category")
    groups = {k: pd.Series(rng.choice(list("xyz"), n, p=[0.6, 0.3, 0.1])).astype("category") for k in "ab"}
    groups["c"] = groups["a"].mask(pd.Series(rng.random(n) < 0.1))
    audited = withhold(pd.DataFrame(groups), list(groups)).kept  # as the loader does
    sources, groups = sources[audited], {name: of[audited] for name, of in groups.items()}
    hidden = sources.isin(small_sources(groups, sources))
    for of in [pd.Series("all", sources.index), *groups.values()]:
        sizes = of.value_counts()
        large = of.where(of.map(sizes).astype(float) >= 10)
        if ((sizes > 0) & (sizes < 10)).any():  # their number is the total less the groups that are shown
            large = large.astype(object).fillna("rest")
        kept = pd.crosstab(sources[~hidden], large[~hidden])
        assert not ((kept > 0) & (kept < 10)).any(axis=None)
        rest = large[hidden].value_counts()
        assert not ((rest > 0) & (rest < 10)).any()


def test_cases_without_a_source_are_a_note_and_no_row(tmp_path):
    own = load(tmp_path, table({("A", "F"): 40, ("A", "M"): 40, ("B", "F"): 40, ("B", "M"): 40, (None, "F"): 30}))
    assert list(own.cases["site"].cat.categories) == ["A", "B"] and own.cases["site"].isna().sum() == 30
    assert "site: 30 cases have no source; only the parts on the source leave them out" in own.notes
    assert own.dropped["n"].tolist() == [30] and len(own.cases) == 190
    groups = {name: own.cases[name] for name in own.groups}
    given = own_scores.given_sources(own.cases["dice"], groups=groups, sources=own.cases["site"])
    known = own.cases[own.cases["site"].notna()]
    by = known.groupby("sex", observed=True)["dice"].mean()
    assert given["sex"].loc["M", "alone"] == pytest.approx(by["M"] - by["F"])
    assert given["sex"].loc["M", ["reference", "n", "n_reference"]].tolist() == ["F", 80, 80]
    assert set(within(own).index.get_level_values(1)) == {"pooled", "pooled, permuted within sources", "A", "B"}


def test_five_without_a_source_change_nothing_given_the_source(tmp_path):
    """Five women of low score without a site: as a level of the source they took the whole contrast with them."""
    frame = table({("A", "F"): 45, ("A", "M"): 50, ("B", "F"): 45, ("B", "M"): 50})
    few = pd.DataFrame({"site": None, "sex": "F", "dice": 0.05, "age": ["old", "young"] * 2 + ["old"]})
    own, without = (load(tmp_path, f) for f in (pd.concat([frame, few]), frame))
    pd.testing.assert_frame_equal(own.cases, without.cases)
    (note,) = own.notes
    assert note.startswith("site: fewer than 10 cases without a source are left out of every table")
    assert own.dropped["n"].tolist() == [5]  # which a report shows as "<10"


def test_a_source_that_hardly_a_case_has_is_left_out(tmp_path):
    frame = table({("A", "F"): 4, ("A", "M"): 5, (None, "F"): 60, (None, "M"): 60})
    own = load(tmp_path, frame)
    assert own.source == "" and len(own.cases) == 129 and own.cases["site"].isna().all()
    assert own.notes == ["site: too few cases have a source, so nothing is given the source"]


def test_the_source_is_left_out_rather_than_a_group(tmp_path):
    """Twelve women, of whom five have no site: without these five no group could be compared with the men."""
    own = load(tmp_path, table({("A", "F"): 7, ("A", "M"): 40, (None, "F"): 5}), groups="sex")
    assert own.source == "" and own.cases["sex"].value_counts().to_dict() == {"M": 40, "F": 12}
    assert own.dropped.empty and own.cases["site"].isna().all()


def test_every_difference_is_a_group_less_the_reference():
    """The largest group is the last; first table, pairs and the contrast within a source have one sign."""
    rng = np.random.default_rng(0)
    sex = pd.Series(["F"] * 40 + ["M"] * 60, dtype="category")
    score, sources = pd.Series(rng.random(100)) - 0.1 * (sex == "F"), pd.Series(["A", "B"] * 50, dtype="category")
    right = score[sex == "F"].mean() - score[sex == "M"].mean()
    groups, sizes = {"sex": sex}, {"sex": stats.group_sizes(sex)}
    first = stats.against_reference(score, groups=sex, n_boot=50)
    pairs = pairs_of_groups(score, groups=groups, tests=pd.Series({"sex": "Welch"}), sizes=sizes)
    of_source, _ = own_scores.gaps_in_sources(score, groups=groups, sources=sources, **FEW)
    given = own_scores.given_sources(score, groups=groups, sources=sources)
    assert first.loc["F", "estimate"] == pytest.approx(right)
    assert pairs.index.tolist() == [("sex", "M", "F")] and pairs["n_b"].tolist() == [40]
    row = pairs.iloc[0]
    assert row["difference"] == pytest.approx(right) and row["low"] < row["difference"] < row["high"]
    assert of_source.loc[("sex", "pooled"), "contrast"] == pytest.approx(right)
    assert of_source.loc[("sex", "A"), ["a", "b"]].tolist() == ["M", "F"]
    assert given["sex"].loc["F", "alone"] == pytest.approx(right)
