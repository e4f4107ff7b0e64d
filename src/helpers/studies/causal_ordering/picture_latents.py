"""The study's second arm: latents of pictures by a variational autoencoder, with and without the ordering loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from helpers import learn, stats
from helpers.datasets import draw_chests, draw_factors
from helpers.keep.processor import Device
from helpers.learn import pixels
from helpers.studies.causal_ordering.mixing import FACTORS, measured

NETWORK = {"in_channels": 1, "channels": 8, "blocks": (1, 1, 2, 2)}
BATCH = 128
WEIGHTS = {"VAE": 0.0, "VAE, ordering loss": 1e-3}  # of the ordering loss


def picture_job(
    arm: str, seed: int, *, n: int = 1_000, steps: int = 300, beta: float = 1e-3, device: Device = "auto"
) -> list[dict[str, Any]]:
    """Draw three factors as pictures, train an autoencoder of them, and measure its latents.

    Parameters
    ----------
    arm : {"VAE", "VAE, ordering loss"}
    seed : int
        Seed of factors, pixels and training.
    n, steps : int
        Pictures, and steps of training with batches of 128.
    beta : float
        Weight of the divergence of the code from its prior.
    device : str

    Returns
    -------
    list of dict
        One row, from `measured`, with ``mse`` (of the pictures, from -1 to 1), and ``ceiling``, the mean R² of the
        factors by a ridge regression on the pixels.
    """
    drawn = draw_factors("bounded", n, d=FACTORS, edges=1.0, seed=seed)
    pictures = draw_chests(drawn.values, seed=seed)
    fitted = learn.fit(
        learn.vae(**NETWORK, latent=FACTORS, seed=seed),
        (pictures,),
        partial(picture_loss, beta=beta, weight=WEIGHTS[arm]),
        steps=steps,
        batch_size=BATCH,
        lr=1e-3,
        seed=seed,
        every=steps,
        optimizer=torch.optim.Adam,
        clip=10.0,
        device=device,
        progress=False,
    )
    scaled = pixels.scaled(torch.as_tensor(pictures)).to(fitted.device)
    with torch.no_grad():
        latents = fitted.model.encode(scaled)[0].flatten(1).double().cpu().numpy()
    flat = pictures.reshape(n, -1).astype(float)
    ceiling = stats.predicted_linearly(flat[:, flat.std(axis=0) > 0.5], drawn.values)[1]
    mse = float(fitted.history["mse"].iloc[-1])
    return [{**measured(latents, drawn, fixed=WEIGHTS[arm] > 0), "mse": mse, "ceiling": float(np.mean(ceiling))}]


def picture_loss(
    model: torch.nn.Module, batch: Sequence[torch.Tensor], *, beta: float, weight: float
) -> dict[str, torch.Tensor]:
    """Compute the loss of an autoencoder of pictures, and add the ordering loss of the batch's mean codes.

    Parameters
    ----------
    model : torch.nn.Module
        From `helpers.learn.vae`, with a code of 1 x 1 pixels.
    batch : sequence of one torch.Tensor, uint8 of shape (n, 1, 16, 16)
    beta, weight : float
        Weights of the divergence and of the ordering loss; without weight it is not computed.

    Returns
    -------
    dict of str to torch.Tensor
    """
    scaled = pixels.scaled(batch[0])
    found = learn.vae_loss(model, (scaled,), beta=beta)
    if weight:
        order = learn.ordering_loss(model.encode(scaled)[0].flatten(1))
        found = {**found, "loss": found["loss"] + weight * order, "order": order}
    return found
