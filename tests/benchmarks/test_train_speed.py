"""Training of a segmentation network against the loop of MONAI's tutorials, as ratios of one run.

Both train the same network on the same images, held in memory, with the same loss, optimizer and number of steps. The
tutorial's way is written out here: a list of dictionaries behind a `DataLoader` that shuffles, and a plain loop. Each
contender is a process of its own; they take turns, and the median of five counts. Run with
``python -m pytest -s tests/benchmarks/test_train_speed.py``; as a script it is one contender.
"""

import json
import statistics
import sys
import time

import numpy as np
import pytest
import torch

from tests.benchmarks import contest

CASES, BATCH, EPOCHS, RATE, ROUNDS = 256, 16, 3, 1e-3, 5
MODULE = "tests.benchmarks.test_train_speed"
WORK = "an epoch of a segmentation network"
SHOWN = {"seconds": ".3f", "peak_mb": ".0f", "loss": ".3f"}
SIZES = {"cpu": (32, (8, 8, 16, 16, 32, 8)), "cuda": (256, (32, 32, 64, 128, 256, 32))}  # pixels, features


def images(size):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] * (32 / size)
    middle, radius = rng.uniform(10, 22, (CASES, 2, 1, 1)), rng.uniform(4, 8, (CASES, 1, 1))
    mask = ((y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2)[:, None].astype(np.float32)
    return mask + rng.normal(0, 0.3, mask.shape).astype(np.float32), mask


def network(features):
    from helpers import learn

    return learn.unet(2, 1, 1, features=features)


def criterion():
    from monai.losses import DiceCELoss

    return DiceCELoss(sigmoid=True)


def ours(device, precision, **settings):
    """Seconds of each epoch, and the loss of the last."""
    from helpers import learn

    measure, (size, features) = criterion(), SIZES[device]
    found = learn.fit(
        network(features),
        images(size),
        lambda model, batch: measure(model(batch[0]), batch[1]),
        epochs=EPOCHS,
        batch_size=BATCH,
        lr=RATE,
        seed=0,
        device=device,
        precision=precision,
        progress=False,
        **settings,
    )
    return found.history["seconds"].tolist(), found.history["loss"].iloc[-1]


def tutorial(device, mixed):
    """Seconds of each epoch, and the loss of the last."""
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    size, features = SIZES[device]
    arrays = (torch.from_numpy(array) for array in images(size))
    cases = [{"image": image, "label": mask} for image, mask in zip(*arrays, strict=True)]
    loader = DataLoader(cases, batch_size=BATCH, shuffle=True, num_workers=0, pin_memory=device == "cuda")
    model, measure = network(features).to(device), criterion()
    optimizer = torch.optim.AdamW(model.parameters(), RATE)
    seconds = []
    for _ in range(EPOCHS):
        began = time.perf_counter()
        model.train()
        total = 0.0
        for batch in loader:
            inputs, labels = batch["image"].to(device), batch["label"].to(device)
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=mixed):
                loss = measure(model(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        seconds.append(time.perf_counter() - began)
    return seconds, total / len(loader)


CPU = {
    "ours": lambda: ours("cpu", "32"),
    "ours, channels last": lambda: ours("cpu", "32", channels_last=True),
    "tutorial": lambda: tutorial("cpu", False),
}
GPU = {
    "ours, GPU": lambda: ours("cuda", "32"),
    "tutorial, GPU": lambda: tutorial("cuda", False),
    "ours, GPU, mixed": lambda: ours("cuda", "bf16"),
    "ours, GPU, mixed, channels last": lambda: ours("cuda", "bf16", channels_last=True),
    "tutorial, GPU, mixed": lambda: tutorial("cuda", True),
}


def contend(name):
    """Median seconds of an epoch after the first, peak memory (of the GPU, where one is used), and the last loss."""
    seconds, loss = (CPU | GPU)[name]()
    on_gpu = {"peak_mb": torch.cuda.max_memory_allocated() / 2**20} if name in GPU else {}
    return {"seconds": statistics.median(seconds[1:]), "loss": loss} | on_gpu


def take_turns(names):
    contenders = {name: contest.process(MODULE, name) for name in names}
    return contest.take_turns(contenders, rounds=ROUNDS, warm=False)


@pytest.fixture(scope="module")
def runs():
    return take_turns(CPU)


@pytest.mark.timeout(1800)
def test_no_slower_than_the_tutorial(runs):
    print("\n" + contest.table(runs, "tutorial", **SHOWN))
    contest.at_least(0.95, WORK, runs, "tutorial", package="monai")


@pytest.mark.timeout(1800)
def test_peak_memory_is_no_higher(runs):
    contest.at_least(1 / 1.15, f"{WORK}: peak memory", runs, "tutorial", package="monai", what="peak_mb")


@pytest.mark.timeout(1800)
def test_both_learn_the_same(runs):
    losses = contest.medians(runs, "loss")
    assert losses["ours"] == pytest.approx(losses["tutorial"], rel=0.1)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_no_slower_than_the_tutorial_on_a_gpu():
    found = take_turns(GPU)
    print("\n" + contest.table(found, "tutorial, GPU", **SHOWN))
    for end in ("GPU", "GPU, mixed"):
        contest.at_least(0.95, WORK, found, f"tutorial, {end}", package="monai", ours=f"ours, {end}")


if __name__ == "__main__":
    print(json.dumps(contend(sys.argv[1])))
