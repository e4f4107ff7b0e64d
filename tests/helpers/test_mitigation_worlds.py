"""Worlds of known cause: verdicts by the rule, intervals of Student, and worlds that are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import paths
from helpers.errors import InputError
from helpers.keep import plans
from helpers.studies import mitigation
from helpers.studies.mitigation import protocol, worlds

# Changes of the worst group's AUROC over plain, of five worlds.
CHANGES = {
    "helper": [0.10, 0.12, 0.09, 0.11, 0.13],
    "idler": [0.001, -0.002, 0.003, 0.0, -0.001],
    "harmer": [-0.10, -0.12, -0.09, -0.11, -0.13],
    "gambler": [0.20, -0.15, 0.10, -0.20, 0.15],
    "trifler": [0.010, 0.012, 0.011, 0.009, 0.010],  # beyond chance, but not beyond what matters
}


def rows(
    changes=CHANGES, *, cause: str = "label bias", metric: str = "worst_auroc", rule: str = "worst"
) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    plain = rng.uniform(0.6, 0.8, len(next(iter(changes.values()))))
    found = [
        {"task": "chest", "cause": cause, "seed": seed, "rule": rule, "method": method, metric: plain[seed] + change}
        for method, values in ({"plain": np.zeros(len(plain))} | changes).items()
        for seed, change in enumerate(values)
    ]
    return pd.DataFrame(found)


def test_the_rule_gives_four_verdicts():
    found = mitigation.effects(rows()).set_index("method")
    assert found["verdict"].to_dict() == {
        "helper": "helps",
        "idler": "does nothing",
        "harmer": "harms",
        "gambler": "not shown",
        "trifler": "does nothing",
    }
    assert found.loc["trifler", "q"] < 0.05 and found.loc["gambler", "high"] > mitigation.MARGIN
    assert (found["n"] == 5).all() and "plain" not in found.index


def test_interval_and_p_are_those_of_students_t():
    found = mitigation.effects(rows()).set_index("method")
    for method, values in CHANGES.items():
        test = stats.ttest_1samp(values, 0)
        row, interval = found.loc[method], test.confidence_interval(0.95)
        assert row["change"] == pytest.approx(np.mean(values))
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p"] == pytest.approx(test.pvalue, rel=1e-6)


def test_q_is_of_the_whole_table():
    both = pd.concat([rows(), rows({"helper": [0.01, 0.09, -0.03, 0.08, 0.02]}, cause="shortcut")])
    found = mitigation.effects(both)
    np.testing.assert_allclose(found["q"], stats.false_discovery_control(found["p"], method="bh"))
    assert len(found) == 6 and found.attrs["tests"] == 6
    alone = mitigation.effects(both[both["cause"] == "shortcut"])
    assert alone["q"].iloc[0] == pytest.approx(alone["p"].iloc[0])


def test_of_a_gap_less_is_better():
    found = mitigation.effects(rows(metric="eodd"), metric="eodd").set_index("method")["verdict"]
    assert found["helper"] == "harms" and found["harmer"] == "helps"


def test_other_rules_and_worlds_are_not_mixed_in():
    other = rows({name: [-0.3 + 0.01 * k for k in range(5)] for name in CHANGES}, rule="mean")
    both = pd.concat([rows(), other])
    pd.testing.assert_frame_equal(mitigation.effects(both), mitigation.effects(rows()))
    assert (mitigation.effects(both, rule="mean")["change"] < -0.2).all()


def test_tasks_are_one_sample_or_stand_apart():
    skin = {name: [value + 0.02 for value in values] for name, values in CHANGES.items()}
    both = pd.concat([rows(), rows(skin).assign(task="skin")])
    apart = mitigation.effects(both, by_task=True).set_index(["task", "method"])
    together = mitigation.effects(both).set_index("method")
    assert set(together["task"]) == {"all"} and (together["n"] == 10).all() and (apart["n"] == 5).all()
    for name in CHANGES:
        assert apart.loc[("skin", name), "change"] == pytest.approx(np.mean(skin[name]))
        test = stats.ttest_1samp(CHANGES[name] + skin[name], 0)
        assert together.loc[name, "p"] == pytest.approx(test.pvalue, rel=1e-6)


def test_start_and_thresholds_are_no_methods_where_nothing_of_theirs_is_trained():
    still = [0.0] * 5
    table = rows(CHANGES | {mitigation.START: still, mitigation.THRESHOLDS: still}).assign(eodd=0.1)
    assert set(mitigation.effects(table)["method"]) == set(CHANGES)
    assert set(mitigation.effects(table, metric="eodd")["method"]) == {*CHANGES, mitigation.THRESHOLDS}


@pytest.mark.parametrize("value", [0.0, 0.1, 0.01])
def test_a_change_that_never_varies_has_no_p(value):
    """As of a method that gives back what it was given: nothing is shown of it but that nothing changed."""
    found = mitigation.effects(rows(CHANGES | {"twin": [value] * 5})).set_index("method").loc["twin"]
    assert found["change"] == pytest.approx(value) and found["low"] == pytest.approx(found["high"])
    assert found["verdict"] == ("not shown" if value > mitigation.MARGIN else "does nothing")


def test_what_a_cause_does_is_that_of_plain():
    table = rows().assign(auroc=0.8, auroc_gap=0.1, eodd=0.2)
    found = mitigation.gaps(table).set_index("metric")
    plain = table.loc[table["method"] == "plain", "worst_auroc"]
    assert set(found.index) == {"auroc", "worst_auroc", "auroc_gap", "eodd"} and (found["n"] == 5).all()
    interval = stats.ttest_1samp(plain, 0).confidence_interval()
    assert found.loc["worst_auroc", ["estimate", "low", "high"]].tolist() == pytest.approx([plain.mean(), *interval])
    assert found.loc["auroc_gap", ["estimate", "low", "high"]].tolist() == pytest.approx([0.1] * 3)


def compared(table: pd.DataFrame) -> mitigation.Compared:
    """What a comparison of plain fine-tuning alone would give."""
    given, parts = np.linspace(0.1, 0.9, len(table)), ("test", "shifted")
    chosen = {"strength": [1.0], "chosen_worst": True, "chosen_mean": True, "seconds": 2.5}
    return mitigation.Compared(
        pd.DataFrame({"method": ["plain"]} | chosen),
        {rule: {part: {"plain": given[None]} for part in parts} for rule in mitigation.RULES},
        {rule: {part: {"plain": (given > 0.5).astype(int)[None]} for part in parts} for rule in mitigation.RULES},
        {},
        dict.fromkeys(parts, table),
    )


def test_measures_of_a_world_by_hand():
    rng = np.random.default_rng(0)
    cases = pd.DataFrame({"label": rng.integers(0, 2, 160).astype(float), "sex": ["a", "b", "b", None] * 40})
    found = worlds.measures(compared(cases), "sex")
    given = np.linspace(0.1, 0.9, 160)
    known = cases["sex"].notna()
    areas, rates = {}, {}
    for name, own in cases[known].groupby("sex"):
        values, labels = given[own.index], own["label"].to_numpy()
        pairs = values[labels == 1][:, None] - values[labels == 0]
        areas[name] = (pairs > 0).mean()
        rates[name] = np.array([(values > 0.5)[labels == side].mean() for side in (1, 0)])
    assert [row["rule"] for row in found] == ["worst", "mean"]
    for row in found:
        assert row["worst_auroc"] == row["shifted_worst_auroc"] == pytest.approx(min(areas.values()))
        assert row["auroc_gap"] == pytest.approx(abs(areas["a"] - areas["b"]))
        assert row["eodd"] == pytest.approx(np.abs(rates["a"] - rates["b"]).mean())
        assert row["seconds"] == 2.5 and row["strength"] == 1.0


BAD = {
    "metric": (lambda: mitigation.effects(rows(), metric="speed"), "metric: must be .*, got 'speed'"),
    "group of one class": (
        lambda: worlds.measures(
            compared(pd.DataFrame({"label": [0, 1] * 20 + [1] * 20, "sex": list("a" * 40 + "b" * 20)})), "sex"
        ),
        "groups: 1 of 2",
    ),
    "two worlds of a task": (
        lambda: mitigation.effects(rows({"helper": [0.1, 0.2]}), by_task=True),
        "chest, label bias.*2 worlds",
    ),
    "two worlds": (lambda: mitigation.effects(rows({"helper": [0.1, 0.2]})), "all, label bias.*2 worlds.*three"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act()


# -- the worlds themselves


PLAN = plans.grid(seed=[0], task=["chest"], cause=["none", "label bias"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two worlds of a few steps, and where they are kept."""
    folder = tmp_path_factory.mktemp("worlds")
    options = {"keep": folder / "kept", "n": 220, "start_steps": 3, "steps": 2, "batch_size": 16}
    options |= {"names": ["plain", "reweighting"], "device": "cpu", "progress": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data", lambda: folder)
        return plans.repeat(mitigation.read_world, PLAN, **options), options


def test_a_row_is_a_rule_and_a_method_of_a_world(made):
    table, _ = made
    assert len(table) == 2 * 2 * 4  # causes, rules; the two asked for, start and group thresholds
    assert not table.duplicated(["task", "cause", "seed", "rule", "method"]).any()
    assert set(table["method"]) == {"start", "plain", "reweighting", "group thresholds"}
    assert table["worst_auroc"].le(table["auroc"] + 0.5).all() and table["auroc_gap"].ge(0).all()
    assert table["n_group"].gt(0).all() and table["auroc"].between(0, 1).all()
    same = table.pivot(index=["task", "cause", "rule"], columns="method", values="auroc")
    np.testing.assert_array_equal(same["plain"], same["group thresholds"])


def test_worlds_of_one_seed_have_the_same_people(made):
    table, _ = made
    assert (table.groupby("task")["n_group"].nunique() == 1).all()


def test_finished_worlds_are_kept(made, monkeypatch):
    table, options = made
    monkeypatch.setattr(worlds, "simulated", lambda *args, **rest: pytest.fail("made again"))
    monkeypatch.setattr(protocol, "_one", lambda *args, **rest: pytest.fail("made again"))
    pd.testing.assert_frame_equal(plans.repeat(mitigation.read_world, PLAN, **options), table)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"task": "brain"}, "task: must be .*chest.*, got 'brain'"),
        ({"cause": "luck"}, f"cause: must be {next(iter(mitigation.CAUSES))}, .*, got 'luck'"),
        ({"names": ["plain", "magic"]}, "method: must be plain, .*, got 'magic'"),
    ],
)
def test_unknown_names_are_refused_before_a_world_is_made(given, words, monkeypatch):
    monkeypatch.setattr(worlds, "simulated", lambda *args, **rest: pytest.fail("a world is made"))
    with pytest.raises(InputError, match=words):
        mitigation.read_world(**{"task": "chest", "cause": "none", "n": 220, "seed": 0} | given, start_steps=3, steps=2)
