"""Projection and filtered back-projection of 256 x 256 images against scikit-image's, as ratios of one run.

Both work on the same 16 images at 256 angles, without the circle, with a Hann window; ours as one batch with PyTorch's
two threads, scikit-image's image by image in two processes, which is how a batch is usually done with it. They take
turns, and the median of five counts. Our matrices are made before: the time for it is shown, and is spent once. Run
with ``python -m pytest -s tests/benchmarks/test_degrade_speed.py``.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from helpers import degrade
from tests.benchmarks import contest

SIZE, IMAGES, ROUNDS, CORES = 256, 16, 5, 2
THETA = np.arange(SIZE) * 180 / SIZE


def theirs(image: np.ndarray) -> np.ndarray:
    """One image projected and back."""
    return iradon(radon(image, THETA, circle=False), THETA, filter_name="hann", circle=False)


def ours(images: np.ndarray | torch.Tensor) -> np.ndarray | torch.Tensor:
    """A batch projected and back."""
    back = degrade.fbp(degrade.radon(images))
    if isinstance(images, torch.Tensor) and images.is_cuda:
        torch.cuda.synchronize()
    return back


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    phantom = resize(shepp_logan_phantom(), (SIZE, SIZE), anti_aliasing=True)
    shift = np.random.default_rng(0).integers(-20, 20, IMAGES)
    return np.stack([np.roll(phantom, k, axis=1) for k in shift]).astype(np.float32)


def compete(images: np.ndarray, batch: np.ndarray | torch.Tensor, where: str) -> None:
    began = time.perf_counter()
    ours(batch)
    print(f"\nours, first call with its matrices {time.perf_counter() - began:.2f} s")
    with ProcessPoolExecutor(CORES) as pool:
        contenders = {"ours": lambda: ours(batch), "scikit-image": lambda: np.stack([*pool.map(theirs, images)])}
        turns = contest.take_turns(contenders, rounds=ROUNDS, clock=contest.wall)
    found, reference = (turns[name][-1]["found"] for name in contenders)
    np.testing.assert_allclose(torch.as_tensor(found).cpu(), reference, atol=1e-5)
    work = f"{IMAGES} images of {SIZE} x {SIZE} projected at {SIZE} angles and back, {where}"
    contest.at_least(5, work, turns, "scikit-image", package="scikit-image")


@pytest.mark.timeout(1800)
def test_at_least_5_times_as_fast_on_two_cores(images):
    threads = torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        compete(images, images, f"{CORES} cores")
    finally:
        torch.set_num_threads(threads)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_at_least_5_times_as_fast_on_a_gpu(images):
    compete(images, torch.from_numpy(images).cuda(), "a GPU")
