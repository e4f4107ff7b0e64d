"""PSNR and SSIM of batches of images against three peers, as ratios of one run.

All work on the same batches in float32 and in float64, with one thread; seconds are those of the processor. They take
turns, and the median of the rounds' ratios counts. scikit-image computes image by image. All use SSIM's uniform windows
of 7 x 7 pixels; torchmetrics also scores windows beyond the edge of the image and takes other variances, MONAI takes
variances of the population, so their SSIM is close and not equal. MONAI's and torchmetrics' PSNR is rounded to float32.
Run with ``python -m pytest -s tests/benchmarks/test_images_speed.py``. The peers are in the extra ``bench``.

A threshold is lower than what was measured by a tenth and more, for noise. PSNR of float32 images was measured at 0.6
to 0.8 times scikit-image's speed from 256 x 256 pixels on: it subtracts in float32, ours in float64.
"""

import statistics
import time
from importlib import metadata

import numpy as np
import pytest
import torch

from helpers import metrics

SHAPES = [(200, 1, 64, 64), (32, 1, 256, 256), (4, 1, 1024, 1024)]
ROUNDS = 7
# Peer, measure, precision: how many times as fast ours is at least, and the largest difference of values.
CASES = [
    ("scikit-image", "psnr", np.float64, 0.75, 1e-9),
    ("scikit-image", "psnr", np.float32, 0.45, 1e-6),
    ("scikit-image", "ssim", np.float64, 2.4, 1e-9),
    ("scikit-image", "ssim", np.float32, 3.4, 1e-6),
    ("monai", "ssim", np.float32, 10, 0.02),
    ("torchmetrics", "ssim", np.float32, 10, 0.02),
]
PINNED = {"scikit-image": "0.26.0", "monai": "1.6.1", "torchmetrics": "1.9.0"}


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


def seconds(call):
    start = time.process_time()
    return call(), time.process_time() - start


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "measure", "precision", "least", "off"), CASES)
def test_ours_is_as_many_times_as_fast(name, measure, precision, least, off, shape, capsys):
    pytest.importorskip(
        {"scikit-image": "skimage"}.get(name, name),
        reason=f"{name}=={PINNED[name]} is not installed; it is in the extra bench",
    )
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.random(shape).astype(precision)
    y = np.clip(x + rng.normal(0, 0.05, shape), 0, 1).astype(precision)
    theirs, given = (
        peer(name, measure),
        (x, y) if name == "scikit-image" else (torch.from_numpy(x), torch.from_numpy(y)),
    )
    ratios = []
    for _ in range(ROUNDS):
        mine, fast = seconds(lambda: getattr(metrics, measure)(x, y))
        values, slow = seconds(lambda: theirs(*given))
        ratios.append(slow / fast)
    ratio = statistics.median(ratios)
    with capsys.disabled():
        print(f"\n{name} {metadata.version(name)}, {measure}, {shape}, {np.dtype(precision)}: {ratio:.2f}")
    np.testing.assert_allclose(mine, np.asarray(values), atol=off, rtol=0)
    assert ratio >= least
