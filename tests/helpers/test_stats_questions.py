"""An attribute and its coarsening are one question in every correction."""

import numpy as np
import pandas as pd
import pytest

from helpers import stats

RNG = np.random.default_rng(1)
AGE = RNG.choice(["30", "40", "50", "60"], 200)
TABLE = pd.DataFrame({"age": AGE, "sex": RNG.choice(["f", "m"], 200)})
TABLE["old"] = np.where(TABLE["age"] > "40", "old", "young")
TABLE["code"] = TABLE["sex"].map({"f": "2", "m": "1"})


@pytest.mark.parametrize(
    ("columns", "same"),
    [
        (["age", "sex"], {}),
        (["age", "old"], {"old": "age", "age and old": "age"}),
        (["old", "age"], {"old": "age", "old and age": "age"}),
        (["sex", "code"], {"code": "sex", "sex and code": "sex"}),
        (["age", "sex", "old"], {"old": "age", "age and old": "age", "sex and old": "age and sex"}),
    ],
)
def test_coarsenings(columns, same):
    assert stats.coarsenings(TABLE[columns]) == same


def test_cases_that_lack_one_of_both_are_ignored():
    table = TABLE[["age", "old"]].mask(RNG.random((200, 2)) < 0.1)
    assert stats.coarsenings(table)["old"] == "age"
    table.loc[0] = ["60", "young"]
    assert stats.coarsenings(table) == {}


def test_both_count_once_in_holm_and_bh():
    p = pd.Series({"age": 0.01, "old": 0.02, "sex": 0.04, "empty": np.nan})
    found = stats.adjust_once(p, {"old": "age"})
    assert found["holm"].round(4).to_dict() == pytest.approx(
        {"age": 0.02, "old": 0.04, "sex": 0.04, "empty": np.nan}, nan_ok=True
    )
    assert found.attrs["questions"] == 2
    plain = stats.adjust_once(p, {})
    theirs = stats.adjust_p(p.dropna())
    assert (
        plain["holm"].dropna().tolist() == theirs["holm"].tolist()
        and plain["bh"].dropna().tolist() == theirs["bh"].tolist()
    )
    assert plain.attrs["questions"] == 3


def test_the_table_over_attributes_counts_questions():
    groups = {name: TABLE[name] for name in ("age", "old", "sex")}
    asked = {"groups": groups, "n_permutations": 200}
    score = pd.Series(RNG.normal(size=200))
    once, all_ = (stats.over_attributes(score, **asked, **more) for more in ({"same": {"old": "age"}}, {}))
    assert (once.attrs["questions"], all_.attrs["questions"]) == (2, 3)
    assert (once["p_holm"] <= all_["p_holm"]).all() and once["p"].equals(all_["p"])
