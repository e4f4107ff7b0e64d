"""A user's weights of the published chest radiograph diffusion model, by the names of both releases of MONAI.

The model of MONAI's model zoo was trained on MIMIC-CXR, which has the images of MS-CXR: boxes of its training split are
no test of it. Nothing is downloaded here. The text encoder is not loaded: the user's tables of tokens take its place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from helpers.errors import InputError
from helpers.learn import saved

FILES = {"autoencoder": "autoencoder.pth", "network": "diffusion_model.pth"}
AUTOENCODER: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "channels": (64, 128, 128, 128),
    "latent_channels": 3,
    "num_res_blocks": 2,
    "attention_levels": (False, False, False, False),
    "with_encoder_nonlocal_attn": False,
    "with_decoder_nonlocal_attn": False,
}
NETWORK: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 3,
    "channels": (256, 512, 768),
    "num_res_blocks": 2,
    "attention_levels": (False, True, True),
    "num_head_channels": (0, 512, 768),
    "with_conditioning": True,
    "cross_attention_dim": 1024,
}
SCALE = 0.3  # of the latents
BETA = 0.0015, 0.0205  # of the scaled linear schedule, first and last of 1,000
TOKENS = 77
_FIX = "Name the files of the model, saved by torch.save as tables of tensors"


class ChestModel(NamedTuple):
    """Networks of the chest model, in evaluation mode on the CPU, and the levels of their noise, shape (1001,)."""

    autoencoder: nn.Module
    network: nn.Module
    levels: torch.Tensor


def load_chest_model(
    folder: str | Path, *, autoencoder: dict[str, Any] | None = None, network: dict[str, Any] | None = None
) -> ChestModel:
    """Load autoencoder and network from a user's folder.

    Every tensor of the networks must be in the files, and every tensor of the files in the networks: MONAI's
    ``load_old_state_dict`` leaves what is missing at its random start.

    Parameters
    ----------
    folder : str or Path
        Holds ``autoencoder.pth`` and ``diffusion_model.pth``, read with ``weights_only``. Names are those of MONAI 1.4
        and later, or of MONAI Generative before.
    autoencoder, network : dict, optional
        What differs from the published sizes.

    Raises
    ------
    InputError
        A file is missing or damaged, a tensor is missing, left over, of another shape, or NaN.
    """
    from monai.networks.nets import AutoencoderKL, DiffusionModelUNet

    folder = Path(folder).expanduser()
    parts = {
        "autoencoder": AutoencoderKL(**AUTOENCODER | (autoencoder or {})),
        "network": DiffusionModelUNet(**NETWORK | (network or {})),
    }
    for name, part in parts.items():
        _fill(part, folder / FILES[name])
    return ChestModel(parts["autoencoder"].eval(), parts["network"].eval(), chest_levels())


def chest_levels() -> torch.Tensor:
    """Compute what is left of a picture at each of the 1,000 times of the chest model, float64 (1001,), from 1."""
    first, last = (value**0.5 for value in BETA)
    beta = torch.linspace(first, last, 1000, dtype=torch.float64) ** 2
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])


def chest_latents(model: ChestModel, pictures: torch.Tensor) -> torch.Tensor:
    """Encode pictures, (n, 1, h, h) from 0 to 1, to scaled latents (n, 3, h / 8, h / 8): 512 pixels give 64 cells.

    Raises
    ------
    InputError
        The side is no multiple of what the autoencoder halves.
    """
    factor = 2 ** (len(model.autoencoder.encoder.num_res_blocks) - 1)
    if pictures.ndim != 4 or pictures.shape[1] != 1 or pictures.shape[-1] % factor or pictures.shape[-2] % factor:
        problem = f"expected (n, 1, h, h), with h a multiple of {factor}, found {tuple(pictures.shape)}"
        raise InputError("pictures", problem, "Load them by load_pictures(files, 512)")
    with torch.no_grad():
        return SCALE * model.autoencoder.encode(pictures)[0]


def load_text_tokens(file: str | Path, *, width: int = 1024) -> dict[str, torch.Tensor]:
    """Load the tokens of phrases that a user has encoded: a table of phrase to (77, 1024), saved by ``torch.save``.

    The empty phrase must be among them. Of each phrase the first token is the start, and those after its end are
    filling: no map is read from either.

    Raises
    ------
    InputError
        The file is missing or damaged, a shape is another, or the empty phrase is missing.
    """
    file = Path(file).expanduser()
    state = saved.tensors(file, fix="Save {phrase: tokens} by torch.save")
    if "" not in state:
        raise InputError(file, "the empty phrase is missing", "Encode '' too")
    for phrase, tokens in state.items():
        if tuple(tokens.shape) != (TOKENS, width):
            problem = f"{phrase!r} has shape {tuple(tokens.shape)}, expected ({TOKENS}, {width})"
            raise InputError(file, problem, "Encode phrases with padding to 77 tokens, and cut none")
    return {phrase: tokens.float() for phrase, tokens in state.items()}


def old_name(name: str) -> str:
    """Return the name that a tensor had in MONAI Generative, before MONAI 1.4."""
    if ".transformer_blocks." in name:
        return name.replace(".out_proj.", ".to_out.0.")
    name = re.sub(r"\.attn\.(to_[qkv])\.", r".\1.", name)
    return name.replace(".attn.out_proj.", ".proj_attn.").replace(".postconv.", ".conv.")


def _fill(part: nn.Module, file: Path) -> None:
    state = saved.tensors(file, fix=_FIX)
    wanted = part.state_dict()
    names = {name: name if name in state else old_name(name) for name in wanted}
    for name, tensor in wanted.items():
        found = state.get(names[name])
        shape = "none" if found is None else tuple(found.shape)
        if shape != tuple(tensor.shape):
            raise InputError(file, f"{name} has shape {tuple(tensor.shape)} in the model, found {shape}", _FIX)
        if not found.isfinite().all():
            raise InputError(file, f"{name} holds NaN or infinity", f"The file is damaged. {_FIX}")
    if other := sorted(set(state) - set(names.values())):
        raise InputError(file, f"it holds {other[0]}, which the model does not have", _FIX)
    part.load_state_dict({name: state[names[name]].float() for name in wanted})
