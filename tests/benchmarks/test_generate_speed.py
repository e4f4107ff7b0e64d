"""Training of a variational autoencoder against the usual loop for it, as ratios of one run.

Both train the same network from the same first weights on the same JPEG files, with the same feature network, loss,
optimizer and number of steps. The usual loop is written out here: a data set that opens files with Pillow behind a
`DataLoader` with workers, images and reconstructions through the feature network as one batch, ``.item()`` of each loss
after each step; on a GPU 16-bit mixed precision. `helpers.learn.fit_vae` wants the images in memory: the time to read
them once is not in its steps, and is shown. Files have the size of training, which favours the usual loop: photographs
are larger, and it reads them anew in each epoch. Each contender is a process of its own; they take turns, and the
median of five counts. Run with ``python -m pytest -s tests/benchmarks/test_generate_speed.py``; as a script it is
one contender.
"""

import json
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from tests.benchmarks import contest

MODULE = "tests.benchmarks.test_generate_speed"
WORK = "a step of a variational autoencoder"
SHOWN = {"seconds": ".4f", "reading": ".2f", "peak_mb": ".0f", "loss": ".3f"}
EPOCHS, RATE, CLIP, ROUNDS = 4, 1e-3, 10, 5
TINY = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False}
FULL = {"channels": 64, "blocks": (1, 2, 4, 8), "latent": 64, "deep": True}
# Pixels, images, batch, network, channels of the feature network (VGG19 has 64).
SIZES = {"cpu": (32, 256, 32, TINY, 8), "cuda": (128, 1024, 64, FULL, 64)}
WORKERS = {"cpu": 2, "cuda": 8}


def write(folder, size, cases):
    """Files of one disc each on a background of another colour."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    for k in range(cases):
        middle, radius, colours = rng.uniform(0.3, 0.7, 2), rng.uniform(0.1, 0.3), rng.uniform(30, 220, (2, 3))
        inside = ((y - middle[0]) ** 2 + (x - middle[1]) ** 2 < radius**2)[..., None]
        pixels = np.where(inside, *colours) + rng.normal(0, 10, (size, size, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{k}.jpg", quality=90)
    return sorted(folder.glob("*.jpg"))


class Photos(Dataset):
    """Images from -1 to 1, mirrored by chance, read when they are asked for."""

    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, row):
        pixels = np.array(Image.open(self.files[row]).convert("RGB"))
        image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
        return ((image.flip(2) if torch.rand(()) < 0.5 else image) - 0.5) / 0.5


def ours(device, files, **settings):
    """Seconds of reading, seconds of each epoch, and the last loss."""
    from helpers import learn

    _, _, batch, network, width = SIZES[device]
    began = time.perf_counter()
    images = np.stack([np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1) for file in files])
    reading = time.perf_counter() - began
    found = learn.fit_vae(
        images,
        seed=0,
        epochs=EPOCHS,
        batch_size=batch,
        lr=RATE,
        features=learn.random_features(channels=width),
        device=device,
        progress=False,
        **network,
        **settings,
    )
    return reading, found.history["seconds"].tolist(), found.history["loss"].iloc[-1]


def usual(device, files):
    """Seconds of reading before the first step, seconds of each epoch, and the last loss."""
    from helpers import learn

    torch.manual_seed(0)
    _, _, batch, network, width = SIZES[device]
    model = learn.vae(**network).to(device).train()
    features = learn.random_features(channels=width).to(device)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    mixed = device == "cuda"
    scaler = torch.amp.GradScaler(device, enabled=mixed)
    # Workers that live on from epoch to epoch, which the usual loop does not always have.
    reading = {"num_workers": WORKERS[device], "persistent_workers": True, "pin_memory": mixed}
    loader = DataLoader(Photos(files), batch, shuffle=True, **reading)
    seconds = []
    for _ in range(EPOCHS):
        began = time.perf_counter()
        losses = []
        for images in loader:
            images = images.to(device)
            with torch.autocast(device, torch.float16, enabled=mixed):
                made, mean, log_variance = model(images)
                mse = functional.mse_loss(made, images)
                kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).mean()
                pairs = [y.chunk(2) for y in features(torch.cat([made, images]))]
                feature = sum(functional.mse_loss(a, b) for a, b in pairs) / len(pairs)
                loss = mse + kl + feature
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            scaler.step(optimizer)
            scaler.update()
            losses.append([value.item() for value in (loss, mse, kl, feature)])
        seconds.append(time.perf_counter() - began)
    return 0.0, seconds, np.mean(losses, axis=0)[0]


CPU = {
    "ours": partial(ours, "cpu"),
    "ours, channels first": partial(ours, "cpu", channels_last=False),
    "usual": partial(usual, "cpu"),
}
GPU = {
    "ours, GPU": partial(ours, "cuda"),
    "ours, GPU, compiled": partial(ours, "cuda", compile=True),
    "usual, GPU": partial(usual, "cuda"),
}


def contend(name):
    """Median seconds of a step after the first epoch, seconds of reading, peak memory and the last loss."""
    size, cases, batch, *_ = SIZES["cuda" if name in GPU else "cpu"]
    with tempfile.TemporaryDirectory() as folder:
        reading, seconds, loss = (CPU | GPU)[name](write(Path(folder), size, cases))
    on_gpu = {"peak_mb": torch.cuda.max_memory_allocated() / 2**20} if name in GPU else {}
    step = statistics.median(seconds[1:]) / (cases // batch)
    return {"seconds": step, "reading": reading, "loss": float(loss)} | on_gpu


def take_turns(names):
    contenders = {name: contest.process(MODULE, name) for name in names}
    return contest.take_turns(contenders, rounds=ROUNDS, warm=False)


@pytest.fixture(scope="module")
def runs():
    return take_turns(CPU)


@pytest.mark.timeout(1800)
def test_faster_than_the_usual_loop(runs):
    print("\n" + contest.table(runs, "usual", **SHOWN))
    contest.at_least(1, WORK, runs, "usual", package="torch")


@pytest.mark.timeout(1800)
def test_both_learn_the_same(runs):
    """From the same first weights, with other draws of order, flips and codes."""
    losses = contest.medians(runs, "loss")
    assert losses["ours"] == pytest.approx(losses["usual"], rel=0.1)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_faster_than_the_usual_loop_on_a_gpu():
    found = take_turns(GPU)
    print("\n" + contest.table(found, "usual, GPU", **SHOWN))
    contest.at_least(1.3, WORK, found, "usual, GPU", package="torch", ours="ours, GPU")
    losses = contest.medians(found, "loss")
    assert losses["ours, GPU"] == pytest.approx(losses["usual, GPU"], rel=0.1)


if __name__ == "__main__":
    print(json.dumps(contend(sys.argv[1])))
