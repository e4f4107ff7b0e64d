"""PSNR and SSIM of batches of images against three peers, as ratios of one run.

All work on the same batches in float32 and in float64, with one thread; seconds are those of the processor. They take
turns, and the median of the rounds' ratios counts. scikit-image computes image by image. All use SSIM's uniform windows
of 7 x 7 pixels; torchmetrics also scores windows beyond the edge of the image and takes other variances, MONAI takes
variances of the population, so their SSIM is close and not equal. Run with
``python -m pytest -s tests/benchmarks/test_images_speed.py``. The peers are in the extra ``bench``.

A threshold is lower than what was measured by a tenth and more, for noise. PSNR of float32 images of 512 x 512 pixels
and more was measured at 1.03 to 1.5 times scikit-image's speed: it subtracts in float32, ours in float64.
"""

import numpy as np
import pytest
import torch

from helpers import metrics
from tests.benchmarks import contest

SHAPES = [(200, 1, 64, 64), (32, 1, 256, 256), (8, 1, 512, 512), (4, 1, 1024, 1024), (1, 1, 2048, 2048)]
ROUNDS = 7
# Peer, measure, precision: how many times as fast ours is at least, and the largest difference of values.
CASES = [
    ("scikit-image", "psnr", np.float64, 1, 1e-9),
    ("scikit-image", "psnr", np.float32, 0.9, 1e-6),
    ("scikit-image", "ssim", np.float64, 2.7, 1e-9),
    ("scikit-image", "ssim", np.float32, 3.4, 1e-6),
    ("monai", "ssim", np.float32, 10, 0.02),
    ("torchmetrics", "ssim", np.float32, 10, 0.02),
]


def peer(name, measure):
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


def of_each_size():
    """Return each case with each shape; the slow peers have small ones only."""
    return [(*case, shape) for case in CASES for shape in SHAPES[: None if case[0] == "scikit-image" else 2]]


@pytest.mark.parametrize(("name", "measure", "precision", "least", "off", "shape"), of_each_size())
def test_ours_is_as_many_times_as_fast(name, measure, precision, least, off, shape):
    contest.version(name)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.random(shape).astype(precision)
    y = np.clip(x + rng.normal(0, 0.05, shape), 0, 1).astype(precision)
    theirs = peer(name, measure)
    given = (x, y) if name == "scikit-image" else (torch.from_numpy(x), torch.from_numpy(y))
    contenders = {"ours": lambda: getattr(metrics, measure)(x, y), name: lambda: theirs(*given)}
    turns = contest.take_turns(contenders, rounds=ROUNDS)
    found, reference = (np.asarray(turns[who][-1]["found"]) for who in ("ours", name))
    np.testing.assert_allclose(found, reference, atol=off, rtol=0)
    size = f"{shape[0]} image{'s' * (shape[0] > 1)} of {shape[2]} x {shape[3]}"
    work = f"{measure.upper()} of {size}, {np.dtype(precision)}"
    contest.at_least(least, work, turns, name, package=name)
