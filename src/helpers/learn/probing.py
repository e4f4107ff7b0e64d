"""Probes of features: logistic regressions of few labels for many draws at once, nearest neighbours, effective rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers.errors import InputError

STEPS = 300  # of one strength, at most
TOLERANCE = 3e-5  # of the norm of the scaled gradient


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
        draws, f, k = self.weights.shape
        found = np.asarray(features, float) @ self.weights.swapaxes(0, 1).reshape(f, draws * k)  # one product for all
        return found.reshape(-1, draws, k).swapaxes(0, 1) + self.bias[:, None]

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


def logistic_probes(
    features: ArrayLike, labels: ArrayLike, rows: np.ndarray, *, strengths: Sequence[float] = (1.0,)
) -> list[Probes]:
    """Fit multinomial logistic regressions to each draw of labelled cases, all draws at once, one for each strength.

    A fit minimises ``strength * sum of cross-entropies + ||weights||^2 / 2``, as scikit-learn's `LogisticRegression`
    with ``C=strength`` does (with two classes its one vector of weights amounts to twice the strength). The problem is
    rotated to the principal axes of the cases and scaled by its curvature where all classes are equally likely, which
    leaves the optimum unchanged. It is solved by conjugate gradients (Polak and Ribière 1969), with one Newton step
    along each direction. A step that goes too far is shortened to where a line through both slopes is 0. Each
    strength starts from the optimum of the one before it. Steps are in 32 bits, and in 64 where these do not reach the
    optimum.

    Parameters
    ----------
    features : array_like of shape (n, f)
        Standardised: of very large ones the optimum is less exact.
    labels : array_like of shape (n,)
    rows : ndarray of int, shape (draws, cases)
        Labelled cases of each draw; all classes of `labels` occur in each.
    strengths : sequence of float
        Weights of the cases against the penalty; rising ones are fastest.

    Returns
    -------
    list of Probes
        One for each strength.

    Raises
    ------
    InputError
        A draw lacks a class, a feature is NaN or infinite, or the solver does not converge.
    """
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    n, k = rows.shape[1], len(classes)
    rows, codes = torch.from_numpy(rows), torch.from_numpy(codes)
    is_class = torch.nn.functional.one_hot(codes, k)[rows].mT.float().contiguous()
    if k < 2 or not is_class.any(2).all():
        raise InputError("rows", f"a draw lacks one of {k} classes", "Draw each class, and at least two")
    every = torch.from_numpy(np.asarray(features, float))
    if not every.isfinite().all():
        raise InputError("features", "they hold NaN or infinity", "Check the network and its images")
    if n <= every.shape[1]:  # few cases: the principal axes of each draw
        x = every[rows]
        x = x - (centre := x.mean(1, keepdim=True))
        variance, axes = torch.linalg.eigh(x @ x.mT)
        root = variance.clamp(min=0).sqrt()[:, None]
        z, back = axes * root, axes * torch.where(root > 1e-7 * root.amax(2, keepdim=True), 1 / root, 0)
    else:  # many: those of all cases, which are near enough
        x = every - (centre := every.mean(0, keepdim=True)[None])
        variance, back = torch.linalg.eigh(x[0].T @ x[0] * (n / len(every)))
        z, variance, x = (x @ back)[0][rows], variance[None], None
    z = torch.cat([z, torch.ones_like(z[:, :, :1])], 2).float()
    curvature = torch.cat([variance.clamp(min=0), torch.full_like(variance[:, :1], n)], 1)[:, None] / k
    found, w = [], torch.zeros(len(rows), k, z.shape[2])
    for strength in strengths:
        for kind in (torch.float32, torch.float64):
            start, *given = (part.to(kind) for part in (w, z, is_class, curvature))
            if (end := _minimised(start, *given, strength)) is not None:
                break
        else:
            fix = "Standardise the features, or lower the strength"
            raise InputError("probes", f"no optimum within {STEPS} steps", fix)
        w = end.double()
        weights = w[:, :, :-1] @ back.mT if x is None else w[:, :, :-1] @ back.mT @ x
        bias = w[:, :, -1] - (weights @ centre.mT)[:, :, 0]
        found.append(Probes(weights.mT.numpy(), bias.numpy(), classes))
    return found


def _minimised(
    w: torch.Tensor, z: torch.Tensor, y: torch.Tensor, curvature: torch.Tensor, strength: float
) -> torch.Tensor | None:
    """Solve for the least penalised cross-entropy of all draws at once, or return None if that takes too many steps.

    Weights `w` (draws, classes, axes) are those to start from. Cases are `z` (draws, cases, axes), of which the last is
    1 and has no penalty; `y` (draws, classes, cases) has a 1 for the class of each.
    """

    def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a * b).sum((1, 2), keepdim=True)

    least = torch.finfo(z.dtype).tiny
    penalty = torch.ones_like(z[0, 0])
    penalty[-1] = 0
    scale = 1 / (penalty + strength * curvature)
    direction, last, size = torch.zeros_like(w), torch.zeros_like(w), torch.ones_like(w[:, :1, :1])
    logits = w @ z.mT
    p = logits.softmax(1)
    for _ in range(STEPS):
        error = p - y
        gradient = strength * (error @ z) + penalty * w
        scaled = scale * gradient
        new = dot(gradient, scaled)
        if float(new.max()) <= TOLERANCE**2:
            return w
        direction = ((new - dot(gradient, last)) / size).clamp(min=0) * direction - scaled
        last, size = scaled, new.clamp(min=least)
        turned, shrunk = direction @ z.mT, penalty * direction
        slope, even, bent = dot(gradient, direction), dot(shrunk, direction), p * turned
        curved = dot(bent, turned) - (bent.sum(1, keepdim=True) ** 2).sum((1, 2), keepdim=True)
        step = -slope / (strength * curved + even).clamp(min=least)
        p = (logits + step * turned).softmax(1)
        rise = slope + strength * dot(p - y - error, turned) + step * even
        far = rise > slope.abs()
        if far.any():
            step = torch.where(far, step * slope / (slope - rise), step)
            p = (logits + step * turned).softmax(1)
        w, logits = w + step * direction, logits + step * turned
    return None


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
