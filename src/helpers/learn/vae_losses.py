"""Loss of a variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError
from helpers.learn.features import Features


def loss(
    model: nn.Module,
    batch: Sequence[torch.Tensor],
    *,
    beta: float = 1.0,
    feature_weight: float = 1.0,
    features: Features | None = None,
    dtype: torch.dtype = torch.float32,
) -> dict[str, torch.Tensor]:
    """Compute the reconstruction error, the KL divergence of the code from its prior, and a feature (perceptual) loss.

    ``loss = mse + beta * kl + feature_weight * feature``. All terms are means:

    - ``mse``, the squared difference, over all images and their elements;
    - ``kl``, the divergence of N(mean, exp(log_variance)) from N(0, 1), over all images and elements of the code;
    - ``feature``, the squared difference of the outputs of each convolution before its ReLU, averaged over its
      elements and then over the sixteen convolutions.

    Parameters
    ----------
    model : torch.nn.Module
        Returns ``(reconstruction, mean, log_variance)``, as `helpers.learn.vae` does.
    batch : sequence of one torch.Tensor, shape (n, c, s, s)
        Images in [-1, 1].
    beta : float
        Weight of the divergence. The default is from the paper's code; `equation_beta` returns that of its Eq. 1.
    feature_weight : float
        Weight of the feature loss. The default is from the paper's code. The paper's Eq. 2 takes half the sum over the
        convolutions, which is 8 times the mean used here. Combined with Eq. 1, the weight here would be
        16 / (elements of an image): 1 / 3072 for colour images of 128 x 128 pixels.
    features : Features, optional
        From `helpers.learn.vgg19_features` or `random_features`; moved to the device of the images. Without it, the
        feature loss is left out of the sum and of the result.
    dtype : torch.dtype
        Precision of the features; a type other than float32 uses autocast. The distances are float32.

    Returns
    -------
    dict of str to torch.Tensor
        ``loss``, ``mse``, ``kl`` and ``feature``, each a scalar.

    Notes
    -----
    López-Pérez et al. 2025, https://arxiv.org/abs/2501.11752, section 3. Eq. 2 there adds a distance, which is
    minimised, to the ELBO, which is maximised; this function uses the negative ELBO.
    """
    (images,) = batch
    found = model(images)
    mse = functional.mse_loss(found.reconstruction, images)
    kl = -0.5 * (1 + found.log_variance - found.mean**2 - found.log_variance.exp()).mean()
    if features is None:
        return {"loss": mse + beta * kl, "mse": mse, "kl": kl}
    features.to(images.device)
    with torch.autocast(images.device.type, dtype, enabled=dtype != torch.float32):
        with torch.no_grad():
            wanted = features(images)
        made = features(found.reconstruction)
    distances = [functional.mse_loss(a.float(), b.float()) for a, b in zip(made, wanted, strict=True)]
    feature = torch.stack(distances).mean()
    return {"loss": mse + beta * kl + feature_weight * feature, "mse": mse, "kl": kl, "feature": feature}


def equation_beta(size: int, latent: Sequence[int], *, channels: int = 3) -> float:
    """Compute the `beta` that makes the first two terms of `loss` the negative ELBO of the paper's Eq. 1.

    With the likelihood N(x | f(z), I), the negative ELBO of an image of N elements and a code of M elements is
    ``N/2 * mse + M * kl`` plus a constant. Divided by N/2 this is ``mse + (2 M / N) * kl``.

    Parameters
    ----------
    size : int
        Pixels along an axis of the image.
    latent : sequence of int
        Shape of the code, such as (64, 8, 8).
    channels : int
        Channels of the image.

    Returns
    -------
    float
        2 M / N; for colour images of 128 x 128 pixels and a code of 64 x 8 x 8 this is 1/6.

    Raises
    ------
    InputError
        A size is below 1.
    """
    if min(size, channels, *latent) < 1:
        raise InputError(f"size = {size}, latent = {latent}", "expected sizes of 1 or more", "Give shapes of arrays")
    return 2 * prod(latent) / (channels * size**2)
