"""Linear latents that are trained to have an order: a rotation of whitened data, or a free linear autoencoder."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from helpers.errors import InputError, check_choice
from helpers.keep.processor import Device
from helpers.learn import loop
from helpers.learn.building import seeded
from helpers.learn.causal_orders import ordering_loss
from helpers.stats.ordering import check_factors

KINDS = ("rotation", "free")


class LinearLatents(nn.Module):
    """A linear encoder of whitened data, and for a free map a linear decoder."""

    def __init__(self, inputs: int, latent: int, kind: str) -> None:
        super().__init__()
        self.encoder = nn.Linear(inputs, latent, bias=False)
        self.decoder = nn.Linear(latent, inputs, bias=False) if kind == "free" else None
        if kind == "rotation":
            parametrizations.orthogonal(self.encoder)

    def forward(self, whitened: torch.Tensor) -> torch.Tensor:
        """Return the latents, shape (n, latent)."""
        return self.encoder(whitened)


def whiten(factors: ArrayLike, latent: int) -> np.ndarray:
    """Return the first principal components, each with variance 1, shape (n, latent).

    Raises
    ------
    InputError
        The data do not vary in so many directions.
    """
    values = check_factors(factors)
    left, scale, _ = np.linalg.svd(values - values.mean(0), full_matrices=False)
    known = int((scale > 1e-9 * scale[0]).sum())
    if latent > known:
        raise InputError("latent", f"{latent} of data that vary in {known} directions", "Give fewer latents")
    return left[:, :latent] * np.sqrt(len(values))


def ordered_latents(
    observed: ArrayLike,
    *,
    latent: int,
    kind: Literal["rotation", "free"] = "rotation",
    steps: int = 120,
    weight: float = 0.1,
    lr: float = 0.02,
    seed: int = 0,
    device: Device = "auto",
) -> np.ndarray:
    """Train linear latents of some data so that the ordering loss is low.

    Parameters
    ----------
    observed : array_like, shape (n, p)
        Data, whitened here; all rows are one batch.
    latent : int
        Number of latents.
    kind : {"rotation", "free"}
        A rotation of the whitened data has uncorrelated latents whatever is trained. A free map may have correlated
        ones; its decoder has to reconstruct the whitened data, and the ordering loss is added with `weight`.
    steps, lr : int, float
        Steps of Adam, and learning rate.
    weight : float
        Weight of the ordering loss of a free map.
    seed : int
        Seed of the first map.
    device : str

    Returns
    -------
    ndarray of shape (n, latent)
        Columns in the order that was asked for: causes first.

    Raises
    ------
    InputError
        There are fewer than 64 rows, or no such kind; or as in `whiten` and `helpers.learn.fit`.
    """
    check_choice("kind", kind, KINDS)
    points = torch.as_tensor(whiten(observed, latent), dtype=torch.float32)
    model = seeded(partial(LinearLatents, latent, latent, kind), seed)
    fitted = loop.fit(
        model,
        (points,),
        partial(_loss, weight=weight),
        steps=steps,
        batch_size=len(points),
        lr=lr,
        seed=seed,
        every=steps,
        optimizer=torch.optim.Adam,
        device=device,
        progress=False,
    )
    with torch.no_grad():
        return fitted.model(points.to(fitted.device)).double().cpu().numpy()


def _loss(model: LinearLatents, batch: tuple[torch.Tensor], *, weight: float) -> dict[str, torch.Tensor]:
    (points,) = batch
    latents = model(points)
    order = ordering_loss(latents)
    if model.decoder is None:
        return {"loss": order, "order": order}
    error = functional.mse_loss(model.decoder(latents), points)
    return {"loss": error + weight * order, "order": order, "mse": error}
