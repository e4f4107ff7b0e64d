"""Checkpoints: training resumes to the last bit, survives kills and a full disk, and is not fooled by other files."""

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from helpers.errors import InputError
from tests.conftest import ROOT
from tests.helpers.training import EVERYTHING, EndError, Rows, assert_same, fit, line, squared, state, stopping, table

# -- it resumes


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


def test_a_second_training_in_the_same_folder_is_not_met(tmp_path, monkeypatch):
    """Both write at once, and the quicker has renamed its file before the slower has."""
    whole, sync, once = fit(**EVERYTHING), os.fsync, [True]

    def interrupted(handle: int) -> None:
        sync(handle)
        if once and once.pop():
            assert_same(whole, fit(checkpoint=tmp_path, **EVERYTHING))

    monkeypatch.setattr(os, "fsync", interrupted)
    assert_same(whole, fit(checkpoint=tmp_path, **EVERYTHING))
    assert not once and [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_a_checkpoint_in_another_precision_is_refused(tmp_path):
    """Also where both calls say "auto", which is bfloat16 on a GPU and 32 bits on a processor."""
    fit(checkpoint=tmp_path, precision="bf16", **EVERYTHING)
    with pytest.raises(InputError, match="the training had precision = bf16, this call has 32"):
        fit(checkpoint=tmp_path, precision="auto", device="cpu", **EVERYTHING)


KILLED = """
import sys, time
from tests.helpers import training as t
def slow(model, batch):
    time.sleep(0.02)
    return t.squared(model, batch)
t.fit(loss=slow, steps=200, checkpoint=sys.argv[1], **{**t.EVERYTHING, "every": 3})
"""


@pytest.mark.slow
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
    with pytest.raises(InputError, match="not a complete checkpoint") as raised:
        fit(checkpoint=tmp_path, steps=5)
    assert str(file) in str(raised.value)
    assert file.read_bytes() == spoilt


def test_another_file_of_pytorch_is_no_checkpoint(tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="not a complete checkpoint"):
        fit(checkpoint=tmp_path)


class Wider(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 1))


OTHERS = {
    "model": ({"model": Wider()}, r"another model: 0.weight is float32 \(16, 3\) there, float32 \(17, 3\) here"),
    "first weights": ({"model": line(1)}, "other initial weights"),
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
