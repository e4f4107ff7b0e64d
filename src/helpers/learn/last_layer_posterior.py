"""Laplace approximation of the posterior of a classifier's last linear layer.

The curvature is the generalised Gauss-Newton matrix of the cross-entropy, which for one linear layer is its Hessian:
the sum over cases of (diag p - p p') kron a a', with a = (features, 1). The prior is normal with mean 0 and one
precision for weights and biases. The precision is that with the largest evidence (MacKay 1992, Neural Computation
4:448; Daxberger et al. 2021, arXiv 2106.14806).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.learn.last_layer import softmax

PRECISIONS = np.geomspace(1e-4, 1e4, 161)  # that are tried


class Posterior(NamedTuple):
    """Normal distribution of the weights and biases of a last layer.

    mean : ndarray of shape (classes, d + 1), the trained weights, with the biases last
    basis : ndarray of shape (P, P), eigenvectors of the curvature in its columns, P = classes (d + 1)
    curvature : ndarray of shape (P,), its eigenvalues
    precision : that of the prior
    """

    mean: np.ndarray
    basis: np.ndarray
    curvature: np.ndarray
    precision: float


def curvature(features: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Compute the generalised Gauss-Newton matrix of the cross-entropy for the weights of a linear layer.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    probability : ndarray of shape (n, classes)

    Returns
    -------
    ndarray of shape (classes (d + 1), classes (d + 1))
        In the order of the flattened weights (classes, d + 1), the bias last in each row.
    """
    a = np.column_stack([features, np.ones(len(features))])
    classes, width = probability.shape[1], a.shape[1]
    found = np.empty((classes, width, classes, width))
    for c in range(classes):
        for d in range(c, classes):
            weight = probability[:, c] * ((c == d) - probability[:, d])
            found[c, :, d] = found[d, :, c] = (a * weight[:, None]).T @ a
    return found.reshape(classes * width, classes * width)


def fit_posterior(
    features: np.ndarray, logits: np.ndarray, mean: np.ndarray, *, precision: float | None = None
) -> Posterior:
    """Fit the posterior of a last layer to training cases.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    logits : ndarray of shape (n, classes)
    mean : ndarray of shape (classes, d + 1)
        Trained weights, with the biases last.
    precision : float, optional
        Of the prior; the one of `PRECISIONS` with the largest evidence by default.
    """
    values, basis = np.linalg.eigh(curvature(features, softmax(logits)))
    values = np.maximum(values, 0)
    if precision is None:
        # Of the log evidence, the terms that depend on the precision; the fit is that of the trained weights.
        log_determinants = np.log(values[:, None] + PRECISIONS).sum(0)
        evidence = (mean.size * np.log(PRECISIONS) - log_determinants - PRECISIONS * (mean**2).sum()) / 2
        precision = float(PRECISIONS[np.argmax(evidence)])
    return Posterior(mean, basis, values, precision)


def drawn_logits(posterior: Posterior, features: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Draw last layers from a posterior, and compute their outputs: ndarray of shape (draws, n, classes)."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((draws, len(posterior.curvature))) / np.sqrt(posterior.curvature + posterior.precision)
    weights = posterior.mean + (steps @ posterior.basis.T).reshape(draws, *posterior.mean.shape)
    return np.einsum("nd,scd->snc", features, weights[..., :-1], optimize=True) + weights[:, None, :, -1]
