"""JPEG of 3,000 pixels read and resized to 224 against a plain Pillow loop, as ratios of one run.

Both read the same 24 files of four photographs, smooth noise with fine detail, and give uint8 squares of 224.
Pillow's loop opens, converts and fits one after the other; ours decodes by two threads and writes the array to disk.
They take turns, and the median of three counts. Run with
``python -m pytest -s tests/benchmarks/test_pictures_speed.py``.
"""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.benchmarks import contest
from tests.helpers.pictures import load_colour

SIDE, SIZE, IMAGES, DIFFERENT, ROUNDS, CORES = 3000, 224, 24, 4, 3, 2


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    made = []
    for k in range(DIFFERENT):
        layers = [
            Image.fromarray(rng.integers(0, 256, (n, n, 3), dtype=np.uint8)).resize(
                (SIDE, SIDE), Image.Resampling.BICUBIC
            )
            for n in (8, 60, 450, 1500)
        ]
        blend = sum(w * np.asarray(layer, np.float32) for w, layer in zip((0.5, 0.25, 0.15, 0.1), layers, strict=True))
        made.append(folder / f"{k}.jpg")
        Image.fromarray(blend.astype(np.uint8)).save(made[-1], quality=90)
    return [Path(shutil.copy(made[k % DIFFERENT], folder / f"{k}.jpg")) for k in range(DIFFERENT, IMAGES)] + made


def plain(files: list[Path]) -> np.ndarray:
    fitted = [ImageOps.fit(Image.open(f).convert("RGB"), (SIZE, SIZE), Image.Resampling.BILINEAR) for f in files]
    return np.stack([np.asarray(image) for image in fitted]).transpose(0, 3, 1, 2)


@pytest.mark.timeout(1800)
def test_at_least_3_times_as_fast_on_two_cores(files, tmp_path):
    folders = (tmp_path / str(k) for k in itertools.count())
    contenders = {
        "ours": lambda: load_colour(files, SIZE, workers=CORES, progress=False, folder=next(folders)),
        "Pillow": lambda: plain(files),
    }
    turns = contest.take_turns(contenders, rounds=ROUNDS, clock=contest.wall, warm=False)
    ours, theirs = (turns[name][-1]["found"].astype(float) for name in contenders)
    assert np.abs(ours - theirs).mean() < 1
    work = f"{IMAGES + DIFFERENT} photographs of {SIDE:,} pixels read and resized, {CORES} threads"
    contest.at_least(3, work, turns, "Pillow", package="pillow")
