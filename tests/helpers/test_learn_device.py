"""Other ways to compute a training: an absent device, several processes, another memory layout, fewer bits."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn.batches import Order, source
from tests.conftest import ROOT
from tests.helpers.training import (
    FEATURES,
    differ,
    discs,
    fit,
    line,
    line_without_chance,
    segment,
    squared,
    state,
    stopping,
)


def missing(device: str) -> bool:
    return not {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device]


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_absent_device_is_refused(device):
    if not missing(device):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(InputError, match=f"device = {device}: PyTorch finds no such device"):
        fit(device=device)
    assert learn.choose_device("auto") in {"cpu", "cuda", "mps"} - {device}


QUIET = """
import logging, torch
from helpers.learn.device import launch
launch("cpu", "bf16")
logging.getLogger("lightning_fabric.utilities").warning("a warning")
"""


def test_the_start_of_a_training_writes_no_lines_into_a_notebook():
    """In a process of its own, as Lightning chooses where it writes when it is imported."""
    done = subprocess.run([sys.executable, "-c", QUIET], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (0, "", "a warning")


SHARED = """
import sys
from tests.helpers import training as t
def loss(model, batch):
    assert len(batch[0]) == 4, "half of a batch of 8"
    return t.squared(model, batch)
t.fit(t.line_without_chance(), loss=loss, augment=None, steps=10, every=5, checkpoint=sys.argv[1])
"""


@pytest.mark.parametrize("items", [False, True])
def test_shares_of_two_processes_make_up_the_batch(items):
    x, y = np.zeros((10, 3)), np.arange(10.0)[:, None]
    rows = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)) if items else (x, y)
    order, device = Order(10, 4, seed=1), torch.device("cpu")
    shares = [[batch[1] for batch in source(rows, 0).batches(order, range(6), rank, 2, device)] for rank in (0, 1)]
    for step, (first, second) in enumerate(zip(*shares, strict=True)):
        assert len(first) == len(second) == 2
        assert sorted([*first.flatten().tolist(), *second.flatten().tolist()]) == sorted(order.batch(step)[1].tolist())


@pytest.mark.slow
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
        model = learn.unet(2, 1, 1, features=FEATURES)
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
    model = learn.unet(2, 1, 1, features=FEATURES)
    half = fit(model, (images, masks), loss, precision="bf16", **usual)
    full = fit(learn.unet(2, 1, 1, features=FEATURES), (images, masks), loss, **usual)
    assert types == {torch.float32} == {p.dtype for p in half.model.parameters()}
    assert differ(half, full)
    np.testing.assert_allclose(half.history["loss"], full.history["loss"], rtol=0.02)
