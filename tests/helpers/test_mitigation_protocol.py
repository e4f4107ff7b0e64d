"""One protocol for all methods: as many candidates, chosen by validation, tested once, taken up where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers import metrics, stats
from helpers.errors import InputError
from helpers.studies import mitigation
from helpers.studies.mitigation import protocol
from tests.helpers.mitigation import cases, network, restorer

PARTS = {"train": 48, "external": 24, "validation": 60, "test": 60, "shifted": 60}
SHORT = {"steps": 2, "batch_size": 16, "lr": 1e-3, "device": "cpu", "progress": False}
QUICK = ["reweighting", "Group DRO"]


def study(*, clean: bool = False, images_a_case: int = 1) -> mitigation.Study:
    """Cases of all parts; several images of a case follow each other at random."""
    parts, rows = {}, []
    for seed, (name, n) in enumerate(PARTS.items()):
        own = cases(n, clean=clean, seed=seed)
        case = np.arange(n)
        if images_a_case > 1:
            case = np.random.default_rng(seed).permutation(n) // images_a_case
            first = np.array([np.flatnonzero(case == c)[0] for c in case])
            own = own._replace(labels=own.labels[first], attributes=own.attributes.iloc[first].reset_index(drop=True))
        table = own.attributes.assign(label=own.labels[:, 0], part=name, case=[f"{name}-{c}" for c in case])
        rows.append(table.assign(patient_id=table["case"]))
        parts[name] = own
    return mitigation.Study("chest", "none", "attribute 0", parts, pd.concat(rows, ignore_index=True), pd.DataFrame())


class Starts:
    """In place of training: counts its calls."""

    def __init__(self, make: Callable[[int], nn.Module] = network, reader: nn.Module | None = None) -> None:
        self.seeds, self.make, self.reader = [], make, reader

    def __call__(self, seed: int) -> tuple[nn.Module, nn.Module | None]:
        self.seeds.append(seed)
        return self.make(seed=seed), self.reader


def compare(made: mitigation.Study | None = None, start: Starts | None = None, **options) -> mitigation.Compared:
    usual = {"seeds": [0, 1], "names": QUICK} | SHORT
    return mitigation.compare(made or study(), start or Starts(), **usual | options)


@pytest.fixture(scope="module")
def whole() -> mitigation.Compared:
    return compare(names=tuple(mitigation.METHODS))


def test_every_method_has_as_many_candidates(whole):
    counts = whole.candidates.groupby(["seed", "method"]).size().unstack("seed")
    assert set(counts.index) == {mitigation.START, *mitigation.METHODS}
    assert (counts.drop(mitigation.START) == 3).all(axis=None) and (counts.loc[mitigation.START] == 1).all()
    chosen = whole.candidates.groupby(["seed", "method"])[["chosen_worst", "chosen_mean"]].sum()
    assert (chosen == 1).all(axis=None)


def test_a_rule_chooses_the_best_of_validation(whole):
    for _, rows in whole.candidates.groupby(["seed", "method"]):
        for rule, measure in mitigation.RULES.items():
            assert rows.loc[rows[f"chosen_{rule}"], measure].iloc[0] == rows[measure].max()


def test_small_sets_are_learned_from_by_two_methods_alone(whole):
    learned = whole.candidates.groupby("method")["cases"].agg(set).to_dict()
    assert learned.pop(mitigation.START) == {0}
    small = {name for name, counts in learned.items() if counts == {PARTS["external"]}}
    assert small == {"external", "SWiFT"}
    assert all(counts == {PARTS["train"]} for name, counts in learned.items() if name not in small)


def test_arrays_have_a_row_a_seed_and_a_column_a_case(whole):
    for rule in mitigation.RULES:
        assert set(whole.probabilities[rule]) == {"test", "shifted"}
        for part in ("test", "shifted"):
            given, decided = whole.probabilities[rule][part], whole.decisions[rule][part]
            assert set(given) == set(decided) == {mitigation.START, mitigation.THRESHOLDS, *mitigation.METHODS}
            for name, values in given.items():
                assert values.shape == decided[name].shape == (2, len(whole.cases[part]))
                assert values.min() >= 0 and values.max() <= 1 and set(np.unique(decided[name])) <= {0, 1}
    assert not whole.psnr


def test_the_start_is_what_the_network_was(whole):
    made = study()
    for seed in (0, 1):
        with torch.no_grad():
            wanted = network(seed=seed)(torch.from_numpy(made.parts["test"].images)).sigmoid().numpy()[:, 0]
        np.testing.assert_allclose(whole.probabilities["mean"]["test"]["start"][seed], wanted, atol=1e-6)


def test_plain_is_always_there():
    found = compare(names=[], seeds=[0])
    assert set(found.probabilities["worst"]["test"]) == {"start", "plain", "group thresholds"}


def test_one_strength_is_tried_where_one_is_asked_for():
    tried = compare(names=["adversary", "reweighting"], strength=0.7).candidates.set_index("method")
    strength = tried.groupby(level=0)["strength"].agg(list).map(set).to_dict()
    assert strength == {"start": {0.0}, "plain": {1.0}, "adversary": {0.7}, "reweighting": {1.0}}
    assert tried.loc["adversary", ["chosen_worst", "chosen_mean"]].to_numpy().all()


def test_learning_rates_are_tried_and_multiplied(monkeypatch):
    seen = []

    def fit(model, learned, *, lr, **options):
        seen.append(lr)
        return mitigation.plain(model, learned, lr=lr, **options)

    tried = protocol.Method(fit, ({"rate": 0.5}, {"rate": 2.0}), rate=10.0)
    monkeypatch.setitem(mitigation.METHODS, "plain", tried)
    found = compare(names=[], seeds=[0])
    assert seen == pytest.approx([5e-3, 2e-2])
    assert found.candidates.query("method == 'plain'")["strength"].tolist() == [0.5, 2.0]


# -- by validation alone


def relabelled(made: mitigation.Study, part: str) -> mitigation.Study:
    rows = made.rows.copy()
    own = rows["part"] == part
    rows.loc[own, "label"] = 1 - rows.loc[own, "label"]
    labels = 1 - made.parts[part].labels
    return made._replace(rows=rows, parts=made.parts | {part: made.parts[part]._replace(labels=labels)})


def test_tested_labels_change_neither_choice_nor_threshold():
    once = {"seeds": [0]}
    before, after = compare(**once), compare(relabelled(relabelled(study(), "test"), "shifted"), **once)
    told = [name for name in before.candidates if name != "seconds"]
    pd.testing.assert_frame_equal(before.candidates[told], after.candidates[told])
    for rule in mitigation.RULES:
        for part in ("test", "shifted"):
            for name, values in before.decisions[rule][part].items():
                np.testing.assert_array_equal(values, after.decisions[rule][part][name])
    judged = compare(relabelled(study(), "validation"), **once).candidates
    assert not np.allclose(judged["auroc"], before.candidates["auroc"])


def test_thresholds_are_those_of_validation():
    made = study()
    found = compare(made, names=[], seeds=[3])
    model, known = network(seed=3), made.parts["validation"]
    with torch.no_grad():
        before = model(torch.from_numpy(known.images)).sigmoid().numpy()[:, 0]
    cut = stats.choose_threshold(known.labels[:, 0], before)
    given = found.probabilities["worst"]["test"]["start"][0]
    np.testing.assert_array_equal(found.decisions["worst"]["test"]["start"][0], given >= cut)


def test_group_thresholds_change_decisions_and_no_probability(whole):
    for rule in mitigation.RULES:
        given, decided = whole.probabilities[rule]["test"], whole.decisions[rule]["test"]
        np.testing.assert_array_equal(given["group thresholds"], given["plain"])
        assert not np.array_equal(decided["group thresholds"], decided["plain"])


def test_groups_may_be_numbers():
    made = study()
    coded = made.rows.assign(**{"attribute 0": (made.rows["attribute 0"] == "b").astype(int)})
    found, wanted = compare(made._replace(rows=coded), names=[]), compare(made, names=[])
    for part in ("test", "shifted"):
        ours, theirs = (one.decisions["worst"][part]["group thresholds"] for one in (found, wanted))
        np.testing.assert_array_equal(ours, theirs)


# -- taken up


def test_a_finished_part_is_not_made_again(tmp_path, monkeypatch):
    first, start = compare(keep=tmp_path), Starts()
    assert len(list(tmp_path.iterdir())) == 2 * len(("start", "plain", "reweighting", "Group DRO"))
    monkeypatch.setattr(protocol.learn, "predict", lambda *args, **rest: pytest.fail("made again"))
    again = compare(start=start, keep=tmp_path)
    assert not start.seeds
    pd.testing.assert_frame_equal(first.candidates, again.candidates)
    np.testing.assert_array_equal(
        first.probabilities["worst"]["test"]["plain"], again.probabilities["worst"]["test"]["plain"]
    )


def test_a_second_call_goes_on_from_what_is_there(tmp_path):
    compare(keep=tmp_path)
    (file,) = tmp_path.glob("reweighting-1-*.json")
    file.unlink()
    start = Starts()
    compare(start=start, keep=tmp_path)
    assert start.seeds == [1]
    assert set(json.loads(file.read_text())) == {"tried", "chosen", "given"}


def test_a_start_is_made_once_a_seed():
    start = Starts()
    compare(start=start, seeds=[4, 2])
    assert start.seeds == [4, 2]


# -- several images of a case, and reconstruction


def test_images_of_a_case_are_averaged():
    made = study(images_a_case=3)
    found = compare(made, names=[], seeds=[0])
    rows = made.of("test")
    with torch.no_grad():
        each = network(seed=0)(torch.from_numpy(made.parts["test"].images)).sigmoid().numpy()[:, 0]
    wanted = pd.Series(each).groupby(rows["case"].to_numpy()).mean()
    assert len(found.cases["test"]) == 20 and (rows.groupby("case").size() == 3).all()
    np.testing.assert_allclose(
        found.probabilities["worst"]["test"]["start"][0], wanted[found.cases["test"]["case"]], 1e-5
    )


def test_a_reconstruction_is_read_and_measured_without_a_teacher():
    made, reader = study(clean=True), network(seed=9)
    start = Starts(partial(restorer), reader)
    found = compare(made, start, names=tuple(mitigation.METHODS), seeds=[0])
    assert "GroupDistil" not in set(found.candidates["method"])
    assert set(found.candidates["method"]) == {"start", *mitigation.METHODS} - {"GroupDistil"}
    for rule in mitigation.RULES:
        assert set(found.psnr[rule]) == set(found.candidates["method"])
    tested = made.parts["test"]
    with torch.no_grad():
        restored = restorer(seed=0)(torch.from_numpy(tested.images)).clamp(0, 1)
        wanted = reader(restored).sigmoid().numpy()[:, 0]
    np.testing.assert_allclose(found.probabilities["worst"]["test"]["start"][0], wanted, atol=1e-5)
    np.testing.assert_allclose(found.psnr["worst"]["start"][0], metrics.psnr(restored.numpy(), tested.clean), rtol=1e-4)


# -- thresholds of groups


def test_each_group_has_the_threshold_of_equal_rates():
    rng = np.random.default_rng(0)
    groups = pd.Series(np.repeat(["a", "b"], 400), index=np.arange(800)[::-1])
    labels = (rng.random(800) < 0.5).astype(float)
    probability = (0.3 * labels + 0.2 * (groups.to_numpy() == "b") + rng.uniform(0, 0.4, 800)).clip(0, 1)
    found = mitigation.group_thresholds(labels, probability, groups=groups)
    for name in ("a", "b"):
        rows = (groups == name).to_numpy()
        assert found[name] == stats.choose_threshold(labels[rows], probability[rows])
        decided = probability[rows] >= found[name]
        sensitivity, specificity = decided[labels[rows] == 1].mean(), (~decided)[labels[rows] == 0].mean()
        assert sensitivity == pytest.approx(specificity, abs=0.01)
    assert found["b"] - found["a"] == pytest.approx(0.2, abs=0.05)


def test_a_group_too_small_to_judge_gets_the_threshold_of_all():
    rng = np.random.default_rng(0)
    labels, probability = (rng.random(60) < 0.5).astype(float), rng.random(60)
    groups = pd.Series(["a"] * 52 + ["small"] * 8).where(np.arange(60) % 10 > 0)
    labels[52:56], labels[56:] = 1.0, 0.0
    found = mitigation.group_thresholds(labels, probability, groups=groups)
    assert found["small"] == stats.choose_threshold(labels, probability) != found["a"] and set(found) == {"a", "small"}
    assert mitigation.group_thresholds(labels, probability, groups=groups, fewest=3)["small"] != found["small"]


# -- bad input

BAD = {
    "no method": ({"names": ["plain", "magic"]}, "names: must be .*, got 'magic'"),
    "no seed": ({"seeds": []}, "seeds: there is no seed"),
    "no class": ({"made": "validation"}, "validation cases"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case):
    options, words = BAD[case]
    if "made" in options:
        made = study()
        options = {"made": made._replace(rows=made.rows.assign(label=0.0))}
    with pytest.raises(InputError, match=words):
        compare(**options)
