"""Cross-attention of a denoising network as maps from words to places: softmax(Q K' / sqrt(d)), by layer and word.

Every module of MONAI's ``DiffusionModelUNet`` whose name ends in ``attn2`` attends from places to tokens, so that the
attention of a place sums to 1 over the tokens: the mean of the maps over *all* tokens is constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_seed
from helpers.learn.building import is_count
from helpers.learn.diffusion import ddim_invert, ddim_times, noised

CELLS = 16  # least number of cells of a side


def attention_layers(network: nn.Module) -> dict[str, nn.Module]:
    """List the cross-attention of a network by name, in the order of its modules.

    Raises
    ------
    InputError
        There is none, or it uses flash attention, which has no map.
    """
    found = {name: module for name, module in network.named_modules() if name.endswith("attn2")}
    if not found:
        fix = "Build it with tokens, and attention on a level or more"
        raise InputError("network", "it has no cross-attention", fix)
    if any(module.use_flash_attention for module in found.values()):
        raise InputError("network", "flash attention keeps no maps", "Build it with use_flash_attention=False")
    return found


def attention_maps(
    network: nn.Module,
    x: torch.Tensor,
    times: torch.Tensor,
    context: torch.Tensor,
    *,
    side: int | None = None,
    gradient: bool = False,
) -> torch.Tensor:
    """Compute the attention of each place to each token, by one call of a network.

    Parameters
    ----------
    network : torch.nn.Module
        MONAI's ``DiffusionModelUNet`` with cross-attention, not compiled.
    x : torch.Tensor of shape (n, channels, h, h)
        Noisy pictures, or latents, of at least 16 x 16.
    times : torch.Tensor of shape (n,)
    context : torch.Tensor of shape (n, tokens, width)
    side : int, optional
        Side of the maps, to which those of all layers are resized (bilinear); by default h.
    gradient : bool
        Whether a loss of the maps can change the context. MONAI's stored maps are detached, so queries and keys are
        then taken by hooks, and the softmax is computed again.

    Returns
    -------
    torch.Tensor of shape (layers, n, tokens, side, side)
        Probabilities, the mean over heads.

    Raises
    ------
    InputError
        As in `attention_layers`; the picture is not square, has fewer than 16 cells a side, a side that the network
        cannot halve, or pixels that are NaN or infinite; or shapes do not fit.
    """
    layers = attention_layers(network)
    _check_given(network, layers, x, context)
    with torch.set_grad_enabled(gradient), (_computed if gradient else _stored)(list(layers.values())) as read:
        network(x, times, context=context)
        return torch.stack([_spread(found, side or x.shape[-1]) for found in read()])


def word_maps(
    network: nn.Module,
    pictures: torch.Tensor,
    context: torch.Tensor,
    *,
    levels: torch.Tensor,
    times: Sequence[int],
    side: int | None = None,
    seed: int = 0,
) -> torch.Tensor:
    """Compute maps of pictures with noise, by one call of the network for each time.

    A picture is mixed with noise, q(x_t | x_0), in place of the path of an inversion: three calls serve as well as
    hundreds.

    Parameters
    ----------
    network, context, side
        As in `attention_maps`.
    pictures : torch.Tensor of shape (n, channels, h, h)
    levels : torch.Tensor
        From `helpers.learn.noise_levels`, as in training.
    times : sequence of int
        From 1 to T.
    seed : int
        Seed of the noise, which is another for each time, and the same for a time whichever others are asked for.

    Returns
    -------
    torch.Tensor of shape (times, layers, n, tokens, side, side)

    Raises
    ------
    InputError
        A time or the seed is out of range; or as in `attention_maps`.
    """
    _check_times(times, len(levels) - 1)
    check_seed("seed", seed)
    found = []
    for time in times:
        drawn_by = int(np.random.SeedSequence((seed, int(time))).generate_state(1)[0])
        noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(drawn_by)).to(pictures)
        at = _times(time, pictures)
        x = noised(pictures, noise, levels.to(at.device)[at])
        found.append(attention_maps(network, x, at, context, side=side))
    return torch.stack(found)


def inverted_maps(
    network: nn.Module,
    pictures: torch.Tensor,
    context: torch.Tensor,
    *,
    empty: torch.Tensor,
    levels: torch.Tensor,
    steps: int,
    times: Sequence[int],
    side: int | None = None,
) -> torch.Tensor:
    """Compute maps on the way of a DDIM inversion with the empty prompt, as published for phrase grounding.

    Each step calls the network on the empty prompt, which decides the path, and on the phrase, whose maps are kept: two
    rows a picture, in one batch.

    Parameters
    ----------
    network, pictures, context, side
        As in `word_maps`.
    empty : torch.Tensor of shape (n, tokens, width)
        Context of the empty prompt.
    levels : torch.Tensor
        As in `word_maps`; ``levels[: t + 1]`` ends the inversion at time t.
    steps : int
        Steps of the inversion, and calls.
    times : sequence of int
        From 1 to T. The maps of the steps whose times are nearest to these are kept, each step once.

    Returns
    -------
    torch.Tensor of shape (kept, layers, n, tokens, side, side)

    Raises
    ------
    InputError
        A time is out of range; or as in `attention_maps` and `helpers.learn.ddim_invert`.
    """
    _check_times(times, len(levels) - 1)
    layers = attention_layers(network)
    for given in (context, empty):
        _check_given(network, layers, pictures, given)
    path = ddim_times(levels, steps)[1:].tolist()
    kept = {min(path, key=lambda of: abs(of - int(time))) for time in times}
    found = []

    def predict(x: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        with _stored(list(layers.values())) as read:
            both = network(torch.cat([x, x]), torch.cat([at, at]), context=torch.cat([empty, context]))
            if int(at[0]) in kept:
                maps = [part[len(x) :] for part in read()]
                found.append(torch.stack([_spread(part, side or x.shape[-1]) for part in maps]))
        return both[: len(x)]

    ddim_invert(predict, pictures, levels=levels, steps=steps, rounds=1)
    return torch.stack(found)


def check_finite(name: str, pictures: torch.Tensor) -> None:
    """Refuse pictures with NaN or infinite pixels by an InputError that names the first."""
    bad = ~torch.isfinite(pictures).flatten(1).all(1)
    if bad.any():
        problem = f"picture {int(bad.nonzero()[0])} has NaN or infinite pixels"
        raise InputError(name, problem, "Look at its file, and leave it out or read it again")


def _check_given(network: nn.Module, layers: dict[str, nn.Module], x: torch.Tensor, context: torch.Tensor) -> None:
    halved = 2 ** (len(network.down_blocks) - 1)
    if x.ndim != 4 or x.shape[-1] != x.shape[-2] or x.shape[-1] < CELLS:
        problem = f"expected squares of {CELLS} x {CELLS} cells or more, found shape {tuple(x.shape)}"
        raise InputError("x", problem, "Resize the pictures")
    if x.shape[-1] % halved:
        problem = f"a side of {x.shape[-1]} cells, which the network cannot divide by {halved}"
        raise InputError("x", problem, f"Resize the pictures to a multiple of {halved}")
    check_finite("x", x)
    width = next(iter(layers.values())).to_k.in_features
    if context.ndim != 3 or len(context) != len(x) or context.shape[-1] != width:
        problem = f"expected shape ({len(x)}, tokens, {width}), found {tuple(context.shape)}"
        raise InputError("context", problem, "Give the tokens of each picture")


def _check_times(times: Sequence[int], most: int) -> None:
    if not len(times) or not all(is_count(int(t)) and int(t) <= most for t in times):
        raise InputError(
            "times", f"expected whole numbers from 1 to {most}, got {list(times)}", "Use a tenth to a third"
        )


def _times(time: int, like: torch.Tensor) -> torch.Tensor:
    return torch.full((len(like),), int(time), device=like.device)


def _spread(attention: torch.Tensor, side: int) -> torch.Tensor:
    """Turn attention (n, heads, places, tokens) into maps (n, tokens, side, side)."""
    mean = attention.mean(1).transpose(1, 2)
    cells = math.isqrt(mean.shape[-1])
    maps = mean.reshape(*mean.shape[:2], cells, cells)
    return maps if cells == side else functional.interpolate(maps, size=(side, side), mode="bilinear")


@contextmanager
def _stored(layers: list[nn.Module]) -> Iterator[Callable[[], list[torch.Tensor]]]:
    """Switch on that MONAI stores the maps of a call."""
    before = [layer.save_attn for layer in layers]
    try:
        for layer in layers:
            layer.save_attn = True
        yield lambda: [layer.att_mat for layer in layers]
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.save_attn, layer.att_mat = was, torch.Tensor()


@contextmanager
def _computed(layers: list[nn.Module]) -> Iterator[Callable[[], list[torch.Tensor]]]:
    """Take queries and keys of a call by hooks, and compute the maps with their gradient."""
    parts: dict[tuple[int, str], torch.Tensor] = {}

    def taken(key: tuple[int, str]) -> Callable:
        return lambda module, given, made: parts.__setitem__(key, made)

    hooks = [
        getattr(layer, name).register_forward_hook(taken((k, name)))
        for k, layer in enumerate(layers)
        for name in ("to_q", "to_k")
    ]

    def maps() -> list[torch.Tensor]:
        found = []
        for k, layer in enumerate(layers):
            q, k_ = (layer.input_rearrange(parts[k, name]) for name in ("to_q", "to_k"))
            found.append((torch.einsum("blxd,blyd->blxy", q, k_) * layer.scale).softmax(-1))
        return found

    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
