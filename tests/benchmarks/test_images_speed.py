"""PSNR and SSIM of batches of images against three peers, as ratios of one run.

All work on the same batches in float32 and in float64, with one thread. scikit-image computes image by image. All use
SSIM's uniform windows of 7 x 7 pixels; torchmetrics also scores windows beyond the edge of the image and takes other
variances, MONAI takes variances of the population, so their SSIM is close and not equal. MONAI's and torchmetrics' PSNR
is rounded to float32. The peers are in the extra ``bench``.

A threshold is lower than what was measured by a tenth and more, for noise. PSNR of float32 images was measured at 0.6
to 0.8 times scikit-image's speed from 256 x 256 pixels on: it subtracts in float32, ours in float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from helpers import metrics
from tests.benchmarks import contest

SHAPES = [(200, 1, 64, 64), (32, 1, 256, 256), (4, 1, 1024, 1024)]
# Peer, measure, precision: how many times as fast ours is at least, and the largest difference of values.
CASES = [
    ("scikit-image", "psnr", np.float64, 0.75, 1e-9),
    ("scikit-image", "psnr", np.float32, 0.45, 1e-6),
    ("scikit-image", "ssim", np.float64, 2.4, 1e-9),
    ("scikit-image", "ssim", np.float32, 3.4, 1e-6),
    ("monai", "ssim", np.float32, 10, 0.02),
    ("torchmetrics", "ssim", np.float32, 10, 0.02),
]


def peer(name: str, measure: str) -> Callable:
    if name == "scikit-image":
        from skimage import metrics as theirs

        one = {"psnr": theirs.peak_signal_noise_ratio, "ssim": theirs.structural_similarity}[measure]
        return lambda x, y: np.array([one(a[0], b[0], data_range=1.0) for a, b in zip(x, y, strict=True)])
    if name == "monai":
        from monai.metrics.regression import KernelType, compute_ssim_and_cs

        settings = {"kernel_size": (7, 7), "kernel_sigma": (1.5, 1.5), "kernel_type": KernelType.UNIFORM}
        return lambda x, y: compute_ssim_and_cs(y, x, spatial_dims=2, data_range=1.0, **settings)[0].mean(dim=(1, 2, 3))
    from torchmetrics.functional.image import structural_similarity_index_measure

    settings = {"data_range": 1.0, "kernel_size": 7, "gaussian_kernel": False, "reduction": "none"}
    return lambda x, y: structural_similarity_index_measure(y, x, **settings)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "measure", "precision", "least", "off"), CASES)
def test_ours_is_as_many_times_as_fast(name, measure, precision, least, off, shape):
    contest.version(name)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.random(shape).astype(precision)
    y = np.clip(x + rng.normal(0, 0.05, shape), 0, 1).astype(precision)
    pair = (x, y) if name == "scikit-image" else (torch.from_numpy(x), torch.from_numpy(y))
    theirs = peer(name, measure)
    contenders = {"ours": lambda: getattr(metrics, measure)(x, y), name: lambda: np.asarray(theirs(*pair))}
    turns = contest.take_turns(contenders, rounds=7)
    values = [turns[of][-1]["found"] for of in contenders]
    np.testing.assert_allclose(*values, atol=off, rtol=0)
    size = f"{shape[0]} images of {shape[2]} × {shape[3]}"
    work = f"{measure.upper()} of {size}, {np.dtype(precision)}"
    contest.at_least(least, work, turns, name, package=name)
