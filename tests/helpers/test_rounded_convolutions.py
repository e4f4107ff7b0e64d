"""No measure of ours is computed by a convolution that a GPU rounds: its operands have ten bits there (TF32)."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers import learn, metrics
from helpers.learn.vae_measuring import _Measured
from tests.helpers.test_learn_vae import TINY, discs

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")


def ten_bits(tensor: torch.Tensor) -> torch.Tensor:
    """Round 32-bit numbers to the nearest with ten bits after the leading one, ties to even."""
    if tensor.dtype != torch.float32:
        return tensor
    bits = tensor.detach().contiguous().view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def rounded(convolution):
    def function(x, weight, *rest, **more):
        return convolution(ten_bits(x), ten_bits(weight), *rest, **more)

    return function


def pair(shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Images of a bright disc without and with noise, raised by a number."""
    y, x = np.mgrid[:64, :64]
    clean = np.where((y - 30) ** 2 + (x - 34) ** 2 < 20**2, 0.8, 0.2)[None, None]
    noisy = clean + np.random.default_rng(0).normal(0, 0.05, clean.shape)
    return tuple((shift + images).astype(np.float32) for images in (clean, noisy))


def monai_ssim(clean, noisy) -> float:
    from monai.metrics import SSIMMetric

    return float(SSIMMetric(2, data_range=1.0)(torch.from_numpy(noisy), torch.from_numpy(clean)))


def test_ten_bits_are_kept():
    numbers = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 3 * 2**-11, -1 - 2**-12, 3.14159265])
    expected = torch.tensor([1.0, 1 + 2**-10, 1.0, 1 + 2**-9, -1.0, 3.140625])
    assert torch.equal(ten_bits(numbers), expected)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_our_measures_stay_where_monais_moves(shift, monkeypatch):
    clean, noisy = pair(shift)
    before = monai_ssim(clean, noisy), metrics.ssim(clean, noisy), metrics.psnr(clean, noisy)
    for name in CONVOLUTIONS:
        for place in (functional, torch):
            monkeypatch.setattr(place, name, rounded(getattr(place, name)))
    assert abs(monai_ssim(clean, noisy) - before[0]) > (0.005, 0.05)[int(shift)]
    assert np.array_equal(metrics.ssim(clean, noisy), before[1])
    assert np.array_equal(metrics.psnr(clean, noisy), before[2])


class OnCard(torch.Tensor):
    """A tensor that behaves as if it were on a GPU: its convolutions round, until it is copied to the CPU."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in CONVOLUTIONS:
            args = tuple(ten_bits(a).as_subclass(cls) if isinstance(a, cls) else a for a in args)
        found = super().__torch_function__(function, types, args, kwargs or {})
        return found.as_subclass(torch.Tensor) if function is torch.Tensor.cpu else found


def test_the_similarity_of_autoencoders_is_not_rounded():
    from monai.metrics.regression import compute_ssim_and_cs

    model = learn.vae(**TINY, seed=4).eval()
    images = torch.from_numpy(discs(4)).as_subclass(OnCard)
    with torch.no_grad():
        found = _Measured(model)(images)[:, 2]
        scaled = images / 127.5 - 1
        made = model(scaled).reconstruction
        given = [(part + 1) / 2 for part in (made, scaled)]
        settings = {"spatial_dims": 2, "kernel_size": (11, 11), "kernel_sigma": (1.5, 1.5), "data_range": 1.0}
        exact, moved = (
            compute_ssim_and_cs(*pair, **settings)[0].flatten(1).mean(1)
            for pair in ([part.as_subclass(torch.Tensor) for part in given], given)
        )
    torch.testing.assert_close(found.as_subclass(torch.Tensor), exact, rtol=1e-6, atol=1e-7)
    assert (moved.as_subclass(torch.Tensor) - exact).abs().max() > 1e-4
