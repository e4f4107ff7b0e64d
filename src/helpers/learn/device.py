"""The processes that train together, and random numbers that depend only on a seed and a position."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from helpers import paths

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ORDER, ITEM, STEP = range(3)  # purposes of a seed; no two purposes share their draws
FABRIC_NAMES = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}  # of `helpers.keep.processor.PRECISIONS`


def launch(device: str, precision: str) -> Fabric:
    """Start Fabric on one device, or on all processes started by torchrun; all trainings of a process share it.

    Creating a Fabric takes as long as a short training, since it reads the declarations of every installed package. In
    half precision each training gets a new Fabric, since a Fabric keeps the loss scale that it has reached.
    """
    make = _launched.__wrapped__ if precision == "16" else _launched
    return make(device, precision, paths.processes())


@lru_cache
def _launched(device: str, precision: str, world: int) -> Fabric:
    from lightning_fabric import Fabric

    logger = logging.getLogger("lightning_fabric")
    logger.setLevel(max(logger.level, logging.WARNING))  # its lines on precision and cores fill notebooks
    here = min(world, torch.cuda.device_count()) if device == "cuda" else world
    fabric = Fabric(
        accelerator=device,
        devices=here,
        num_nodes=world // here,
        strategy="ddp" if world > 1 else "auto",
        precision=FABRIC_NAMES[precision],
    )
    fabric.launch()
    return fabric


def seed_at(device: str, *place: int) -> None:
    """Seed PyTorch's generators of the CPU and of the device in use from a position such as (seed, step)."""
    state = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(state)
    if device == "cuda":
        torch.cuda.manual_seed(state)
    elif device == "mps":
        torch.mps.manual_seed(state)


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Restore the global generators of PyTorch, NumPy and Python when the context closes."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):  # MPS's one stays seeded
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def backends(deterministic: bool) -> Iterator[None]:
    """Use deterministic kernels if requested, else the fastest; restore the previous settings at the end."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn
    kept = cudnn.benchmark, cudnn.deterministic
    try:
        if deterministic:
            torch.use_deterministic_algorithms(True)
        cudnn.benchmark, cudnn.deterministic = not deterministic, deterministic
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.benchmark, cudnn.deterministic = kept
