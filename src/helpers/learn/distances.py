"""Distances of features from those of known cases: Mahalanobis to the nearest class, and to the k-th neighbour."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from helpers.errors import InputError

SHRINK = 1e-3  # share of the mean variance that is added to each, so that the covariance can be inverted
CHUNK = 2_000_000  # numbers of a product of test and training features that are held at a time


class Classes(NamedTuple):
    """Classes of known cases with one covariance.

    means : ndarray of shape (classes, d)
    factor : ndarray of shape (d, d), lower triangle L of the covariance L L'
    """

    means: np.ndarray
    factor: np.ndarray


def fit_classes(features: np.ndarray, labels: np.ndarray) -> Classes:
    """Fit a mean to each class and one within-class covariance to all, shrunk by `SHRINK` (Lee et al. 2018).

    Parameters
    ----------
    features : ndarray of shape (n, d)
    labels : ndarray of int, shape (n,)
        Of one class alone, the distance is from its mean.

    Raises
    ------
    InputError
        All features of each class are equal, or there are fewer than two cases.
    """
    names, code = np.unique(labels, return_inverse=True)
    means = np.stack([features[code == c].mean(0) for c in range(len(names))])
    rest = features - means[code]
    covariance = rest.T @ rest / max(len(features) - len(names), 1)
    variance = np.trace(covariance) / len(covariance)
    if not variance > 0:
        raise InputError("features", "are equal in each class", "Train longer, or give more cases of a class")
    return Classes(means, np.linalg.cholesky(covariance + SHRINK * variance * np.eye(len(covariance))))


def mahalanobis(classes: Classes, features: np.ndarray) -> np.ndarray:
    """Compute the squared Mahalanobis distance to the nearest class mean, shape (n,).

    Features and means are multiplied by the inverse of the factor L once, so that the distance is Euclidean. The cost
    grows with n, and no matrix of n by n is made (Lee et al. 2018, arXiv 1807.03888, equation 2).
    """
    white = solve_triangular(classes.factor, (features - classes.means.mean(0)).T, lower=True)
    means = solve_triangular(classes.factor, (classes.means - classes.means.mean(0)).T, lower=True)
    squares = [((white - mean[:, None]) ** 2).sum(0) for mean in means.T]
    return np.min(squares, axis=0)


def nearest(known: np.ndarray, features: np.ndarray, *, k: int) -> np.ndarray:
    """Compute the cosine distance to the k-th nearest known case, shape (n,) (Sun et al. 2022, arXiv 2204.06507).

    Parameters
    ----------
    known : ndarray of shape (m, d)
        Features of training cases. A case of zeros has the distance 1 from all.
    features : ndarray of shape (n, d)
    k : int
        From 1 to m.

    Raises
    ------
    InputError
        There are fewer than k known cases.
    """
    if not 1 <= k <= len(known):
        raise InputError(f"k = {k}", f"there are {len(known)} known cases", "Give a neighbour from 1 to that number")
    known, features = _unit(known), _unit(features)
    step = max(1, CHUNK // len(known))
    parts = [features[i : i + step] @ known.T for i in range(0, len(features), step)]
    return 1 - np.concatenate([np.partition(part, -k, axis=1)[:, -k] for part in parts])


def _unit(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1)
