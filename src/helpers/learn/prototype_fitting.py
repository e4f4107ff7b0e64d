"""Training of a diffusion with prototypes, and its weights on disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn import loop, saved
from helpers.learn.attributing_checking import numbers
from helpers.learn.diffusion import denoising_loss
from helpers.learn.prototype_networks import Conditioned, PrototypeDiffusion, prototype_diffusion

STARTS = ("patches", "uniform")
SHOWN = 256  # pictures whose patches prototypes may begin at
RISE = 0.3  # share of the training in which the learning rate rises


def fit_prototypes(
    pictures: np.ndarray,
    *,
    seed: int,
    steps: int = 500,
    batch_size: int = 32,
    lr: float = 2e-3,
    start: str = "patches",
    distinct: float = 0.0,
    network: dict[str, Any] | None = None,
    **options: Any,
) -> loop.Fitted:
    """Train a diffusion with prototypes on pictures, without any label.

    Parameters
    ----------
    pictures : float32 ndarray of shape (n, channels, h, w)
        From 0 to 1.
    seed : int
        Seed of the initial weights, the start of the prototypes, the order of pictures, and times and noise.
    steps, batch_size : int
    lr : float
        Largest learning rate; it rises in the first 30% of the steps and then falls to 0, as cosines.
    start : {"patches", "uniform"}
        Prototypes begin at encoded patches that k-means++ picks, so that rare patches are found, or at random numbers
        from 0 to 1, as published.
    distinct : float
        Weight of the published penalty on prototypes alike, see `likeness`; 0 as in the published code.
    network : dict, optional
        Arguments of `prototype_diffusion`.
    **options
        As `helpers.learn.fit` takes them: `device`, `checkpoint`, `progress`, ...

    Returns
    -------
    helpers.learn.Fitted
        The model is a `PrototypeDiffusion`, or a `GlobalDiffusion` with ``network={"encoder": "whole"}``.

    Raises
    ------
    InputError
        Pictures are not of that shape or range, or smaller than a patch; also the errors of `prototype_diffusion` and
        `helpers.learn.fit`.
    """
    check_choice("start", start, STARTS)
    if not (distinct >= 0):
        raise InputError(f"distinct = {distinct}", "expected a weight, 0 or more", "Use 0 if in doubt")
    channels = np.shape(pictures)[1] if np.ndim(pictures) == 4 else 1
    model = prototype_diffusion(channels=channels, **(network or {}), seed=seed)
    shown = check_pictures(pictures, model)
    if isinstance(model, PrototypeDiffusion) and start == "patches":
        begin_at_patches(model, shown, seed)
    loss = partial(prototype_loss, levels=model.levels, target=model.target, distinct=distinct)
    fused = partial(torch.optim.AdamW, fused=True)  # a small network waits for a plain one
    options = {"every": steps, "clip": 1.0, "precision": "32", "optimizer": fused} | options
    return loop.fit(
        model, (shown,), loss, steps=steps, batch_size=batch_size, lr=lr, schedule=one_cycle, seed=seed, **options
    )


def prototype_loss(
    model: nn.Module, batch: Sequence[torch.Tensor], *, levels: torch.Tensor, target: str, distinct: float = 0.0
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Compute the denoising loss of pictures that are conditioned on themselves, plus `distinct` times `likeness`."""
    (pictures,) = batch
    error = denoising_loss(model, (pictures, pictures), levels=levels, target=target)
    if not distinct:
        return error
    alike = likeness(model.prototypes)
    return {"loss": error + distinct * alike, "error": error, "alike": alike}


def likeness(prototypes: torch.Tensor, *, least: float = 0.5) -> torch.Tensor:
    """Compute the mean over prototypes of max(0, least - distance to the nearest other), with 1 - |cosine| as distance.

    Weng et al. 2025, arXiv 2503.22782; the paper uses 0.5 or 1 as the least distance.
    """
    unit = functional.normalize(prototypes, dim=1)
    apart = 1 - (unit @ unit.T).abs() + 2 * torch.eye(len(unit), device=unit.device)
    return (least - apart.amin(1)).relu().mean()


def begin_at_patches(model: PrototypeDiffusion, signed: np.ndarray, seed: int) -> None:
    """Set the prototypes to encoded patches of pictures from -1 to 1, picked by k-means++."""
    from sklearn.cluster import kmeans_plusplus

    chosen = np.random.default_rng((seed, 5)).permutation(len(signed))[:SHOWN]
    with torch.no_grad():
        found = model.encoder(torch.from_numpy(signed[chosen])).movedim(1, -1).flatten(0, -2)
        if len(found) < len(model.prototypes):
            problem = f"{len(found)} patches for {len(model.prototypes)} prototypes"
            raise InputError("pictures", problem, "Give more pictures, or fewer prototypes")
        centres, _ = kmeans_plusplus(found.double().numpy(), len(model.prototypes), random_state=seed)
        model.prototypes.copy_(torch.from_numpy(centres))


def check_pictures(pictures: np.ndarray, model: Conditioned) -> np.ndarray:
    """Return pictures from 0 to 1 as float32 from -1 to 1.

    Raises
    ------
    InputError
        They are no finite numbers, the shape or the range is another, or a side is smaller than a patch or not
        divisible by the network's levels.
    """
    given = numbers("pictures", pictures)
    check_shape("pictures", given, model)
    if given.min() < 0 or given.max() > 1:
        problem = f"values from {given.min():g} to {given.max():g}"
        raise InputError("pictures", problem, "Give values from 0 to 1")
    return 2 * given - 1


def check_shape(name: str, given: np.ndarray, model: Conditioned) -> None:
    """Refuse arrays that are not finite or whose shape a model cannot read.

    Raises
    ------
    InputError
        As in `check_pictures`, but for the range.
    """
    channels = model.network.in_channels
    if np.ndim(given) != 4 or not len(given) or given.shape[1] != channels:
        problem = f"expected (n, {channels}, h, w), found {np.shape(given)}"
        raise InputError(name, problem, "Add or drop axes")
    if not np.isfinite(given).all():
        raise InputError(name, "some values are NaN or infinite", "Give finite values")
    side = model.patches.side if isinstance(model, PrototypeDiffusion) else 1
    multiple = 2 ** (len(model.network.block_out_channels) - 1)
    if min(given.shape[2:]) < side or any(length % multiple for length in given.shape[2:]):
        problem = f"{given.shape[2]} x {given.shape[3]} pixels, patches of {side} and sides divisible by {multiple}"
        raise InputError(name, problem, "Give larger pictures, or another encoder")


def one_cycle(done: float) -> float:
    """Return the factor of the learning rate: from 0.04 up to 1 at `RISE` of the training, then down to 0."""
    if done < RISE:
        return float(0.04 + 0.96 * (1 - np.cos(np.pi * done / RISE)) / 2)
    return float((1 + np.cos(np.pi * (done - RISE) / (1 - RISE))) / 2)


def load_prototypes(file: Path, **network: Any) -> Conditioned:
    """Load a diffusion whose weights `helpers.learn.save_vae` wrote, in evaluation mode on the CPU.

    Parameters
    ----------
    file : path
    **network
        As in `prototype_diffusion`, as in the training.

    Raises
    ------
    InputError
        The file is missing or damaged, or its weights have other sizes.
    """
    model, again = prototype_diffusion(**network), "Give the file and the settings of one training, or train again"
    state = saved.tensors(file, fix=again)
    for name, wanted in model.state_dict().items():
        shape = tuple(state[name].shape) if name in state else "none"
        if shape != tuple(wanted.shape):
            raise InputError(file, f"{name} has shape {shape}, expected {tuple(wanted.shape)}", again)
    model.load_state_dict(state, strict=False)
    return model.eval()
