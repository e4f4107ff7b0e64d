"""Weights of vision transformers in files: those that `save_vit` writes, and published ones in the layout of DINOv2."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import torch

from helpers.errors import InputError
from helpers.keep import store
from helpers.learn import saved
from helpers.learn.vision_transformer import ViT, vit

NONE = "Name a state dict of DINOv2's layout, saved by torch.save"
PREFIXES = ("teacher.backbone.", "backbone.", "module.")
HEAD_WIDTH = 64  # features of a head in DINOv2's S, B and L
SIDES = {"patch_embed.proj.weight": "width, channels, patch, patch", "pos_embed": "1, 1 + patches, width"}
LEFT_OUT = ("head.", "dino_head.", "ibot_head.")


def save_vit(net: ViT, file: str | Path, *, half: bool = False) -> None:
    """Write the weights of an encoder, completely or not at all; with `half`, in 16 bits."""
    buffer = io.BytesIO()  # PyTorch's own writer turns a full disk into errors of many kinds
    state = {name: tensor.detach().cpu().clone() for name, tensor in net.state_dict().items()}
    torch.save({name: tensor.half() if half else tensor for name, tensor in state.items()}, buffer)
    with store.file(Path(file), problem="weights cannot be written") as part:
        part.write_bytes(buffer.getbuffer())


def load_vit(file: str | Path, *, heads: int | None = None, **asked: int) -> ViT:
    """Load an encoder with the weights of a file, such as a user's DINOv2 or UltraDINO; nothing is downloaded.

    Width, depth, patch, side, channels and registers are read from the shapes of the tensors. Names may begin with
    ``teacher.backbone.`` or ``backbone.``, a table ``teacher`` may enclose them, and blocks may be in chunks
    (``blocks.0.3.``), as a training of DINOv2 saves them. Its heads of the loss are left out.

    Parameters
    ----------
    file : path
        State dict. It is read with ``weights_only``, so that no code of the file is executed.
    heads : int, optional
        Heads of attention, which no tensor shows; by default width / 64, as in DINOv2.
    **asked : int
        Any of ``width, depth, patch, side, channels, registers``: a file with another value is refused.

    Returns
    -------
    ViT
        In evaluation mode, on the CPU, in 32 bits.

    Raises
    ------
    InputError
        The file is missing, damaged or no table of tensors; it is of another kind of network (such as DINOv2's giant,
        which has SwiGLU layers), a shape does not fit the others, a tensor is missing or holds NaN, or the file has
        another size than what is asked.
    """
    file = Path(file)
    state = _named(saved.read(file, fix=NONE), file)
    found = _sizes(state, file)
    for name, value in asked.items():
        if name not in found:
            raise InputError(name, "no size of an encoder", f"Ask for one of {', '.join(found)}")
        if found[name] != value:
            raise InputError(file, f"its encoder has {name} = {found[name]}, asked was {value}", "Name another file")
    heads = heads or max(1, found["width"] // HEAD_WIDTH)
    if found["width"] % heads:
        raise InputError(f"heads = {heads}", f"the width {found['width']} is no multiple of it", "Give its heads")
    with torch.device("meta"):
        net = vit(heads=heads, **found)
    for name, tensor in net.state_dict().items():
        shape = tuple(state[name].shape) if name in state else "none"
        if shape != tuple(tensor.shape):
            raise InputError(file, f"{name} has shape {tuple(tensor.shape)} in such an encoder, found {shape}", NONE)
        if not state[name].isfinite().all():
            raise InputError(file, f"{name} holds NaN or infinity", f"The file is damaged. {NONE}")
    if other := [name for name in state if name not in net.state_dict()]:
        raise InputError(file, f"it holds {other[0]}, which this kind of network does not have", NONE)
    net.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    return net.eval()


def _named(state: dict, file: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of the encoder by their names here."""
    for outer in ("teacher", "model", "state_dict"):
        state = state[outer] if isinstance(state.get(outer), dict) else state
    for prefix in PREFIXES:
        if any(str(name).startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): t for name, t in state.items() if str(name).startswith(prefix)}
    named = {re.sub(r"^blocks\.\d+\.(\d+\.)", r"blocks.\1", str(name)): tensor for name, tensor in state.items()}
    named = {name: tensor for name, tensor in named.items() if not name.startswith(LEFT_OUT)}
    if not all(isinstance(tensor, torch.Tensor) for tensor in named.values()):
        raise InputError(file, "not a table of tensors", NONE)
    return named


def _sizes(state: dict[str, torch.Tensor], file: Path) -> dict[str, int]:
    """Read the sizes of an encoder from the shapes of its tensors."""
    for name, ndim in {"patch_embed.proj.weight": 4, "pos_embed": 3}.items():
        if name not in state or state[name].ndim != ndim:
            shape = tuple(state[name].shape) if name in state else "none"
            raise InputError(file, f"expected {name} of shape ({SIDES[name]}), found {shape}", NONE)
    width, channels, patch, other = state["patch_embed.proj.weight"].shape
    _, places, features = state["pos_embed"].shape
    grid = math.isqrt(max(places - 1, 0))
    if other != patch or features != width:
        raise InputError(file, f"pos_embed has {features} features, and patches {width} of {patch} x {other}", NONE)
    if not grid or grid**2 != places - 1:
        raise InputError(file, f"pos_embed has {places} places, not one more than a square", NONE)
    blocks = {int(match[1]) for name in state if (match := re.match(r"blocks\.(\d+)\.", name))}
    registers = state["register_tokens"].shape[1] if "register_tokens" in state else 0
    sizes = {"width": width, "depth": len(blocks), "patch": patch, "side": grid * patch, "channels": channels}
    if not blocks:
        raise InputError(file, "it has no block", NONE)
    return {name: int(size) for name, size in sizes.items()} | {"registers": int(registers)}
