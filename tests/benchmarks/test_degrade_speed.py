"""Projection and filtered back-projection of 256 x 256 images against scikit-image's, as ratios of one run.

Both work on the same 16 images at 256 angles, without the circle, with a Hann window; ours as one batch with PyTorch's
two threads, scikit-image's image by image in two processes, which is how a batch is usually done with it. They take
turns, and the median of five counts. Our matrices are made before: the time for it is shown, and is spent once. Run
with ``python -m pytest -s tests/benchmarks/test_degrade_speed.py``.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from helpers import degrade

SIZE, IMAGES, ROUNDS, CORES = 256, 16, 5, 2
THETA = np.arange(SIZE) * 180 / SIZE


def theirs(image: np.ndarray) -> tuple[np.ndarray, float, float]:
    """One image projected and back, and the seconds of both."""
    began = time.perf_counter()
    sinogram = radon(image, THETA, circle=False)
    between = time.perf_counter()
    back = iradon(sinogram, THETA, filter_name="hann", circle=False)
    return back, between - began, time.perf_counter() - between


def ours(images: np.ndarray | torch.Tensor) -> tuple[np.ndarray | torch.Tensor, float, float]:
    """A batch projected and back, and the seconds of both."""
    began = time.perf_counter()
    sinograms = degrade.radon(images)
    _wait(images)
    between = time.perf_counter()
    back = degrade.fbp(sinograms)
    _wait(images)
    return back, between - began, time.perf_counter() - between


def _wait(images: np.ndarray | torch.Tensor) -> None:
    if isinstance(images, torch.Tensor) and images.is_cuda:
        torch.cuda.synchronize()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    phantom = resize(shepp_logan_phantom(), (SIZE, SIZE), anti_aliasing=True)
    shift = np.random.default_rng(0).integers(-20, 20, IMAGES)
    return np.stack([np.roll(phantom, k, axis=1) for k in shift]).astype(np.float32)


def take_turns(images: np.ndarray, batch: np.ndarray | torch.Tensor, capsys: pytest.CaptureFixture) -> float:
    """The median, over the rounds, of how many times as fast ours is."""
    began = time.perf_counter()
    found = ours(batch)[0]
    first = time.perf_counter() - began
    ratios, lines = [], [f"ours, first call with its matrices {first:.2f} s"]
    with ProcessPoolExecutor(CORES) as pool:
        reference = np.stack([back for back, *_ in pool.map(theirs, images)])  # warm
        for _ in range(ROUNDS):
            began = time.perf_counter()
            peer_parts = [seconds for _, *seconds in pool.map(theirs, images)]
            peer = time.perf_counter() - began
            _, forward, backward = ours(batch)
            ratios.append(peer / (forward + backward))
            parts = np.mean(peer_parts, axis=0)
            lines.append(
                f"scikit-image {peer:6.2f} s (an image {parts[0]:.3f} + {parts[1]:.3f}), "
                f"ours {forward + backward:6.3f} s ({forward:.3f} + {backward:.3f}), ratio {ratios[-1]:.1f}"
            )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    np.testing.assert_allclose(torch.as_tensor(found).cpu(), reference, atol=1e-5)
    return statistics.median(ratios)


@pytest.mark.timeout(1800)
def test_at_least_5_times_as_fast_on_two_cores(images, capsys):
    threads = torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        assert take_turns(images, images, capsys) >= 5
    finally:
        torch.set_num_threads(threads)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_at_least_5_times_as_fast_on_a_gpu(images, capsys):
    assert take_turns(images, torch.from_numpy(images).cuda(), capsys) >= 5
