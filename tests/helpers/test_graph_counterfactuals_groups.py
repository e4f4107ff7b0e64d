"""Counterfactuals by sex and by site: a planted difference is found, and no small group can be read off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.errors import InputError
from helpers.studies import graph_counterfactuals as study

N = 120


def rows(*, planted: bool = True, seed: int = 0) -> pd.DataFrame:
    """Rows of two methods; in women the walk changes the marker more often and takes two edits more, if planted."""
    rng = np.random.default_rng(seed)
    woman = np.arange(N) % 2 == 0
    unlike = woman if planted else np.zeros(N, bool)
    valid = rng.random(N) < 0.9
    table = pd.DataFrame(
        {
            "graph": np.arange(N),
            "method": "traversal",
            "sex": np.where(woman, "female", "male"),
            "site": np.where(rng.random(N) < 0.5, "A", "B"),
            "valid": valid,
            "edits": rng.integers(2, 5, N) + 2 * unlike,
            "transfer": np.where(valid, (rng.random(N) < 0.8).astype(float), np.nan),
            "motif_changed": rng.random(N) < 0.5,
            "marker_changed": rng.random(N) < np.where(unlike, 0.9, 0.1),
            "on_motif": np.where(np.arange(N) < 8, np.nan, rng.random(N)),
        }
    )
    return pd.concat([table, table.assign(method="greedy", marker_changed=False)], ignore_index=True)


def test_a_planted_difference_of_sexes_is_found_and_sites_are_alike():
    table = study.by_group(rows(), "sex", n_boot=500)
    gap = "female less male"
    assert table.loc[("marker_changed", gap), "low"] > 0.5 and table.loc[("edits", gap), "low"] > 1
    assert table.loc[("motif_changed", gap), "low"] < 0 < table.loc[("motif_changed", gap), "high"]
    site = study.by_group(rows(planted=False), "site", n_boot=500)
    names = site.loc["valid"].index
    assert list(names[:2]) == ["A", "B"] or list(names[:2]) == ["B", "A"]
    assert names[2] in {"A less B", "B less A"}


def test_numbers_are_of_the_valid_and_known_ones():
    part = rows()
    one = part[(part["method"] == "traversal") & (part["sex"] == "female")]
    table = study.by_group(part, "sex", n_boot=100)
    valid = one[one["valid"]]
    assert table.loc[("valid", "female"), ["estimate", "n"]].tolist() == [one["valid"].mean(), 60]
    assert table.loc[("marker_changed", "female"), "n"] == len(valid)
    assert table.loc[("edits", "female"), "estimate"] == pytest.approx(valid["edits"].mean())
    assert table.loc[("on_motif", "female"), "n"] == valid["on_motif"].notna().sum()
    ends = table[["low", "estimate", "high"]].to_numpy(float)
    assert (np.diff(ends, axis=1) >= 0).all()
    assert study.by_group(part, "sex", method="greedy", n_boot=50).loc[("marker_changed", "female"), "estimate"] == 0


@pytest.mark.parametrize(("sizes", "shown"), [
    ({"a": 40, "b": 30}, ["a", "b"]),
    ({"a": 40, "b": 9}, []),  # the number of all graphs less 40 is 9
    ({"a": 40, "b": 30, "c": 5}, ["a"]),  # so b is hidden with c
    ({"a": 40, "b": 30, "c": 6, "d": 6}, ["a", "b"]),  # twelve hidden graphs of two groups
    ({"a": 40, "b": 30, "c": 2, "d": 2}, ["a"]),
    ({"a": 5, "b": 4}, []),
])  # fmt: skip
def test_a_hidden_group_cannot_be_computed_from_the_others(sizes, shown):
    groups = pd.Series([name for name, n in sizes.items() for _ in range(n)] + [None] * 3)
    assert study.shown_groups(groups) == shown
    if len(shown) < 2:
        part = rows().iloc[: sum(sizes.values())].assign(sex=groups.dropna().to_numpy()[: len(rows())])
        assert study.by_group(part, "sex", n_boot=50).empty


def test_a_difference_is_hidden_with_its_smaller_group():
    part = rows()
    women = (part["sex"] == "female") & (part["method"] == "traversal")
    part.loc[part.index[women][4:], "valid"] = False
    table = study.by_group(part, "sex", n_boot=50)
    assert table.loc[("edits", "male less female") if ("edits", "male less female") in table.index
                     else ("edits", "female less male"), "n"] < 10  # fmt: skip


def test_measures_that_no_graph_has_are_left_out():
    part = rows().assign(motif_changed=np.nan, marker_changed=np.nan, on_motif=np.nan)
    table = study.by_group(part, "sex", n_boot=50)
    assert set(table.index.get_level_values(0)) == {"valid", "transfer", "edits"}
    none = study.by_group(rows().assign(sex=np.nan), "sex", n_boot=50)
    assert none.empty and study.group_values(none) == {}
    assert study.group_values(table)["valid, female"]["n"] == 60


@pytest.mark.parametrize(("call", "message"), [
    (lambda: study.by_group(rows(), "age"), "attribute: must be sex or site"),
    (lambda: study.by_group(rows(), "sex", method="walk"), "method: must be traversal or greedy"),
])  # fmt: skip
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(InputError, match=message):
        call()


def rivals(walk: dict[str, float], nearest: dict[str, float]) -> pd.DataFrame:
    """Rows of the walk and the nearest graph, with values that vary a little around given means."""
    rng = np.random.default_rng(3)
    parts = []
    for method, means in (("traversal", walk), ("nearest graph", nearest)):
        shares = {name: rng.random(60) < mean for name, mean in means.items() if name != "edits"}
        part = pd.DataFrame({"graph": range(60), "method": method, "edits": means["edits"] + rng.random(60), **shares})
        parts.append(part.assign(transfer=part["transfer"].astype(float)))
    return pd.concat(parts, ignore_index=True)


def test_the_rival_wins_where_its_interval_is_on_the_better_side():
    walk = {"valid": 0.9, "transfer": 0.7, "support": 0.1, "edits": 4.0}
    table = study.against_nearest(rivals(walk, {**walk, "support": 1.0, "edits": 2.0}), n_boot=500)
    assert table["better"].to_dict() == {
        "valid": "open", "transfer": "open", "support": "nearest graph", "edits": "nearest graph"}  # fmt: skip
    assert table.loc["edits", "high"] < 0 < table.loc["support", "low"]
    back = study.against_nearest(rivals({**walk, "support": 1.0, "edits": 2.0}, walk), n_boot=500)
    assert back.loc[["support", "edits"], "better"].tolist() == ["walk", "walk"]


def test_edits_are_compared_with_the_fewest_in_the_same_graphs():
    walk = {"valid": 0.6, "transfer": 0.7, "support": 0.1, "edits": 4.0}
    part = rivals(walk, {**walk, "valid": 1.0, "edits": 2.0})
    fewest = np.where(np.arange(60) < 40, 1, 3)
    table = study.against_fewest(part, fewest, n_boot=300)
    for method, row in table.iterrows():
        some = part[(part["method"] == method) & part["valid"].astype(bool)]
        least = fewest[some["graph"]]
        assert row["n"] == len(some) and row["fewest"] == pytest.approx(least.mean())
        assert row["estimate"] == pytest.approx((some["edits"] - least).mean())
        assert row["low"] < row["estimate"] < row["high"] and row["edits"] == pytest.approx(some["edits"].mean())
    none = part.assign(valid=part["valid"] & (part["method"] != "traversal"))
    assert list(study.against_fewest(none, fewest, n_boot=50).index) == ["nearest graph"]
    with pytest.raises(InputError, match="fewest: 59 numbers for 60 graphs"):
        study.against_fewest(part, fewest[:59])


def test_edits_are_compared_in_graphs_that_the_walk_flips():
    part = rivals({"valid": 0.5, "transfer": 0.5, "support": 0.5, "edits": 2.0}, dict.fromkeys(
        ("valid", "transfer", "support", "edits"), 1.0))  # fmt: skip
    flipped = part.loc[(part["method"] == "traversal") & part["valid"].astype(bool), "graph"]
    assert study.against_nearest(part, n_boot=50).loc["edits", "n"] == len(flipped)
    none = part.assign(valid=part["valid"] & (part["method"] != "traversal"))
    assert list(study.against_nearest(none, n_boot=50).index) == ["valid", "support"]
