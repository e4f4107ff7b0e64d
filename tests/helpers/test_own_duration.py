"""The time that an audit takes is estimated before it starts, on the machine where it runs."""

import time

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.book import own_audit
from helpers.studies import own_scores


@pytest.mark.parametrize(
    "more",
    [{"rows": 10_000}, {"attributes": 4}, {"ordered": 1}, {"source": True}, {"truth": True}, {"models": 3},
     {"n_boot": 20_000}, {"n_permutations": 9_000}, {"unit": 2e-8}],
)  # fmt: skip
def test_more_work_takes_longer(more):
    least = {"rows": 900, "attributes": 2, "unit": 1e-8}
    assert own_audit.expected_seconds(**least | more) > own_audit.expected_seconds(**least)


def test_rows_of_a_classifier_are_drawn_one_by_one_where_they_are_few_repeated_or_weighted():
    def of(rows: int, **more: bool) -> float:
        return own_audit.expected_seconds(rows, 2, unit=1e-8, **more)

    assert of(999, truth=True) > of(999) and of(1000, truth=True) == of(1000)
    assert of(10_000, truth=True, repeated=True) > 2 * of(10_000, truth=True)
    assert of(10_000, repeated=True) == of(10_000)


def test_time_grows_with_rows_as_work_does():
    at = [own_audit.expected_seconds(rows, 3, source=True, unit=2e-8) for rows in (10_000, 20_000, 40_000)]
    assert at[2] - at[1] == pytest.approx(2 * (at[1] - at[0]))


@pytest.mark.parametrize("source", [False, True])
def test_the_estimate_is_near_what_the_slow_parts_take(source):
    """Of what grows with rows, in one process and at one time, within a factor of two."""
    n, few, rng = 40_000, {"n_permutations": 300, "n_boot": 300}, np.random.default_rng(0)
    cases = pd.DataFrame(
        {name: rng.choice(list("xyz"[:k]), n) for name, k in (("sex", 2), ("race", 3))}, dtype="category"
    )
    score, sites = pd.Series(rng.beta(8, 2, n)), pd.Series(rng.choice(list("PQRS"), n))
    groups = {name: cases[name] for name in cases}

    def audit():
        stats.over_attributes(score, groups=groups | stats.intersections(cases), n_permutations=300)
        for of in groups.values():
            stats.permutation(score, groups=of, n=300)
            stats.against_reference(score, groups=of, n_boot=300)
            stats.false_alarms(score, groups=of)
        if source:
            own_scores.gaps_in_sources(score, groups=groups, sources=sites, **few)
            for of in groups.values():
                stats.given_source(score, groups=of, sources=sites)

    audit()  # imports
    spent, units = [], []
    for _ in range(3):  # the least of each: whatever else the machine does only adds to it
        start = time.perf_counter()
        audit()
        spent.append(time.perf_counter() - start)
        units.append(own_audit.unit_seconds(n))
    unit = min(units)
    asked = {"source": source, "unit": unit, **few}
    elsewhere = own_audit.RUN + 2 * own_audit.ATTRIBUTE + n * own_audit.READ
    expected = own_audit.expected_seconds(n, 2, **asked) - unit * elsewhere
    assert 1 / 2 < min(spent) / expected < 2


@pytest.mark.parametrize(
    ("seconds", "rows", "attributes", "words"),
    [
        (59, 100, 1, "under a minute"),
        (61, 9000, 1, "about 1 minute: 9,000 rows, 1 attribute"),
        (250, 50_000, 3, "about 4 minutes: 50,000 rows, 3 attributes"),
        (9000, 1_000_000, 2, "about 2 hours: 1,000,000 rows, 2 attributes"),
    ],
)
def test_time_in_words(seconds, rows, attributes, words):
    assert own_audit.duration_words(seconds, rows, attributes) == words


def test_make_audit_reads_rows_attributes_and_models_from_the_table(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(own_audit, "expected_seconds", lambda *given, **more: seen.update(more, given=given) or 240)
    table = pd.DataFrame({"id": [*range(40)] * 3, "model": ["a", "b", "c"] * 40, "sex, at birth": "f", "age": 1})
    table.to_csv(tmp_path / "a.csv", index=False)
    asked = {"SCORES": str(tmp_path / "a.csv"), "GROUPS": "sex, at birth, age", "BINS": "age: 40", "N_BOOTSTRAP": 300}
    assert own_audit.time_ahead(asked) == "about 4 minutes: 120 rows, 2 attributes"
    assert seen.pop("given") == (120, 2) and seen.pop("n_boot") == 300
    assert seen == {"ordered": 1, "models": 1, "source": False, "truth": False, "repeated": False}
    assert "40 rows" in own_audit.time_ahead(asked | {"MODEL": "model: b", "CASE": "id", "SOURCE_COLUMN": "x"})
    assert seen["models"] == 3 and seen["source"]
    assert "40 rows" in own_audit.time_ahead(asked | {"PATIENT": "id"}) and seen["repeated"]
    assert "120 rows" in own_audit.time_ahead(asked | {"WEIGHT": "age"}) and seen["repeated"]
