"""Files that `torch.save` wrote, read with ``weights_only``: no code in a file is executed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from helpers.errors import InputError


def read(file: Path, *, problem: str = "not a complete file of weights alone", fix: str) -> dict[str, Any]:
    """Read the table of a file, with its tensors on the CPU.

    Parameters
    ----------
    file : path
        File of PyTorch 1.6 or later, or of the format before it.
    problem, fix : str
        Error for a damaged file, and what to do about it or about a missing one.

    Raises
    ------
    InputError
        The file is missing or damaged, or holds more than tensors and plain values.
    """
    if not file.is_file():
        raise InputError(file, "there is no such file", fix)
    try:
        if zipfile.is_zipfile(file):  # format since PyTorch 1.6; PyTorch itself does not notice flipped bits
            with zipfile.ZipFile(file) as parts:
                if parts.testzip():
                    raise zipfile.BadZipFile
        return dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged file fails in many ways, depending on where it is damaged
        raise InputError(file, problem, fix) from error


def tensors(file: Path, *, fix: str) -> dict[str, torch.Tensor]:
    """Read a state dict.

    Raises
    ------
    InputError
        The file is missing or damaged, or holds more than tensors.
    """
    state = read(file, fix=fix)
    if not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise InputError(file, "not a table of tensors", fix)
    return state
