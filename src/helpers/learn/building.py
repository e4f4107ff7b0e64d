"""Shared parts of the network builders: seeded initial weights, and checks of counts."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TypeVar

import torch
from torch import nn

from helpers.errors import InputError

Net = TypeVar("Net", bound=nn.Module)


def seeded(build: Callable[[], Net], seed: int) -> Net:
    """Build a network with initial weights drawn from the seed; the global generators are left unchanged."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed = {seed}", "expected a whole number, 0 or more", "Use 0 if in doubt")
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn on the CPU
        torch.default_generator.manual_seed(int(seed))
        return build()


def is_count(value: object) -> bool:
    """Return True if the value is a whole number, 1 or more."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1
