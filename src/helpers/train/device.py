"""Where and in what precision to compute, and random numbers that are a function of a seed and a place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from helpers import paths
from helpers.errors import InputError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32", "bf16", "16"]

ORDER, ITEM, STEP = range(3)  # what a seed is for: no two purposes share their draws
FABRIC_NAMES = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def choose_device(device: Device = "auto") -> str:
    """Kind of device to compute on.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        "auto" takes a CUDA GPU where there is one, then Apple's, then the CPU.

    Returns
    -------
    str
        "cpu", "cuda" or "mps".

    Raises
    ------
    InputError
        The device is unknown, or not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, found in there.items() if found)
    if device not in there:
        raise InputError(f"device = {device}", "there is no such kind of device", "Choose from auto, cpu, cuda, mps")
    if not there[device]:
        raise InputError(
            f"device = {device}", "PyTorch finds none on this machine", "Use auto, or a PyTorch built for the device"
        )
    return device


def choose_precision(precision: Precision, device: str) -> str:
    """ "32", "bf16" or "16": automatically bfloat16 on a GPU that computes in it, else 16 on CUDA, else 32."""
    if precision == "auto":
        if device != "cuda":
            return "32"
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "16"
    if precision not in FABRIC_NAMES:
        raise InputError(f"precision = {precision}", "there is no such precision", "Choose from auto, 32, bf16, 16")
    if precision == "16" and device == "cpu":
        raise InputError("precision = 16", "CPUs do not train in it", "Use 32, or bf16 on a CPU made for it")
    return precision


def launch(device: str, precision: str) -> Fabric:
    """Fabric on one device, or on all processes that torchrun has started."""
    from lightning_fabric import Fabric

    world = paths.processes()
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
    """Seed PyTorch's generators of the CPU and of the device in use by a place such as (seed, step)."""
    state = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])
    torch.default_generator.manual_seed(state)
    if device == "cuda":
        torch.cuda.manual_seed(state)
    elif device == "mps":
        torch.mps.manual_seed(state)


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Leave the global generators of PyTorch, NumPy and Python as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):  # of MPS there is one, left seeded
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def backends(deterministic: bool) -> Iterator[None]:
    """Deterministic kernels where asked, else the fastest; what was set before is set again."""
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
