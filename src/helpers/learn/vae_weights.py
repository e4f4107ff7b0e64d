"""Storage of the weights of trained autoencoders, so that a network can be examined again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import torch

from helpers.errors import InputError
from helpers.keep import store
from helpers.learn import saved, vae_networks


def save(model: torch.nn.Module, file: Path) -> None:
    """Write the weights of a network, completely or not at all."""
    buffer = io.BytesIO()  # PyTorch's own writer turns a full disk into errors of many kinds
    torch.save(model.state_dict(), buffer)
    with store.file(file, problem="weights cannot be written") as part:
        part.write_bytes(buffer.getbuffer())


def load(file: Path, *, channels: int, blocks: Sequence[int], latent: int, deep: bool) -> torch.nn.Module:
    """Load a network with the weights that `save` wrote, in evaluation mode on the CPU.

    Parameters
    ----------
    channels, blocks, latent, deep
        Settings of the network, as in its call of `fit`.

    Raises
    ------
    InputError
        The file is missing or damaged, or belongs to another network.
    """
    again = "Delete the kept files of the experiment, then run it again"  # a kept part alone would not be trained again
    model = vae_networks.vae(channels=channels, blocks=blocks, latent=latent, deep=deep)
    other = "the file holds no weights of this network"
    state = saved.read(file, problem=other, fix=again)
    try:
        model.load_state_dict(state)
    except Exception as error:  # other names and other shapes raise errors of many types
        raise InputError(file, other, again) from error
    return model.eval()
