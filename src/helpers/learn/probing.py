"""Probes of features: logistic regressions of few labels for many draws at once, nearest neighbours, effective rank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers.errors import InputError

MEMORY = 8  # pairs of steps and gradients that approximate the curvature
STEPS = 300  # at most
HALVINGS = 30  # of a step, at most
TOLERANCE = 1e-6  # of the largest entry of the scaled gradient


class Probes(NamedTuple):
    """Fitted probes, one for each draw of labels.

    Attributes
    ----------
    weights : ndarray of shape (draws, features, classes)
    bias : ndarray of shape (draws, classes)
    classes : ndarray of shape (classes,)
    """

    weights: np.ndarray
    bias: np.ndarray
    classes: np.ndarray

    def logits(self, features: ArrayLike) -> np.ndarray:
        """Compute the logits of features (n, f): ndarray of shape (draws, n, classes)."""
        return np.asarray(features, float) @ self.weights + self.bias[:, None]

    def predict(self, features: ArrayLike) -> np.ndarray:
        """Predict the class of features (n, f): ndarray of shape (draws, n)."""
        return self.classes[self.logits(features).argmax(2)]


def draw_labelled(labels: ArrayLike, per_class: int, *, draws: int, seed: int) -> np.ndarray:
    """Draw the same number of cases of each class without replacement, many times.

    Returns
    -------
    ndarray of int, shape (draws, classes * per_class)
        Rows of the cases. With one seed, the cases of fewer labels are among those of more.

    Raises
    ------
    InputError
        A class has fewer cases than are to be drawn.
    """
    labels = np.asarray(labels)
    classes, count = np.unique(labels, return_counts=True)
    if per_class < 1 or (few := count < per_class).any():
        name, n = (classes[few][0], count[few][0]) if per_class >= 1 else (classes[0], count[0])
        raise InputError(f"labels a class = {per_class}", f"{name!s} has {n} cases", "Ask for fewer labels, 1 or more")
    order = [np.random.default_rng((seed, draw)).permutation(len(labels)) for draw in range(draws)]
    return np.stack([np.concatenate([o[labels[o] == c][:per_class] for c in classes]) for o in order])


def logistic_probes(features: ArrayLike, labels: ArrayLike, rows: np.ndarray, *, strength: float = 1.0) -> Probes:
    """Fit a multinomial logistic regression to each draw of labelled cases, all draws at once.

    It minimises ``strength * sum of cross-entropies + ||weights||^2 / 2``, as scikit-learn's `LogisticRegression` with
    ``C=strength`` does (with two classes its one vector of weights amounts to twice the strength). The problem is
    rotated to the principal axes of the cases and scaled by the bound of the curvature of Böhning (Ann Inst Stat Math
    44:197, 1992), which leaves the optimum unchanged, and solved by L-BFGS (Liu and Nocedal 1989) in 64 bits.

    Parameters
    ----------
    features : array_like of shape (n, f)
    labels : array_like of shape (n,)
    rows : ndarray of int, shape (draws, cases)
        Labelled cases of each draw; all classes of `labels` occur in each.
    strength : float
        Weight of the cases against the penalty.

    Raises
    ------
    InputError
        A draw lacks a class, a feature is NaN or infinite, or the solver does not converge.
    """
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    n, k = rows.shape[1], len(classes)
    rows, codes = torch.from_numpy(rows), torch.from_numpy(codes)
    is_class = torch.nn.functional.one_hot(codes, k).double()
    if k < 2 or not is_class[rows].any(1).all():
        raise InputError("rows", f"a draw lacks one of {k} classes", "Draw each class, and at least two")
    every = torch.from_numpy(np.asarray(features, float))
    if not every.isfinite().all():
        raise InputError("features", "they hold NaN or infinity", "Check the network and its images")
    if n <= every.shape[1]:  # few cases: the principal axes of each draw
        x = every[rows]
        x = x - (centre := x.mean(1, keepdim=True))
        variance, axes = torch.linalg.eigh(x @ x.mT)
        z = axes * (root := variance.clamp(min=0).sqrt()[:, None])
        inverse = torch.where(root > 1e-7 * root.amax(2, keepdim=True), 1 / root, 0)
        axes = x.mT @ (axes * inverse)
    else:  # many: those of all cases, which are near enough
        x = every - (centre := every.mean(0, keepdim=True)[None])
        variance, axes = torch.linalg.eigh(x[0].T @ x[0] * (n / len(every)))
        z, variance = (x @ axes)[0][rows], variance[None]
    scale = (1 + strength * variance.clamp(min=0) / 2).rsqrt()[:, None]
    level = (2 / (strength * n)) ** 0.5
    z = torch.cat([z * scale, torch.full_like(z[:, :, :1], level)], 2)
    penalty = torch.cat([scale**2, torch.zeros_like(scale[:, :, :1])], 2).mT
    found = _minimised(z, is_class[rows], penalty, strength)
    weights = axes @ (found[:, :-1] * scale.mT)
    return Probes(weights.numpy(), (found[:, -1] * level - (centre @ weights)[:, 0]).numpy(), classes)


def _minimised(z: torch.Tensor, y: torch.Tensor, penalty: torch.Tensor, strength: float) -> torch.Tensor:
    """Solve for the least penalised cross-entropy, weights (draws, axes, classes), by L-BFGS in all draws at once."""

    def valued(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = z @ w
        norm = logits.logsumexp(2, keepdim=True)
        total = norm.sum((1, 2)) - (logits * y).sum((1, 2))
        gradient = strength * z.mT @ ((logits - norm).exp() - y) + penalty * w
        return strength * total + (penalty * w * w).sum((1, 2)) / 2, gradient

    def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a * b).sum((1, 2), keepdim=True)

    w = torch.zeros(len(y), z.shape[2], y.shape[2], dtype=z.dtype)
    value, gradient = valued(w)
    past: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for _ in range(STEPS):
        if float(gradient.abs().max()) <= TOLERANCE:
            return w
        direction, shares = gradient, []
        for s, g, rho in reversed(past):
            shares.append(rho * dot(s, direction))
            direction = direction - shares[-1] * g
        for (s, g, rho), share in zip(past, reversed(shares), strict=True):
            direction = direction + s * (share - rho * dot(g, direction))
        slope, size = dot(gradient, direction), torch.ones_like(value)[:, None, None]
        for _ in range(HALVINGS):
            tried = w - size * direction
            new, turned = valued(tried)
            worse = (new[:, None, None] > value[:, None, None] - 1e-4 * size * slope).logical_and(slope > 1e-12)
            if not worse.any():
                break
            size = torch.where(worse, size / 2, size)
        step, change = tried - w, turned - gradient
        curved = dot(step, change)
        past = [*past, (step, change, torch.where(curved > 1e-300, 1 / curved, 0))][-MEMORY:]
        w, value, gradient = tried, new, turned
    raise InputError("probes", f"no optimum within {STEPS} steps", "Standardise the features, or lower the strength")


def nearest_neighbours(features: ArrayLike, labels: ArrayLike, tested: ArrayLike, *, k: int = 10) -> np.ndarray:
    """Predict by a vote of the k nearest cases by cosine similarity; of equal votes, the nearer class wins.

    Parameters
    ----------
    features, labels : array_like of shape (n, f) and (n,)
        Cases with a label.
    tested : array_like of shape (m, f)

    Raises
    ------
    InputError
        There are fewer than k cases with a label.
    """
    labels = np.asarray(labels)
    if not 1 <= k <= len(labels):
        raise InputError(f"k = {k}", f"there are {len(labels)} cases with a label", "Use fewer neighbours, 1 or more")
    unit = [np.asarray(x, float) / np.linalg.norm(x, axis=1, keepdims=True).clip(1e-12) for x in (features, tested)]
    near = unit[1] @ unit[0].T
    classes, codes = np.unique(labels, return_inverse=True)
    best = np.argpartition(-near, k - 1, axis=1)[:, :k]
    weight = 1 + np.take_along_axis(near, best, 1) / (2 * k + 1)  # similarities decide between equal votes alone
    votes = np.einsum("mk,mkc->mc", weight, np.eye(len(classes))[codes[best]])
    return classes[votes.argmax(1)]


def effective_rank(features: ArrayLike) -> float:
    """Compute RankMe: the exponential of the entropy of the normalised singular values (Garrido et al. 2023).

    Parameters
    ----------
    features : array_like of shape (n, f)
        1 if all features are multiples of one vector, min(n, f) at most; 0 if all are 0.
    """
    values = np.linalg.svd(np.asarray(features, float), compute_uv=False)
    if not values.sum():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
