"""Projection and filtered back-projection of 256 x 256 images against two peers, as ratios of one run.

scikit-image and ours work on the same 16 images at 256 angles, without the circle, with a Hann window; ours as one
batch with PyTorch's two threads, scikit-image's image by image in two processes, which is how a batch is usually done
with it. They take turns, and the median of five counts. Our matrices are made before; what they cost is measured in
processes that project one image. Run with ``python -m pytest -s tests/benchmarks/test_degrade_speed.py``.

ASTRA's projectors of the CPU take one image at a time and one thread, so ours has one thread too, and seconds are those
of the processor. Its ``linear`` kernel is nearest to ours in definition (it interpolates along rows or columns, ours in
both directions), and ``line`` is another; the values are close and not equal. ASTRA is in the extra ``bench``, and also
needs the libraries of nvidia-cuda-runtime-cu12 and nvidia-cufft-cu12 on the path of the loader.
"""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from helpers import degrade
from tests.benchmarks import contest
from tests.benchmarks.first_projection import SIZE, THETA

IMAGES, ROUNDS, CORES = 16, 5, 2


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
@pytest.mark.parametrize("count", [1, IMAGES])
@pytest.mark.parametrize("kernel", ["line", "linear"])
def test_faster_than_astra_on_one_core(kernel, count, images):
    version = contest.version("astra-toolbox")
    try:
        import astra
    except ImportError as error:
        pytest.skip(f"astra-toolbox {version} lacks a library: {error}")
    grid = astra.create_vol_geom(SIZE, SIZE)
    rays = astra.create_proj_geom("parallel", 1.0, math.ceil(math.sqrt(2) * SIZE), np.radians(THETA))
    peer, some, threads = (
        astra.OpTomo(astra.create_projector(kernel, rays, grid)),
        images[:count],
        torch.get_num_threads(),
    )
    torch.set_num_threads(1)
    try:
        lines = degrade.radon(some)
        works = {  # the filter is part of our way back, and not of ASTRA's
            "projected at 256 angles": (2, lambda: degrade.radon(some), lambda: np.stack([*map(peer.FP, some)])),
            "projected back": (1.5, lambda: degrade.fbp(lines), lambda: [*map(peer.BP, lines)]),
        }
        for work, (asked, mine, theirs) in works.items():
            turns = contest.take_turns({"ours": mine, "astra": theirs}, rounds=ROUNDS)
            if asked == 2:
                found, reference = (turns[name][-1]["found"] for name in ("ours", "astra"))
                assert np.abs(found - reference).mean() < 0.02 * np.abs(found).mean()
            size = f"{count} image{'s' * (count > 1)} of {SIZE} x {SIZE}"
            contest.at_least(asked, f"{size} {work}, kernel {kernel}", turns, "astra", package="astra-toolbox")
    finally:
        torch.set_num_threads(threads)


def test_the_first_call_is_quick_and_small():
    """The processor's seconds after the imports, and the most memory with them."""
    names = ("ours", "scikit-image", "imports")
    contenders = {name: contest.process("tests.benchmarks.first_projection", name) for name in names}
    turns = contest.take_turns(contenders, rounds=ROUNDS, warm=False)
    work = f"the first image of {SIZE} x {SIZE} projected and back, matrices made"
    contest.at_least(0.65, work, turns, "scikit-image", package="scikit-image")
    contest.at_least(0.5, f"memory of a process for {work}", turns, "imports", what="peak_mb")


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_at_least_5_times_as_fast_on_a_gpu(images):
    compete(images, torch.from_numpy(images).cuda(), "a GPU")
