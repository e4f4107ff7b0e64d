"""A score by probes against the exact trace, and how the cost of both grows with pixels and with parameters."""

from __future__ import annotations

import math
import resource
import time

import numpy as np
import torch
from torch import nn

from helpers import learn
from helpers.studies import uncertainty

PROBES, STEPS = 24, 10


def decoder(channels: int = 4) -> nn.Module:
    network = learn.vae(channels=channels, blocks=(1, 2), latent=4).eval()
    return uncertainty.decoder(network)


def fitted(side: int, channels: int = 4) -> tuple[uncertainty.Posterior, torch.Tensor]:
    """Posterior of a decoder of images of a side, and one code."""
    torch.manual_seed(0)
    codes, images = torch.randn(4, 4, side // 4, side // 4), torch.rand(4, 3, side, side)
    return uncertainty.laplace(decoder(channels), codes, images, steps=STEPS, precision=1.0), codes[:1]


def seconds(call, times: int = 3) -> float:
    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(once() for _ in range(times))


def slope(sizes: list[int], cost: list[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(cost), 1)[0])


def test_cost_grows_linearly_with_pixels_where_the_exact_trace_grows_with_their_square():
    sides = {"probes": [64, 128, 256], "exact": [32, 64]}  # a call's fixed cost hides what smaller ones cost
    found, at_64 = {}, {}
    for name, some in sides.items():
        how = {"probes": PROBES} if name == "probes" else {"estimator": "exact"}
        given = [fitted(side) for side in some]
        cost = [
            seconds(lambda g=g, how=how: uncertainty.score(*g, pixels=False, **how), 1 + 2 * (name == "probes"))
            for g in given
        ]
        found[name], at_64[name] = slope([3 * side**2 for side in some], cost), cost[some.index(64)]
    ratio = at_64["exact"] / at_64["probes"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nexponent of pixels: probes {found['probes']:.2f}, exact {found['exact']:.2f}")
    print(f"64 x 64 x 3: {PROBES} probes {at_64['probes']:.3f} s, exact {at_64['exact']:.1f} s, ratio {ratio:.0f}")
    print(f"peak memory of this process: {peak:.2f} GiB")
    assert found["probes"] < 1.3 and found["exact"] > 1.6
    assert ratio >= 50


def test_cost_grows_linearly_with_parameters():
    widths, cost, sizes = [32, 64, 128], [], []
    for width in widths:
        posterior, code = fitted(32, width)
        sizes.append(math.prod(posterior.decoder.vector.shape))
        cost.append(seconds(lambda p=posterior, c=code: uncertainty.score(p, c, probes=PROBES, pixels=False)))
    found = slope(sizes, cost)
    print(f"\n{sizes} parameters: {[round(c, 3) for c in cost]} s, exponent {found:.2f}")
    assert found < 1.2
