"""Checkpoints: written completely or not at all, and read only by the run that they belong to."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError
from helpers.keep import store
from helpers.learn import saved

NAME = "last.pt"
FORM = 1  # increased when the content of a checkpoint changes


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint to a temporary file, then replace the previous checkpoint with it.

    Raises
    ------
    InputError
        The file cannot be written, for example on a full disk; the previous checkpoint stays unchanged.
    """
    place = folder / NAME
    # Through memory: PyTorch's own writer turns a full disk into errors of many kinds.
    buffer = io.BytesIO()
    torch.save({"form": FORM, **content}, buffer)
    fix = "Make room or name another folder, then call again"
    if place.exists():
        fix += "; the checkpoint before it is kept"
    with store.file(
        place, problem=f"the checkpoint of step {content['step']} cannot be written", fix=fix, durable=True
    ) as part:
        part.write_bytes(buffer.getbuffer())


def read(folder: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Read the checkpoint of a folder; return None if there is none.

    Raises
    ------
    InputError
        The file is damaged, or belongs to a run with other settings.
    """
    place = folder / NAME
    if not place.exists():
        return None
    fresh = "Name another folder, or delete this one to start again"
    # On the CPU: loading into the model and optimizer moves each tensor to where it is needed.
    other = "not a complete checkpoint of a training"
    content = saved.read(place, problem=other, fix=fresh)
    if not {"form", "settings"} <= set(content):
        raise InputError(place, other, fresh)
    form, before = content["form"], content["settings"]
    if form != FORM:
        raise InputError(place, f"it has form {form}, which this version does not read", fresh)
    for name, value in settings.items():
        if name == "start":
            same = len(before[name]) == len(value) and np.allclose(before[name], value, rtol=1e-3, atol=1e-6)
            if not same:
                raise InputError(
                    place, "the training began from other initial weights", f"Build the model again. {fresh}"
                )
        elif before.get(name) != value:
            raise InputError(place, _difference(name, before.get(name), value), fresh)
    return content


def form_of(model: nn.Module) -> dict[str, str]:
    """Describe type and shape of every tensor in a model's state dict, by name."""
    return {name: f"{str(t.dtype).removeprefix('torch.')} {tuple(t.shape)}" for name, t in model.state_dict().items()}


def start_of(model: nn.Module) -> list[float]:
    """Return the first number of each parameter, which suffices to identify an initialisation on any machine."""
    return [float(p.detach().flatten()[0]) for p in model.parameters() if p.numel()]


def _difference(name: str, before: object, now: object) -> str:
    if name != "model":
        return f"the training had {name} = {before}, this call has {now}"
    before, now = before or {}, now or {}
    first = next(key for key in [*before, *now] if before.get(key) != now.get(key))
    return f"it is of another model: {first} is {before.get(first, 'absent')} there, {now.get(first, 'absent')} here"
