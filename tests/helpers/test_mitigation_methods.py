"""Every method on classifiers and on a reconstruction: what is trained, what is left alone, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers.errors import InputError
from helpers.studies import mitigation
from tests.helpers.mitigation import FAST, cases, network, restorer, same, state

METHODS: dict[str, Callable[..., mitigation.Mitigated]] = {
    "plain": mitigation.plain,
    "reweighted": mitigation.reweighted,
    "equalized odds": partial(mitigation.equalized_odds, strength=1.0),
    "adversary": partial(mitigation.adversarial, strength=1.0),
    "trained adversary": partial(mitigation.adversarial, strength=1.0, adversary="trained"),
    "published adversary": partial(mitigation.adversarial, strength=1.0, adversary="trained", as_published=True),
    "SWiFT": partial(mitigation.swift, strength=0.9),
    "GroupDistil": partial(mitigation.group_distil, strength=0.1),
    "Group DRO": partial(mitigation.group_dro, strength=0.1),
}
OF_IMAGES = [name for name in METHODS if name != "GroupDistil"]
SHAPES = {
    "one of all": {"labels": 1, "attributes": 1, "groups": 2},
    "two labels and attributes": {"labels": 2, "attributes": 2, "groups": 2},
    "three groups, partly unknown": {"labels": 2, "attributes": 2, "groups": 3, "unknown": True},
    "a single group": {"groups": 1},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_method_takes_labels_attributes_and_groups_of_any_number(method, shape):
    learned = cases(**SHAPES[shape])
    start = network(learned.labels.shape[1])
    before = state(start)
    found = METHODS[method](start, learned, **FAST)
    assert same(state(start), before) and all(weight.requires_grad for weight in start.parameters())
    after = state(found.model)
    assert list(after) == list(before) and not same(after, before)
    assert all(values.isfinite().all() for values in after.values())
    assert not found.model.training and all(weight.requires_grad for weight in found.model.parameters())
    assert found.cases == np.isfinite(learned.labels).any(axis=1).sum()  # without a label there is nothing to learn
    assert found.seconds > 0 and found.history["loss"].notna().all()
    assert found.history["step"].max() in (2, FAST["steps"], 2 * FAST["steps"])  # SWiFT halves, trained readers double
    assert found.model(torch.from_numpy(learned.images)).shape == learned.labels.shape


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_weights(method):
    learned = cases(labels=2, unknown=True)
    first = METHODS[method](network(2), learned, **FAST)
    torch.randn(3)  # a draw from the global generator changes nothing
    again = METHODS[method](network(2), learned, **FAST)
    other = METHODS[method](network(2), learned, **FAST | {"seed": 4})
    assert same(state(first.model), state(again.model)) and not same(state(first.model), state(other.model))


@pytest.mark.parametrize("method", OF_IMAGES)
def test_every_method_takes_a_reconstruction_and_leaves_its_reader_alone(method):
    learned, start, reader = cases(clean=True, unknown=True), restorer(), network()
    before, read = state(start), state(reader)
    options = {"task": 0.5, "relative": True} if "adv" in method or "odds" in method else {}
    found = METHODS[method](start, learned, reader=reader, **options, **FAST)
    assert same(state(start), before) and same(state(reader), read)
    assert all(weight.requires_grad for weight in reader.parameters())
    after = state(found.model)
    assert list(after) == list(before) and not same(after, before)
    assert all(values.isfinite().all() for values in after.values())
    assert found.model(torch.from_numpy(learned.images)).shape == learned.images.shape


@pytest.mark.parametrize("method", ["equalized odds", "adversary"])
def test_strength_0_is_plain(method):
    learned = cases(labels=2, unknown=True)
    found = METHODS[method](network(2), learned, **FAST, **{"strength": 0.0})
    assert same(state(found.model), state(mitigation.plain(network(2), learned, **FAST).model))


@pytest.mark.parametrize("strength", [0.0, 100.0])
def test_the_penalty_falls_where_it_is_paid(strength):
    learned = cases(96, seed=5)
    options = FAST | {"steps": 60, "batch_size": 48, "lr": 3e-3}
    rng = np.random.default_rng(0)
    stripe = learned.attributes["attribute 0"].to_numpy() == "b"
    leaning = np.where(rng.random(96) < 0.8, stripe, rng.random(96) < 0.5).astype(float)[:, None]  # labels by group
    found = mitigation.equalized_odds(network(), learned._replace(labels=leaning), strength=strength, **options)
    penalty = found.history["penalty"].mean()
    assert penalty < 0.004 if strength else penalty > 0.012


def test_reweighting_draws_a_rare_group_as_often():
    """With nothing to see, the probability is the share of positives among what is drawn."""
    rare = np.arange(64) < 8  # all of them positive, the others negative
    blank = mitigation.Cases(
        np.full((64, 1, 16, 16), 0.5, np.float32),
        rare[:, None].astype(float),
        pd.DataFrame({"group": np.where(rare, "a", "b")}),
    )
    options = FAST | {"steps": 60, "batch_size": 64, "lr": 2e-2}
    for method, share in (("plain", 1 / 8), ("reweighted", 1 / 2), ("Group DRO", 1 / 2)):
        model = METHODS[method](network(), blank, **options).model
        assert model(torch.full((1, 1, 16, 16), 0.5)).sigmoid().item() == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_are_frozen_stay_so(method):
    start = network()
    start[0].requires_grad_(False)
    found = METHODS[method](start, cases(), **FAST).model
    assert torch.equal(found[0].weight, start[0].weight) and not torch.equal(found[3].weight, start[3].weight)
    assert [w.requires_grad for w in found.parameters()] == [w.requires_grad for w in start.parameters()]


def test_an_absent_group_of_a_batch_is_a_defined_result():
    learned = cases(48)
    learned.attributes.loc[0, "attribute 0"] = "alone"
    options = FAST | {"batch_size": 3, "steps": 12}
    for method in METHODS.values():
        assert np.isfinite(method(network(), learned, **options).history["loss"]).all()


def test_a_group_without_positives_is_a_defined_result():
    learned = cases(48)
    learned.labels[(learned.attributes["attribute 0"] == "a").to_numpy()] = 0
    for method in METHODS.values():
        assert np.isfinite(method(network(), learned, **FAST).history["loss"]).all()


def test_a_checkpoint_is_taken_up(tmp_path):
    learned = cases()
    for name, method in METHODS.items():
        first = method(network(), learned, **FAST, checkpoint=tmp_path / name)
        again = method(network(), learned, **FAST, checkpoint=tmp_path / name)
        assert same(state(first.model), state(again.model)), name


def test_validation_is_of_the_network():
    """With patience, as `helpers.learn.fit` takes it, of a score that only the first validation raises."""
    asked = []

    def score(model: nn.Module) -> float:
        asked.append(model(torch.zeros(1, 1, 16, 16)).item())
        return -len(asked)

    options = FAST | {"steps": 12, "every": 2}
    for method in (mitigation.plain, partial(mitigation.adversarial, strength=1.0)):
        asked.clear()
        found = method(network(), cases(), validate=score, patience=2, **options)
        assert len(asked) == 3 and found.history["step"].max() == 6
        assert found.model(torch.zeros(1, 1, 16, 16)).item() == pytest.approx(asked[0])


@pytest.mark.parametrize("method", METHODS)
def test_another_precision_is_taken(method):
    found = METHODS[method](network(2), cases(labels=2), **FAST, precision="bf16")
    assert all(values.isfinite().all() for values in state(found.model).values())
    assert all(weight.dtype == torch.float32 for weight in found.model.parameters())


class Spare(nn.Module):
    """A network with a layer that it does not use, such as a second head for training alone."""

    def __init__(self, used: nn.Module) -> None:
        super().__init__()
        self.used, self.spare = used, nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.used(images)


@pytest.mark.parametrize("method", ["plain", "reweighted", "equalized odds", "GroupDistil", "Group DRO"])
def test_what_needs_no_last_layer_takes_networks_whose_last_is_not_used(method):
    learned = cases()
    found = METHODS[method](Spare(network()), learned, **FAST)
    assert same(state(found.model.used), state(METHODS[method](network(), learned, **FAST).model))


# -- bad input

ODDS, ADVERSARY = METHODS["equalized odds"].func, mitigation.adversarial
BAD = {
    "strength below 0": (lambda m, c: ODDS(m, c, strength=-1.0, **FAST), r"strength = -1.0.*0 or more"),
    "strength NaN": (lambda m, c: ADVERSARY(m, c, strength=float("nan"), **FAST), "strength = nan"),
    "strength infinite": (lambda m, c: mitigation.group_dro(m, c, strength=float("inf"), **FAST), "strength = inf"),
    "rate below 0": (lambda m, c: mitigation.group_distil(m, c, strength=-0.1, **FAST), r"strength = -0.1"),
    "share above 1": (lambda m, c: mitigation.swift(m, c, strength=1.5, **FAST), r"strength = 1.5.*0 to 1"),
    "share NaN": (lambda m, c: mitigation.swift(m, c, strength=float("nan"), **FAST), "strength = nan"),
    "alpha": (lambda m, c: mitigation.group_distil(m, c, strength=1, alpha=2.0, **FAST), r"alpha = 2.0"),
    "temperature": (lambda m, c: mitigation.group_distil(m, c, strength=1, temperature=0, **FAST), "temperature = 0"),
    "temperature of odds": (lambda m, c: ODDS(m, c, strength=1, temperature=-1, **FAST), "temperature = -1"),
    "teacher of another shape": (
        lambda m, c: mitigation.group_distil(m, c, strength=1, teacher=network(3), **FAST),
        r"teacher.*\(48, 3\).*\(48, 1\)",
    ),
    "teacher of colour": (
        lambda m, c: mitigation.group_distil(m, c, strength=1, teacher=network(channels=3), **FAST),
        "images.*the network cannot take",
    ),
    "fewer outputs": (lambda m, c: mitigation.plain(m, cases(labels=2), **FAST), r"model.*\(16, 1\).*\(16, 2\)"),
    "outputs of one axis": (
        lambda m, c: mitigation.plain(nn.Sequential(m, nn.Flatten(0)), c, **FAST),
        r"model.*\(16,\).*\(16, 1\)",
    ),
    "reader of other labels": (
        lambda m, c: ODDS(restorer(), cases(clean=True), reader=network(3), strength=1, **FAST),
        r"reader.*\(16, 3\).*\(16, 1\)",
    ),
    "no batch of importance": (
        lambda m, c: mitigation.swift(m, c, importance_batches=0, **FAST),
        "importance_batches = 0",
    ),
    "label of 2": (
        lambda m, c: mitigation.plain(m, c._replace(labels=c.labels * 2), **FAST),
        r"labels\[\d+, 0\].*found 2",
    ),
    "labels of one axis": (
        lambda m, c: mitigation.plain(m, c._replace(labels=c.labels[:, 0]), **FAST),
        r"\(48, labels\)",
    ),
    "fewer labels": (
        lambda m, c: mitigation.plain(m, c._replace(labels=c.labels[1:]), **FAST),
        r"labels.*\(48, labels\)",
    ),
    "fewer attributes": (
        lambda m, c: mitigation.plain(m, c._replace(attributes=c.attributes[1:]), **FAST),
        "47 rows for 48",
    ),
    "all attributes missing": (
        lambda m, c: mitigation.reweighted(
            m, c._replace(attributes=c.attributes.assign(**{"attribute 0": None})), **FAST
        ),
        "attribute 0.*missing in all 48",
    ),
    "no case has all attributes": (
        lambda m, c: mitigation.reweighted(
            m, c._replace(attributes=pd.DataFrame({"x": ["a", None] * 24, "y": [None, "a"] * 24})), **FAST
        ),
        "attributes.*no case has all",
    ),
    "raw years": (
        lambda m, c: mitigation.reweighted(m, c._replace(attributes=pd.DataFrame({"age": np.arange(48.0)})), **FAST),
        "age.*48 different numbers.*bins",
    ),
    "clean without reader": (
        lambda m, c: mitigation.plain(m, cases(clean=True), **FAST),
        "clean, reader.*without the other",
    ),
    "reader without clean": (lambda m, c: mitigation.plain(m, c, reader=m, **FAST), "clean, reader.*without the other"),
    "clean of another size": (
        lambda m, c: mitigation.plain(restorer(), c._replace(clean=c.images[..., :8]), reader=m, **FAST),
        "clean: expected the shape of images",
    ),
    "clean for a teacher": (
        lambda m, c: mitigation.group_distil(m, cases(clean=True), strength=1, **FAST),
        "clean, reader",
    ),
    "unknown adversary": (lambda m, c: ADVERSARY(m, c, strength=1, adversary="strong", **FAST), "reader: got strong"),
    "exact as published": (lambda m, c: ADVERSARY(m, c, strength=1, as_published=True, **FAST), "exact.*as published"),
    "no linear layer": (
        lambda m, c: ADVERSARY(nn.Sequential(nn.Conv2d(1, 1, 16), nn.Flatten()), c, strength=1, **FAST),
        "the last layer is not linear",
    ),
    "last layer without a part": (
        lambda m, c: ADVERSARY(Spare(m), c, strength=1, **FAST),
        "does not depend on the last linear layer",
    ),
    "probe without a part": (
        lambda m, c: mitigation.linear_probe(Spare(m), c, c, attribute="attribute 0"),
        "does not depend on the last linear layer",
    ),
    "no layer": (lambda m, c: mitigation.plain(nn.Flatten(), c, **FAST), "model"),
    "nobody labelled and known": (
        lambda m, c: mitigation.swift(m, c._replace(labels=c.labels * np.nan), **FAST),
        "labels: no label is known",
    ),
    "epochs for half the steps": (
        lambda m, c: mitigation.swift(m, c, **{**FAST, "steps": None}, epochs=2),
        "steps",
    ),
    "epochs beside a trained adversary": (
        lambda m, c: ADVERSARY(m, c, strength=1, adversary="trained", **{**FAST, "steps": None}, epochs=2),
        "steps",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words) as caught:
        act(network(), cases())
    assert "\n" not in str(caught.value) and caught.value.fix


@pytest.mark.parametrize("chosen", [np.arange(48) % 3 == 0, np.arange(0, 48, 3)], ids=["by truth", "by place"])
def test_some_of_the_cases(chosen):
    whole = cases(clean=True, attributes=2)
    few = whole.rows(chosen)
    np.testing.assert_array_equal(few.images, whole.images[::3])
    np.testing.assert_array_equal(few.clean, whole.clean[::3])
    np.testing.assert_array_equal(few.labels, whole.labels[::3])
    pd.testing.assert_frame_equal(few.attributes, whole.attributes.iloc[::3])
    assert mitigation.plain(restorer(), few, reader=network(), **FAST).cases == 16
