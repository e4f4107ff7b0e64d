"""Choice of the device and the precision to compute with, and the names of both."""

from __future__ import annotations

from typing import Literal

from helpers.errors import InputError, check_choice

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32", "bf16", "16"]
PRECISIONS = ("32", "bf16", "16")


def choose_device(device: Device = "auto") -> str:
    """Choose the kind of device to compute on.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "mps"}
        "auto" takes a CUDA GPU if there is one, else an Apple GPU, else the CPU.

    Returns
    -------
    str
        "cpu", "cuda" or "mps".

    Raises
    ------
    InputError
        The device is unknown, or this machine does not have it.
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, found in there.items() if found)
    check_choice("device", device, ("auto", *there))
    if not there[device]:
        raise InputError(
            f"device = {device}",
            "PyTorch finds no such device on this machine",
            "Use auto, or a PyTorch built for the device",
        )
    return device


def choose_precision(precision: Precision, device: str) -> str:
    """Choose "32", "bf16" or "16"; "auto" takes bf16 on a CUDA GPU that supports it, 16 on other CUDA GPUs, else 32."""
    if precision == "auto":
        if device != "cuda":
            return "32"
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "16"
    check_choice("precision", precision, ("auto", *PRECISIONS))
    if precision == "16" and device == "cpu":
        raise InputError("precision = 16", "CPUs cannot train in 16 bits", "Use 32, or bf16 on a CPU made for it")
    return precision


def describe(device: Device = "auto", precision: Precision = "auto") -> dict[str, str]:
    """Name the device and the precision that a training uses, for the key of the results kept from it.

    Returns
    -------
    dict
        ``device`` ("cpu", "mps", or the GPU's name) and ``precision`` ("32", "bf16" or "16").

    Raises
    ------
    InputError
        As in `choose_device` and `choose_precision`.
    """
    kind = choose_device(device)
    used = choose_precision(precision, kind)
    if kind == "cuda":
        import torch

        kind = torch.cuda.get_device_name()
    return {"device": kind, "precision": used}
