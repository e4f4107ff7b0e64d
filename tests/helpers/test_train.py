"""Training: learns, repeats and resumes to the last bit, survives kills and bad input."""

import os
import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from helpers import models, train
from helpers.errors import InputError
from helpers.train.batches import Order, source
from tests.conftest import ROOT

FEATURES = (8, 8, 16, 16, 32, 8)


def discs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of one bright disc each, and its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    middle, radius = rng.uniform(10, 22, (n, 2, 1, 1)), rng.uniform(4, 8, (n, 1, 1))
    mask = ((y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2)[:, None]
    return (mask + rng.normal(0, 0.3, mask.shape)).astype(np.float32), mask.astype(np.float32)


def segment(model, batch):
    images, masks = batch
    logits = model(images)
    cross = nn.functional.binary_cross_entropy_with_logits(logits, masks)
    p = logits.sigmoid()
    dice = 1 - (2 * (p * masks).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + masks.sum((1, 2, 3)) + 1)
    return {"loss": cross + dice.mean(), "dice": dice.mean()}


def dice(model, images, masks) -> float:
    found = train.predict(model, images, activation=lambda y: y > 0)
    return float(2 * (found & (masks > 0)).sum() / (found.sum() + (masks > 0).sum()))


def line(seed: int = 0) -> nn.Module:
    """A network of a few weights with dropout and a running average, for what needs no images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))


def table(n: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x, x.sum(1, keepdims=True) ** 2


def squared(model, batch):
    x, y = batch
    return ((model(x) - y) ** 2).mean()


def jitter(batch):
    x, y = batch
    return x + 0.1 * torch.randn_like(x), y


def fit(model=None, data=None, loss=squared, **settings):
    """A short training of the small network in which everything random takes part."""
    usual = {"batch_size": 8, "lr": 0.01, "seed": 3, "device": "cpu", "progress": False, "augment": jitter}
    if "steps" not in settings and "epochs" not in settings:
        usual["steps"] = 40
    return train.fit(model or line(), table() if data is None else data, loss, **(usual | settings))


def state(fitted) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in fitted.model.state_dict().items()}


def assert_same(a, b) -> None:
    """Weights and history to the last bit; only the clock may differ."""
    for (name, x), y in zip(state(a).items(), state(b).values(), strict=True):
        assert np.array_equal(x, y), name
    pd.testing.assert_frame_equal(
        a.history.drop(columns="seconds"), b.history.drop(columns="seconds"), check_exact=True
    )


def differ(a, b) -> bool:
    return any(not np.array_equal(x, y) for x, y in zip(state(a).values(), state(b).values(), strict=True))


class Rows(Dataset):
    """Items that are changed at random by generators of all three kinds."""

    def __init__(self, n: int = 50) -> None:
        self.x, self.y = (torch.from_numpy(a).float() for a in table(n))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int):
        noise = random.gauss(0, 0.1) + np.random.normal(0, 0.1) + 0.1 * torch.randn(3)
        return self.x[row] + noise, self.y[row]


# -- it trains


def test_a_small_network_learns_to_segment():
    images, masks = discs(64)
    fresh = discs(32, seed=1)
    model = models.unet(2, 1, 1, features=FEATURES)
    before = dice(model, *fresh)
    found = train.fit(
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


# -- it resumes

EVERYTHING = {"ema": 0.9, "clip": 1.0, "schedule": lambda t: (1 - t) ** 0.9, "every": 7}


class EndError(Exception):
    """An end of the process that the loop knows nothing of."""


def stopping(loss, after: int):
    left = iter(range(after))

    def function(model, batch):
        if next(left, None) is None:
            raise EndError
        return loss(model, batch)

    return function


@pytest.mark.parametrize("data", [table(), Rows()], ids=["arrays", "items"])
def test_resumed_equals_unbroken(tmp_path, data):
    settings = {**EVERYTHING, "data": data, "validate": lambda model: -float(model[0].weight.norm()), "patience": 99}
    whole = fit(**settings)
    for after in (3, 12, 12):  # in the first interval nothing is kept yet
        with pytest.raises(EndError):
            fit(loss=stopping(squared, after), checkpoint=tmp_path, **settings)
    resumed = fit(checkpoint=tmp_path, **settings)
    assert resumed.resumed == 14
    assert_same(whole, resumed)
    assert whole.best == resumed.best
    again = fit(loss=stopping(squared, 0), checkpoint=tmp_path, **settings)
    assert again.resumed == 40
    assert_same(whole, again)


KILLED = """
import sys, time
from tests.helpers import test_train as t
def slow(model, batch):
    time.sleep(0.02)
    return t.squared(model, batch)
t.fit(loss=slow, steps=200, checkpoint=sys.argv[1], **{**t.EVERYTHING, "every": 3})
"""


def test_run_killed_in_training_is_resumed_to_the_last_bit(tmp_path):
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}
    )
    file, deadline = tmp_path / "last.pt", time.monotonic() + 90
    written = set()
    while len(written) < 4:  # several intervals have been kept
        assert process.poll() is None and time.monotonic() < deadline, "the run ended before it could be killed"
        if file.exists():
            written.add(file.stat().st_mtime_ns)
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    settings = {**EVERYTHING, "every": 3, "steps": 200}
    resumed = fit(checkpoint=tmp_path, **settings)
    assert 9 <= resumed.resumed < 200 and resumed.resumed % 3 == 0
    assert_same(fit(**settings), resumed)


def test_patience_is_remembered(tmp_path):
    settings = {"every": 5, "steps": 60, "patience": 3, "validate": lambda model: 1.0}
    with pytest.raises(EndError):
        fit(loss=stopping(squared, 12), checkpoint=tmp_path, **settings)
    resumed = fit(checkpoint=tmp_path, **settings)
    assert (resumed.resumed, resumed.best, resumed.history["step"].max()) == (10, 5, 20)
    assert fit(loss=stopping(squared, 0), checkpoint=tmp_path, **settings).best == 5


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


def test_full_disk_keeps_the_last_checkpoint(tmp_path):
    """A real one: the system refuses to write beyond a size, in the middle of the file."""
    with pytest.raises(EndError):
        fit(loss=stopping(squared, 12), checkpoint=tmp_path, every=5)
    kept = (tmp_path / "last.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) // 2, limits[1]))
    try:
        with pytest.raises(InputError, match=r"step 15 cannot be written.*the checkpoint before it is kept"):
            fit(checkpoint=tmp_path, every=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]
    assert (tmp_path / "last.pt").read_bytes() == kept
    assert_same(fit(every=5), fit(checkpoint=tmp_path, every=5))


def test_a_folder_that_cannot_be_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        fit(checkpoint=tmp_path / "file" / "run")


DAMAGES = {
    "empty": lambda whole, weight: b"",
    "one byte less": lambda whole, weight: whole[:-1],
    "half": lambda whole, weight: whole[: len(whole) // 2],
    "a weight changed": lambda whole, weight: whole.replace(weight, weight[:7] + bytes([weight[7] ^ 1]) + weight[8:]),
    "other": lambda whole, weight: b"not a checkpoint at all",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint_is_said(tmp_path, damage):
    weight = state(fit(checkpoint=tmp_path, steps=5))["0.weight"].tobytes()
    file = tmp_path / "last.pt"
    whole = file.read_bytes()
    spoilt = DAMAGES[damage](whole, weight)
    assert spoilt != whole
    file.write_bytes(spoilt)
    with pytest.raises(InputError, match="no whole checkpoint") as raised:
        fit(checkpoint=tmp_path, steps=5)
    assert str(file) in str(raised.value)
    assert file.read_bytes() == spoilt


def test_another_file_of_pytorch_is_no_checkpoint(tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="no whole checkpoint"):
        fit(checkpoint=tmp_path)


class Wider(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 1))


OTHERS = {
    "model": ({"model": Wider()}, r"another model: 0.weight is float32 \(16, 3\) there, float32 \(17, 3\) here"),
    "first weights": ({"model": line(1)}, "other first weights"),
    "labels": ({"data": (table()[0], table(seed=1)[1])}, "data ="),
    "fewer cases": ({"data": table(40)}, "data ="),
    "seed": ({"seed": 4}, "seed = 3, this call has 4"),
    "steps": ({"steps": 41}, "steps = 40, this call has 41"),
    "batch": ({"batch_size": 10}, "batch_size = 8"),
    "rate": ({"lr": 0.02}, "lr = 0.01"),
    "schedule": ({"schedule": lambda t: 1 - t}, "schedule = None"),
    "optimizer": ({"optimizer": torch.optim.SGD}, "optimizer = AdamW .*, this call has SGD"),
    "average": ({"ema": 0.5}, "ema = 0.0"),
    "clip": ({"clip": 1.0}, "clip = None"),
    "weights": ({"weights": np.ones(50)}, "weights = None"),
    "augment": ({"augment": None}, "augment = True"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    fit(checkpoint=folder)
    return folder


@pytest.mark.parametrize("other", OTHERS)
def test_checkpoint_of_another_run_is_refused(finished, other):
    settings, words = OTHERS[other]
    before = (finished / "last.pt").read_bytes()
    with pytest.raises(InputError, match=words):
        fit(checkpoint=finished, **settings)
    assert (finished / "last.pt").read_bytes() == before


def test_diverged_training_keeps_its_last_good_checkpoint(tmp_path):
    calls = iter(range(100))

    def loss(model, batch):
        return squared(model, batch) * (float("nan") if next(calls) == 12 else 1)

    with pytest.raises(InputError, match=r"NaN or infinite in step 13.*checkpoint of step 10 is kept"):
        fit(loss=loss, checkpoint=tmp_path, every=5)
    assert_same(fit(every=5), fit(checkpoint=tmp_path, every=5))


def test_infinite_weights_reach_no_checkpoint(tmp_path):
    """A finite loss whose gradient is not: the root of a zero."""

    def loss(model, batch):
        return (model(batch[0]).mean() * 0).sqrt()

    with pytest.raises(InputError, match=r"weights are NaN or infinite after step 1\."):
        fit(loss=loss, checkpoint=tmp_path, every=1)
    assert not list(tmp_path.iterdir())


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter([])


def missing(device: str) -> bool:
    return not {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device]


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
    "unknown device": ({"device": "gpu"}, "device = gpu.*Choose from auto, cpu, cuda, mps"),
    "unknown precision": ({"precision": "8"}, "precision = 8"),
    "16 bits on a CPU": ({"precision": "16"}, "precision = 16"),
    "both lengths": ({"epochs": 1, "steps": 1}, "one of the two"),
    "no step": ({"steps": 0}, "steps = 0"),
    "no batch": ({"batch_size": 0}, "batch_size = 0"),
    "batch and a half": ({"batch_size": 1.5}, "batch_size = 1.5"),
    "seed": ({"seed": -1}, "seed = -1"),
    "rate": ({"lr": float("nan")}, "lr = nan"),
    "clip": ({"clip": 0}, "clip = 0"),
    "average": ({"ema": 1}, "ema = 1"),
    "patience": ({"patience": 3}, "no score to wait for"),
    "weights": ({"weights": [1, 2]}, "expected 50 finite weights"),
    "frozen": ({"model": line().requires_grad_(False)}, "no parameter to train"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    settings, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        fit(**settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_absent_device_is_refused(device):
    if not missing(device):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(InputError, match=f"device = {device}: PyTorch finds none"):
        fit(device=device)
    assert train.choose_device("auto") in {"cpu", "cuda", "mps"} - {device}


# -- several processes, other ways to compute

SHARED = """
import sys
from tests.helpers import test_train as t
def loss(model, batch):
    assert len(batch[0]) == 4, "half of a batch of 8"
    return t.squared(model, batch)
t.fit(t.line_without_chance(), loss=loss, augment=None, steps=10, every=5, checkpoint=sys.argv[1])
"""


def line_without_chance() -> nn.Module:
    return nn.Sequential(*[layer for layer in line() if isinstance(layer, nn.Linear | nn.ReLU)])


@pytest.mark.parametrize("items", [False, True])
def test_shares_of_two_processes_make_up_the_batch(items):
    x, y = np.zeros((10, 3)), np.arange(10.0)[:, None]
    rows = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) if items else (x, y)
    order, device = Order(10, 4, seed=1), torch.device("cpu")
    shares = [[batch[1] for batch in source(rows, 0).batches(order, range(6), rank, 2, device)] for rank in (0, 1)]
    for step, (first, second) in enumerate(zip(*shares, strict=True)):
        assert len(first) == len(second) == 2
        assert sorted([*first.flatten().tolist(), *second.flatten().tolist()]) == sorted(order.batch(step)[1].tolist())


def test_two_processes_share_each_batch(tmp_path):
    """The mean gradient of two halves is that of the whole batch, so that the weights are those of one process."""
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            script,
            tmp_path / "run",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    settings = {"augment": None, "steps": 10, "every": 5}
    alone = fit(line_without_chance(), **settings)
    together = fit(line_without_chance(), checkpoint=tmp_path / "run", loss=stopping(squared, 0), **settings)
    assert together.resumed == 10
    for name, value in state(alone).items():
        np.testing.assert_allclose(value, state(together)[name], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(alone.history["loss"], together.history["loss"], rtol=1e-4)
    assert np.abs(state(alone)["0.weight"] - line()[0].weight.detach().numpy()).max() > 0.01


def test_channels_last_and_deterministic_change_only_rounding():
    images, masks = discs(16)
    usual = {"steps": 2, "batch_size": 8, "augment": None, "lr": 1e-3}

    def weights(**settings):
        model = models.unet(2, 1, 1, features=FEATURES)
        return fit(model, (images, masks), segment, **usual, **settings)

    plain, other = weights(), weights(channels_last=True, deterministic=True)
    np.testing.assert_allclose(plain.history["loss"], other.history["loss"], rtol=1e-4)
    assert not torch.are_deterministic_algorithms_enabled()


def test_bfloat16_trains_with_weights_in_32_bits():
    images, masks = discs(16)
    types = set()

    def loss(model, batch):
        values = segment(model, batch)
        types.add(values["loss"].dtype)
        return values

    usual = {"steps": 2, "batch_size": 8, "augment": None, "lr": 1e-3}
    model = models.unet(2, 1, 1, features=FEATURES)
    half = fit(model, (images, masks), loss, precision="bf16", **usual)
    full = fit(models.unet(2, 1, 1, features=FEATURES), (images, masks), loss, **usual)
    assert types == {torch.float32} == {p.dtype for p in half.model.parameters()}
    assert differ(half, full)
    np.testing.assert_allclose(half.history["loss"], full.history["loss"], rtol=0.02)


# -- using what was trained


@pytest.fixture(scope="module")
def net():
    return models.unet(2, 1, 2, features=FEATURES).eval()


def test_prediction_is_the_networks_output(net):
    images, _ = discs(5)
    with torch.no_grad():
        expected = net(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(train.predict(net, images, batch_size=2), expected, rtol=1e-4, atol=1e-5)
    masks = train.predict(net, torch.from_numpy(images).double(), activation=lambda y: y > 0)
    assert masks.dtype == bool and np.array_equal(masks, expected > 0)


def test_prediction_leaves_the_mode_alone():
    model = line().train()
    x = table(4)[0]
    assert np.array_equal(train.predict(model, x), train.predict(model, x)), "dropout was active"
    assert model.training


class Local(nn.Module):
    """Output of a voxel that depends on no other, so that windows cannot matter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return torch.cat([x * self.weight, x**2], 1)


@pytest.mark.parametrize("shape", [(20, 17, 9), (40, 30)])
def test_volume_is_put_together_from_windows(shape):
    volume = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    window = (16, 16, 16)[: len(shape)]
    found = train.predict_volume(Local(), volume, window=window)
    np.testing.assert_allclose(found, np.concatenate([volume * 2, volume**2]), rtol=1e-5, atol=1e-5)
    masks = train.predict_volume(Local(), volume, window=window, activation=lambda y: y > 0.5, batch_size=4)
    assert np.array_equal(masks, found > 0.5)


WRONG = {
    "no image": (lambda net: train.predict(net, np.zeros((0, 1, 32, 32))), "images"),
    "channels": (lambda net: train.predict(net, np.zeros((1, 2, 32, 32))), r"cannot take \(1, 2, 32, 32\)"),
    "NaN": (lambda net: train.predict(net, np.where(np.eye(32) > 0, np.nan, np.zeros((3, 1, 32, 32)))), r"images\[0\]"),
    "batch": (lambda net: train.predict(net, np.zeros((1, 1, 32, 32)), batch_size=0), "batch_size = 0"),
    "precision": (lambda net: train.predict(net, np.zeros((1, 1, 32, 32)), precision="64"), "precision = 64"),
    "window": (lambda net: train.predict_volume(net, np.zeros((1, 32, 32)), window=(32,)), "window"),
    "overlap": (lambda net: train.predict_volume(net, np.zeros((1, 32, 32)), window=(32, 32), overlap=1), "overlap"),
}


@pytest.mark.parametrize("case", WRONG)
def test_images_that_do_not_fit_are_one_clear_error(net, case):
    act, words = WRONG[case]
    with pytest.raises(InputError, match=words) as raised:
        act(net)
    assert "\n" not in str(raised.value)
