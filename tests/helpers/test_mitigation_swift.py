"""Soft masks: importance, what they let move, the two steps, and what the optimizer makes of a mask."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from helpers.studies import mitigation
from helpers.studies.mitigation import EqualizedOdds, importance, reset_head, soft_masks
from helpers.studies.mitigation.fitting import fit, prepare
from helpers.studies.mitigation.masks import Balanced, head_parameters
from tests.helpers.mitigation import FAST, batch, cases, network, restorer, same, state

SGD = partial(torch.optim.SGD, momentum=0.9)


# -- importance


class Two(nn.Module):
    """Two weights: the logit is their product times the image."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor(0.7))
        self.last = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.last.weight, -1.3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.first * images[:, :1])


def test_importance_is_the_squared_gradient_of_a_batch_by_hand():
    batches = [batch(20, seed=seed) for seed in (1, 2, 3)]
    bias, plain = importance(Balanced(Two(), EqualizedOdds(1, [2]), 0.5, part="features"), batches)
    wanted = np.zeros((2, 2))
    for given in batches:
        x, y = given.images[:, 0].numpy().astype(float), given.labels[:, 0].numpy()
        codes = given.codes[:, 0].numpy()
        p = 1 / (1 + np.exp(0.7 * 1.3 * x))  # logit -0.91 x
        soft_decision = 1 / (1 + np.exp(-(p - 0.5) / 0.3))
        by_logit = soft_decision * (1 - soft_decision) / 0.3 * p * (1 - p)
        gap = by_product = 0.0  # of the bias, and its derivative by the product of both weights
        for side in (1, 0):
            rows = [(y == side) & (codes == group) for group in (0, 1)]
            signed = soft_decision[rows[0]].mean() - soft_decision[rows[1]].mean()
            slope = (by_logit * x)[rows[0]].mean() - (by_logit * x)[rows[1]].mean()
            gap, by_product = gap + abs(signed) / 2, by_product + np.sign(signed) * slope / 2
        slopes = np.array([2 * gap * by_product, ((p - y) * x).mean()])
        wanted += np.outer(slopes, [-1.3, 0.7]) ** 2 / 3  # by the first weight, then by the last
    found = [[float(part["first"]), float(part["last.weight"])] for part in (bias, plain)]
    np.testing.assert_allclose(found, wanted, rtol=1e-3)


def test_importance_changes_neither_weights_nor_what_is_trainable():
    model = network()
    objective = Balanced(model, EqualizedOdds(1, [2]), 0.5, part="head")
    before, trainable = state(objective), [weight.requires_grad for weight in model.parameters()]
    given = batch(8)._replace(images=torch.rand(8, 1, 16, 16))
    bias, plain = importance(objective, [given])
    assert same(state(objective), before)
    assert [weight.requires_grad for weight in model.parameters()] == trainable
    assert all(weight.grad is None for weight in model.parameters())
    assert list(bias) == list(plain) == [name for name, _ in model.named_parameters()]
    assert all(values.any() for values in plain.values())


# -- masks


def test_masks_are_tanh_of_the_ratio_of_stretched_importances():
    bias, plain = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([4.0, 3.0, 2.0])
    found = soft_masks({"w": bias}, {"w": plain})["w"]
    np.testing.assert_allclose(found, np.tanh([0 / 1, 0.25 / 0.5, 1 / 1e-10]), rtol=1e-5)


def test_masks_lie_from_0_to_1_and_a_constant_importance_moves_nothing():
    rng = torch.Generator().manual_seed(0)
    found = soft_masks({"w": torch.rand(50, generator=rng) ** 4}, {"w": torch.rand(50, generator=rng)})["w"]
    assert found.min() == 0 and found.max() <= 1 and 0 < found.mean() < 1
    for plain in (torch.rand(3), torch.ones(3), torch.zeros(3)):
        assert not soft_masks({"w": torch.full((3,), 0.2)}, {"w": plain})["w"].any()
    assert not soft_masks({"w": torch.tensor([2.0])}, {"w": torch.tensor([1.0])})["w"].any()


def test_the_head_is_reset_where_it_serves_the_bias_more_than_the_mean():
    model = network(2)
    masks = {name: torch.zeros_like(weight) for name, weight in model.named_parameters()}
    name = head_parameters(model)[0]
    masks[name][0, :3] = torch.tensor([0.9, 0.5, 0.01])
    before = state(model)
    reset_head(model, masks)
    after = state(model)
    assert masks[name].mean() < 0.05 and not after[name][0, :2].any()
    assert torch.equal(after[name][0, 2:], before[name][0, 2:]) and torch.equal(after[name][1], before[name][1])
    others = set(after) - {name}
    assert all(torch.equal(after[other], before[other]) for other in others)


# -- the two steps


def step(part: str, *, masks=None, optimizer=SGD, steps: int = 3, model: nn.Module | None = None) -> tuple:
    """A short training of one part: the states before and after, and the objective."""
    model = network() if model is None else model
    prepared = prepare(cases(), None)
    objective = Balanced(model, EqualizedOdds(1, prepared.groups), 0.1, part=part, masks=masks)
    before = state(model)
    fit(objective, prepared, FAST | {"steps": steps, "lr": 0.05, "optimizer": optimizer})
    return before, state(model), objective


def moved(before: dict, after: dict) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_step_one_leaves_the_head_and_step_two_the_features_to_the_bit():
    head = set(head_parameters(network()))
    assert head == {"11.weight", "11.bias"}
    before, after, _ = step("features")
    assert moved(before, after) == set(before) - head
    before, after, _ = step("head")
    assert moved(before, after) == head  # statistics of batch norm are among those that stay


def test_a_weight_whose_mask_is_0_stays_where_it_is():
    rng = torch.Generator().manual_seed(0)
    masks = {name: torch.rand(w.shape, generator=rng).round() for name, w in network().named_parameters()}
    before, after, _ = step("features", masks=masks)
    head = head_parameters(network())
    for name, mask in masks.items():
        change = (after[name] - before[name]).abs()
        assert not change[mask == 0].any()
        assert name in head or change[mask == 1].any()


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_constant_mask_halves_a_step_of_sgd_and_does_nothing_to_one_of_adam(optimizer):
    """Adam divides a gradient by its own size, and with it by any mask that stays the same."""
    make = getattr(torch.optim, optimizer)
    names = [name for name, _ in network().named_parameters()]
    found = {}
    for value in (1.0, 0.5):
        masks = {name: torch.full_like(weight, value) for name, weight in network().named_parameters()}
        before, after, _ = step("features", masks=masks, optimizer=make, steps=1)
        found[value] = torch.cat([(after[name] - before[name]).flatten() for name in names])
    whole, half = found[1.0], found[0.5]
    ratio = float(half @ whole / (whole @ whole))
    assert ratio == pytest.approx(1.0 if optimizer == "Adam" else 0.5, abs=0.01)
    left = half - ratio * whole
    assert left.norm() / whole.norm() < 0.05


def test_a_constant_mask_does_nothing_over_many_steps_of_adam():
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, 4), nn.Tanh(), nn.Linear(4, 1))
    start = state(model)
    ends = []
    for value in (1.0, 0.1):
        model.load_state_dict(start)
        masks = {name: torch.full_like(weight, value) for name, weight in model.named_parameters()}
        _, after, objective = step("features", masks=masks, optimizer=torch.optim.Adam, steps=20, model=model)
        objective.release()
        ends.append(after["1.weight"])
    whole = (ends[0] - start["1.weight"]).norm()
    assert (ends[1] - ends[0]).norm() < 0.02 * whole


def test_afterwards_all_is_trainable_and_no_mask_is_left():
    masks = {name: torch.zeros_like(weight) for name, weight in network().named_parameters()}
    _, _, objective = step("features", masks=masks)
    model = objective.release()
    assert all(weight.requires_grad for weight in model.parameters())
    model(torch.rand(2, 1, 16, 16)).sum().backward()
    assert all(weight.grad.any() for weight in model.parameters() if weight.ndim > 1)


# -- the whole


def test_swift_trains_both_parts_and_says_so():
    found = mitigation.swift(network(), cases(), **FAST | {"steps": 5, "lr": 0.05})
    assert isinstance(found.history, pd.DataFrame) and set(found.history["part"]) == {"features", "head"}
    assert found.history.groupby("part")["step"].max().to_dict() == {"features": 3, "head": 2}
    rates = found.history.groupby("part")["lr"].max()
    assert rates["features"] == pytest.approx(rates["head"] / 10)
    assert not found.model.training and all(weight.requires_grad for weight in found.model.parameters())
    assert found.cases == 48 and found.seconds > 0
    changed = moved(state(network()), state(found.model))
    assert {"11.weight", "0.weight"} <= changed


def test_swift_takes_a_reconstruction_whose_head_is_its_last_convolution():
    model, reader = restorer(), network()
    found = mitigation.swift(model, cases(clean=True), reader=reader, **FAST | {"lr": 0.05})
    assert {name for name, _ in found.model.named_parameters()} & moved(state(model), state(found.model))


def test_swift_can_be_resumed(tmp_path):
    options = FAST | {"lr": 0.05, "checkpoint": tmp_path / "kept"}
    first = mitigation.swift(network(), cases(), **options)
    assert same(state(mitigation.swift(network(), cases(), **options).model), state(first.model))
    assert same(state(mitigation.swift(network(), cases(), **FAST | {"lr": 0.05}).model), state(first.model))
