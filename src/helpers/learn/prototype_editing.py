"""Activations of pictures, and pictures drawn again with other activations: by DDIM there and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from helpers.errors import InputError
from helpers.learn.diffusion import ddim_generate, ddim_invert
from helpers.learn.prototype_fitting import check_pictures, check_shape
from helpers.learn.prototype_networks import Conditioned, PrototypeDiffusion

ROWS = 128  # pictures of a pass


def activations(model: Conditioned, pictures: np.ndarray) -> np.ndarray:
    """Compute the activations of pictures from 0 to 1, float32 of shape (n, m).

    Raises
    ------
    InputError
        An activation is NaN or infinite; or as in `helpers.learn.fit_prototypes`.
    """
    found = _in_rows(model.activations, model, check_pictures(pictures, model))
    if not np.isfinite(found).all():
        raise InputError("activations", "one is NaN or infinite", "Train the model with a smaller learning rate")
    return found


def nearest_patches(model: PrototypeDiffusion, pictures: np.ndarray) -> np.ndarray:
    """Mark for each picture and prototype the pixels of the nearest patch, bool of shape (n, m, h, w)."""
    signed = check_pictures(pictures, model)
    distances = _in_rows(model.distances, model, signed)
    n, count, _, columns = distances.shape
    row, column = np.divmod(distances.reshape(n, count, -1).argmin(2), columns)
    side, jump, start = model.patches
    inside = []
    for place, length in ((row, signed.shape[2]), (column, signed.shape[3])):
        first = start + jump * place[..., None]
        inside.append((np.arange(length) >= first) & (np.arange(length) < first + side))
    return inside[0][..., :, None] & inside[1][..., None, :]


def dead_prototypes(model: Conditioned, pictures: np.ndarray) -> np.ndarray:
    """Mark prototypes that are the nearest one to no patch of the pictures, bool of shape (m,)."""
    if not isinstance(model, PrototypeDiffusion):
        return np.zeros(model.summary.out_features, bool)
    nearest = _in_rows(lambda part: model.distances(part).argmin(1), model, check_pictures(pictures, model))
    return ~np.isin(np.arange(len(model.prototypes)), nearest)


def inverted(model: Conditioned, pictures: np.ndarray, *, steps: int = 20, rounds: int = 2) -> np.ndarray:
    """Find the noise from which the model draws pictures with their activations, float32 of the pictures' shape.

    Parameters
    ----------
    model : Conditioned
        From `helpers.learn.fit_prototypes`.
    pictures : ndarray of shape (n, channels, h, w)
        From 0 to 1.
    steps, rounds : int
        As in `helpers.learn.ddim_invert`.

    Raises
    ------
    InputError
        As in `activations` and `helpers.learn.ddim_invert`.
    """
    given = activations(model, pictures)

    def back(signed: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        options = {"levels": model.levels, "steps": steps, "rounds": rounds, "target": model.target}
        return ddim_invert(lambda x, times: model.denoise(x, times, condition), signed, **options)

    return _in_rows(back, model, check_pictures(pictures, model), given)


def drawn(
    model: Conditioned,
    noise: np.ndarray,
    wanted: np.ndarray,
    *,
    steps: int = 20,
    watch: Callable[[int, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Draw pictures from noise with given activations.

    Parameters
    ----------
    model : Conditioned
    noise : ndarray of shape (n, channels, h, w)
        Such as from `inverted`, with as many steps.
    wanted : ndarray of shape (n, m)
        Activations; those of the pictures give their reconstruction.
    steps : int
        As in `helpers.learn.ddim_generate`.
    watch : callable, optional
        ``watch(time, pictures)``: called with the pictures that are predicted at each time. All are then drawn in one
        pass.

    Returns
    -------
    float32 ndarray of shape (n, channels, h, w)
        Pictures, clipped to 0 to 1.

    Raises
    ------
    InputError
        An activation is NaN, or there are not as many rows and columns as pictures and prototypes; the noise has
        another shape than pictures or is not finite; or as in `helpers.learn.ddim_generate`.
    """
    check_shape("noise", noise, model)
    expected = (len(noise), model.network.class_embedding[0].in_features)
    if np.shape(wanted) != expected or not np.isfinite(wanted).all():
        problem = f"expected {expected} finite activations, found shape {np.shape(wanted)}"
        problem += "" if np.isfinite(wanted).all() else " with NaN or infinity"
        raise InputError("wanted", problem, "Give a row for each picture and a column for each prototype")
    seen = None if watch is None else (lambda time, x: watch(time, _unsigned(x).cpu().numpy()))

    def forth(x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        options = {"levels": model.levels, "steps": steps, "target": model.target, "watch": seen}
        return _unsigned(ddim_generate(lambda y, times: model.denoise(y, times, condition), x, **options))

    return _in_rows(forth, model, noise, wanted, rows=len(noise) if watch else ROWS)


def _unsigned(x: torch.Tensor) -> torch.Tensor:
    return ((x + 1) / 2).clamp(0, 1)


def _in_rows(function: Callable, model: Conditioned, *arrays: np.ndarray, rows: int = ROWS) -> np.ndarray:
    """Apply a function to rows of arrays on the model's device, without gradients."""
    model.eval()
    device = next(model.parameters()).device
    parts = []
    with torch.inference_mode():
        for first in range(0, len(arrays[0]), rows):
            given = (torch.from_numpy(np.ascontiguousarray(a[first : first + rows], np.float32)) for a in arrays)
            parts.append(function(*(one.to(device) for one in given)).cpu().numpy())
    return np.concatenate(parts)
