"""A score by probes against the exact trace, and how the cost of both grows with pixels and with parameters."""

from __future__ import annotations

import math

import torch
from torch import nn

from helpers import learn
from helpers.studies import uncertainty
from tests.benchmarks import contest

PROBES, STEPS = 24, 10


def decoder(channels: int = 4) -> nn.Module:
    network = learn.vae(channels=channels, blocks=(1, 2), latent=4).eval()
    return uncertainty.decoder(network)


def fitted(side: int, channels: int = 4) -> tuple[uncertainty.Posterior, torch.Tensor]:
    """Posterior of a decoder of images of a side, and one code."""
    torch.manual_seed(0)
    codes, images = torch.randn(4, 4, side // 4, side // 4), torch.rand(4, 3, side, side)
    return uncertainty.laplace(decoder(channels), codes, images, steps=STEPS, precision=1.0), codes[:1]


def times(given: dict[int, tuple], *, rounds: int, **how) -> dict[int, list[dict]]:
    """Turns of a score of each posterior and code, by their size."""
    contenders = {size: (lambda one=one: uncertainty.score(*one, pixels=False, **how)) for size, one in given.items()}
    return contest.take_turns(contenders, rounds=rounds, warm=rounds > 1)


def grows(turns: dict[int, list[dict]], what: str) -> float:
    """Exponent of the cost, of which the true one is a whole number: a fifth is left to noise and fixed costs."""
    cost = contest.medians(turns)
    found = contest.exponent(cost.keys(), cost.values())
    print(f"\n{what}: {', '.join(f'{size:,} in {s:.3f} s' for size, s in cost.items())}, exponent {found:.2f}")
    return found


def test_cost_grows_linearly_with_pixels_where_the_exact_trace_grows_with_their_square():
    given = {3 * side**2: fitted(side) for side in (32, 64, 128, 256)}  # a call's fixed cost hides a smaller one's
    small, at_64, *_ = given
    probes = times({size: given[size] for size in given if size > small}, rounds=3, probes=PROBES)
    exact = times({size: given[size] for size in (small, at_64)}, rounds=1, estimator="exact")
    assert grows(probes, "pixels by probes") < 1.2
    assert grows(exact, "pixels by the exact trace") > 1.8
    both = {"ours": probes[at_64][:1], "the exact trace": exact[at_64]}
    contest.at_least(50, f"uncertainty of 64 x 64 x 3 pixels by {PROBES} probes", both, "the exact trace")


def test_cost_grows_linearly_with_parameters():
    found = [fitted(32, width) for width in (32, 64, 128)]
    given = {math.prod(posterior.decoder.vector.shape): (posterior, code) for posterior, code in found}
    assert grows(times(given, rounds=3, probes=PROBES), "parameters") < 1.2
