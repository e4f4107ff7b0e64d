"""What all builders of networks share: first weights of a seed's own, and checks of counts."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TypeVar

import torch
from torch import nn

from helpers.errors import InputError

Net = TypeVar("Net", bound=nn.Module)


def seeded(build: Callable[[], Net], seed: int) -> Net:
    """The network that `build` makes, with first weights drawn from the seed and no global generator touched."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed = {seed}", "expected a whole number, 0 or more", "Use 0 if in doubt")
    with torch.random.fork_rng(devices=[]):  # first weights are drawn on the CPU
        torch.default_generator.manual_seed(int(seed))
        return build()


def is_count(value: object) -> bool:
    """Whether it is a whole number, 1 or more."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1
