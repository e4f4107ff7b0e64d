"""Training: learns, repeats, and refuses bad input."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn.batches import Order
from tests.helpers.training import FEATURES, Rows, assert_same, dice, differ, discs, fit, line, segment, squared, table

# -- it trains


def test_a_small_network_learns_to_segment():
    images, masks = discs(64)
    fresh = discs(32, seed=1)
    model = learn.unet(2, 1, 1, features=FEATURES)
    before = dice(model, *fresh)
    found = learn.fit(
        model, (images, masks), segment, epochs=8, batch_size=16, lr=5e-3, seed=0, device="cpu", progress=False
    )
    assert before < 0.5 and dice(found.model, *fresh) > 0.9
    assert found.history["step"].tolist() == [4 * k for k in range(1, 9)]
    assert found.history["epoch"].tolist() == list(range(1, 9))
    assert found.history["dice"].iloc[-1] < found.history["dice"].iloc[0] < found.history["loss"].iloc[0]
    assert found.model is model and not model.training
    assert (found.device, found.precision, found.resumed, found.best) == ("cpu", "32", 0, None)


def test_the_first_step_is_the_optimizers_own():
    """One step on all cases, by hand."""
    x, y = (torch.from_numpy(a).float() for a in table(8))
    model, alone = nn.Linear(3, 1), nn.Linear(3, 1)
    alone.load_state_dict(model.state_dict())
    fit(model, (x, y), steps=1, batch_size=8, augment=None, optimizer=torch.optim.SGD, lr=0.1)
    ((alone(x) - y) ** 2).mean().backward()
    assert alone.weight.grad.abs().min() > 0.01
    torch.testing.assert_close(model.weight, alone.weight - 0.1 * alone.weight.grad)


def test_schedule_clip_and_average():
    x, y = (torch.from_numpy(a).float() for a in table(8))
    settings = {"data": (x, y), "batch_size": 8, "augment": None, "optimizer": torch.optim.SGD, "every": 1}
    found = fit(nn.Linear(3, 1), steps=4, lr=0.1, schedule=lambda t: 1 - t, **settings)
    assert found.history["lr"].tolist() == pytest.approx([0.1, 0.075, 0.05, 0.025])

    model = nn.Linear(3, 1)
    before = torch.cat([p.detach().clone().flatten() for p in model.parameters()])
    fit(model, steps=1, lr=0.1, clip=1e-3, **settings)
    moved = torch.cat([p.detach().flatten() for p in model.parameters()]) - before
    assert float(moved.norm()) == pytest.approx(1e-4, rel=1e-3)

    weights = []
    start = nn.Linear(3, 1).state_dict()
    for steps in (1, 2, 3):
        model = nn.Linear(3, 1)
        model.load_state_dict(start)
        weights.append(fit(model, steps=steps, lr=0.01, **settings).model.weight.detach().clone())
    model.load_state_dict(start)
    averaged = fit(model, steps=3, lr=0.01, ema=0.8, **settings).model.weight
    torch.testing.assert_close(averaged, 0.64 * weights[0] + 0.16 * weights[1] + 0.2 * weights[2])


def test_early_stopping_returns_the_best_weights():
    scores, kept = iter([0.1, 0.5, 0.3, 0.4, 0.2, 0.9]), []

    def validate(model):
        assert not model.training and not torch.is_grad_enabled()
        kept.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scores)

    found = fit(steps=60, every=5, validate=validate, patience=3)
    assert found.history["score"].tolist() == [0.1, 0.5, 0.3, 0.4, 0.2]
    assert found.best == 10
    assert all(torch.equal(value, kept[1][name]) for name, value in found.model.state_dict().items())


def test_weights_of_cases_decide_how_often_they_are_seen():
    seen = []

    def loss(model, batch):
        seen.extend(batch[1].flatten().tolist())
        return model(batch[0]).mean() ** 2

    x = np.zeros((4, 3))
    fit(
        nn.Linear(3, 1),
        (x, np.arange(4.0)[:, None]),
        loss,
        steps=200,
        batch_size=10,
        augment=None,
        weights=[0, 1, 1, 2],
    )
    share = np.bincount(np.array(seen, int), minlength=4) / len(seen)
    np.testing.assert_allclose(share, [0, 0.25, 0.25, 0.5], atol=0.04)


@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (5, 12), (8, 8)])
def test_each_epoch_is_every_case_once_in_an_order_of_its_own(n, batch_size):
    order = Order(n, batch_size, seed=1)
    rows = np.concatenate([order.batch(step)[1] for step in range(n * 3)])[: 3 * n]
    epochs = rows.reshape(-1, n)
    assert all(sorted(epoch) == list(range(n)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == len(epochs)
    late = Order(n, batch_size, seed=1).batch(n * 3 - 1)
    assert all(np.array_equal(a, b) for a, b in zip(late, order.batch(n * 3 - 1), strict=True))


# -- it repeats


@pytest.mark.parametrize("data", [table(), Rows()], ids=["arrays", "items"])
def test_one_seed_gives_one_result_whatever_was_drawn_before(data):
    first = fit(data=data)
    torch.manual_seed(9)
    np.random.seed(9)
    random.seed(9)
    drawn = torch.rand(2)[1], np.random.rand(2)[1], random.random() and random.random()
    torch.manual_seed(9)
    np.random.seed(9)
    random.seed(9)
    torch.rand(1), np.random.rand(1), random.random()
    second = fit(data=data)
    assert (torch.rand(1), np.random.rand(), random.random()) == drawn, "the caller's generators were moved"
    assert_same(first, second)
    assert differ(first, fit(data=data, seed=4))


def test_every_step_has_draws_of_its_seed_and_its_own():
    drawn = []

    def noted(model, batch):
        drawn.append(float(torch.rand(())))
        return squared(model, batch)

    for seed in (3, 3, 4):
        fit(loss=noted, steps=5, seed=seed)
    assert drawn[:5] == drawn[5:10]
    assert len(set(drawn)) == 10


def test_items_are_the_same_from_any_number_of_processes():
    assert_same(fit(data=Rows(), steps=12), fit(data=Rows(), steps=12, workers=2))


def test_monai_transforms_are_seeded_for_each_item():
    from monai.data import Dataset as Monai
    from monai.transforms import Compose, RandGaussianNoised, RandScaleIntensityd

    def data():
        x, y = (torch.from_numpy(a).float() for a in table())
        items = [{"x": a, "y": b} for a, b in zip(x, y, strict=True)]
        change = [RandGaussianNoised("x", prob=0.5, std=0.3), RandScaleIntensityd("x", 0.2, prob=0.5)]
        return Monai(items, Compose(change))

    def loss(model, batch):
        return squared(model, (batch["x"], batch["y"]))

    again = data()
    again.transform.set_random_state(99)
    first = fit(data=data(), loss=loss, augment=None)
    assert_same(first, fit(data=again, loss=loss, augment=None))
    assert differ(first, fit(data=[t.numpy() for t in (Rows().x, Rows().y)], augment=None)), "nothing was changed"


def test_quick_runs_write_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit()
    assert not list(tmp_path.iterdir())


def test_bar_is_on_stderr_or_nowhere(capfd):
    fit()
    assert capfd.readouterr() == ("", "")
    fit(progress=True)
    shown = capfd.readouterr()
    assert shown.out == "" and "40/40" in shown.err and "loss=" in shown.err


# -- it is not fooled


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter([])


NAN = np.where(np.arange(50)[:, None] == 7, np.nan, table()[0])
BAD = {
    "no arrays": ({"data": ()}, "no case"),
    "no case": ({"data": (np.zeros((0, 3)), np.zeros((0, 1)))}, "no case"),
    "no item": ({"data": Rows(0)}, "no case"),
    "stream": ({"data": Stream()}, "found Stream"),
    "one array": ({"data": table()[0]}, "found ndarray"),
    "unequal": ({"data": (np.zeros((5, 3)), np.zeros((4, 1)))}, r"different lengths, \[4, 5\]"),
    "NaN": ({"data": (NAN, table()[1])}, r"data\[0\]: case 7"),
    "infinite loss": ({"loss": lambda m, b: squared(m, b) + float("inf")}, "loss: it is NaN or infinite in step 1"),
    "loss of a row each": ({"loss": lambda m, b: m(b[0])}, "tensor of one number"),
    "loss without name": ({"loss": lambda m, b: {"dice": squared(m, b)}}, "one called loss"),
    "loss of nothing": ({"loss": lambda m, b: b[1].mean()}, "does not depend on a weight"),
    "score": ({"validate": lambda m: float("nan")}, "score after step"),
    "unknown device": ({"device": "gpu"}, "device: must be auto, cuda, mps or cpu, got 'gpu'"),
    "unknown precision": ({"precision": "8"}, "precision: must be .*, got '8'"),
    "16 bits on a CPU": ({"precision": "16"}, "precision = 16"),
    "both lengths": ({"epochs": 1, "steps": 1}, "one of the two"),
    "no step": ({"steps": 0}, "steps = 0"),
    "no batch": ({"batch_size": 0}, "batch_size = 0"),
    "batch and a half": ({"batch_size": 1.5}, "batch_size = 1.5"),
    "seed": ({"seed": -1}, "seed = -1"),
    "rate": ({"lr": float("nan")}, "lr = nan"),
    "clip": ({"clip": 0}, "clip = 0"),
    "average": ({"ema": 1}, "ema = 1"),
    "patience": ({"patience": 3}, "no validation score to wait for"),
    "weights": ({"weights": [1, 2]}, "expected 50 finite weights"),
    "frozen": ({"model": line().requires_grad_(False)}, "no parameter to train"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    settings, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        fit(**settings)
    assert "\n" not in str(raised.value)
