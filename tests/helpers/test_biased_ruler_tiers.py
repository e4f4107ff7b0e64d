"""Tiers of label quality: every pair of ratings, the bounds, the proxy, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.errors import InputError
from helpers.studies import biased_ruler

G, A, P, M = "Good", "Acceptable", "Poor", "Missed"
PAIRS = {(G, G): 1.0, (G, A): 2.0, (G, P): 2.0, (G, M): 2.0, (A, A): 2.0, (A, P): 2.0, (A, M): 2.0, (P, P): 3.0,
         (P, M): 3.0, (M, M): 3.0}  # fmt: skip


def case(first, second, dice=0.9, hd95=5.0):
    return {"expert_1_qs": first, "expert_2_qs": second, "dice": dice, "hd95": hd95}


@pytest.mark.parametrize(("pair", "tier"), PAIRS.items(), ids=str)
def test_every_pair_in_both_orders(pair, tier):
    found = biased_ruler.tiers(pd.DataFrame([case(*pair), case(*pair[::-1])]))
    assert list(found["tier"]) == [tier, tier]
    assert list(found["easy"]) == [tier < 2] * 2
    assert list(found["basis"]) == ["ratings"] * 2


def test_bounds_belong_to_tier_one():
    frame = pd.DataFrame(
        [case(G, G, 0.80, 10.0), case(G, G, 0.79, 10.0), case(G, G, 0.80, 10.1), case(G, G, 0.9, np.inf)]
    )
    assert list(biased_ruler.tiers(frame)["tier"]) == [1.0, 1.5, 1.5, 1.5]
    assert biased_ruler.tiers(frame)["easy"].all()


def test_case_and_blanks_are_tolerated_and_categories_too():
    frame = pd.DataFrame([case(" good", "GOOD "), case("poor ", "mISSED")])
    assert list(biased_ruler.tiers(frame)["tier"]) == [1.0, 3.0]
    levels = pd.CategoricalDtype([G, A, P, M], ordered=True)
    assert list(biased_ruler.tiers(frame.assign(expert_1_qs=pd.Categorical([G, P], dtype=levels)))["tier"]) == [
        1.0,
        3.0,
    ]


def test_without_ratings_a_proxy_says_so():
    rows = [case(None, None, 0.8, 10.0), case("  ", np.nan, 0.9, 11.0), case(np.nan, np.nan, 0.5, 99.0),
            case(None, None, 0.49, 5.0), case(G, None, 0.9, 5.0)]  # fmt: skip
    found = biased_ruler.tiers(pd.DataFrame(rows))
    assert list(found["tier"]) == [1.0, 2.0, 2.0, 3.0, 1.0]
    assert set(found["basis"]) == {"proxy"}
    assert list(found["note"]) == [""] * 4 + ["one rating is absent"]
    alone = biased_ruler.tiers(pd.DataFrame({"dice": [0.9, 0.7]}, index=["x", "y"]))
    assert list(alone["tier"]) == [1.0, 2.0]
    assert list(alone["note"]) == ["Dice alone"] * 2
    assert list(alone.index) == ["x", "y"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (case("Fine", G), "row 1.*'Fine'"),
        (case(G, 2), "row 1.*2"),
        (case(G, G, 1.2), "row 1.*1.2"),
        (case(G, G, 0.9, -1), "hd95, row 1"),
        (case(G, G, 0.9, np.nan), "hd95, row 1"),
        (case(G, G, np.nan), "dice, row 1"),
        (case(None, None, np.nan), "dice, row 1"),
        (case(G, G, "high"), "row 1.*'high'"),
    ],
)
def test_what_cannot_be_used_is_named(row, words):
    with pytest.raises(InputError, match=words):
        biased_ruler.tiers(pd.DataFrame([case(G, G), row]))


def test_scores_are_needed_only_where_the_tier_needs_them():
    found = biased_ruler.tiers(pd.DataFrame([case(A, G, np.nan, np.nan), case(P, P, np.nan, np.nan)]))
    assert list(found["tier"]) == [2.0, 3.0]
    with pytest.raises(InputError, match="column dice"):
        biased_ruler.tiers(pd.DataFrame({"hd95": [1.0]}))
