"""The order of an additive noise model from the curvature of its log density, and a loss that asks for an order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.learn.stein import ETA, MOST_ROWS, check_points, stein_hessian
from helpers.stats.ordering import LEAST, check_factors

SMALLEST_BATCH = 64  # of the loss: with fewer points the estimate is noise
FLOOR = 1e-8  # added to the denominator of the loss


class ScoreOrder(NamedTuple):
    """Order of factors, causes first, and the variance of the curvature of each when it was taken as a leaf."""

    order: np.ndarray
    variance: np.ndarray


def score_order(factors: ArrayLike, *, groups: ArrayLike | None = None, eta: float = ETA) -> ScoreOrder:
    """Order the factors of an additive noise model by its leaves (SCORE).

    With Gaussian noise the second derivative of the log density by a leaf does not vary, and that by any other variable
    varies unless all effects are linear. The variable with the least variance is taken away as the last one, and the
    rest is ordered in the same way (Rolland et al. 2022, https://arxiv.org/abs/2203.04413).

    Parameters
    ----------
    factors : array_like, shape (n, d)
        50 to 3,000 rows; standardised here.
    groups : array_like, shape (n,), optional
        Values of a variable that is conditioned on, such as sex: it counts as a cause of all, and the curvature is
        estimated in each group by itself. Groups have at least 50 rows each.
    eta : float
        As in `stein_hessian`.

    Returns
    -------
    ScoreOrder
        ``order``, positions of the columns, causes first; ``variance``, by column, NaN of the first one.

    Raises
    ------
    InputError
        There are too many rows, or a group has too few or a factor that does not vary; or as in
        `helpers.stats.ordering.check_factors` and `stein_hessian`.
    """
    values = check_factors(factors)
    if len(values) > MOST_ROWS:
        problem = f"a kernel of {len(values):,} rows takes {8 * len(values) ** 2 / 1e9:.2g} GB several times"
        raise InputError("factors", problem, f"Draw at most {MOST_ROWS:,} rows without replacement, and state how many")
    parts = [values] if groups is None else _parts(values, groups)
    points = [torch.as_tensor((part - part.mean(0)) / part.std(0)) for part in parts]
    left, order, variance = list(range(values.shape[1])), [], np.full(values.shape[1], np.nan)
    while len(left) > 1:
        found = torch.stack([stein_hessian(part[:, left], eta=eta).var(0) * len(part) for part in points])
        spread = found.sum(0) / len(values)
        leaf = left.pop(int(spread.argmin()))
        variance[leaf] = float(spread.min())
        order.insert(0, leaf)
    return ScoreOrder(np.array(left + order), variance)


def _parts(values: np.ndarray, groups: ArrayLike) -> list[np.ndarray]:
    labels = np.asarray(groups)
    if labels.shape != (len(values),):
        raise InputError("groups", f"shape {labels.shape}, expected ({len(values)},)", "Give one label a row")
    known = np.unique(labels)
    parts = [values[labels == label] for label in known]
    for label, part in zip(known, parts, strict=True):
        if len(part) < LEAST:
            raise InputError(f"group {label}", f"{len(part)} rows are too few for an order", f"Give {LEAST} or more")
        if flat := int((np.ptp(part, axis=0) == 0).sum()):
            fix = "Leave this factor out, or do not condition on the groups"
            raise InputError(f"group {label}", f"{flat} of {part.shape[1]} factors do not vary in its rows", fix)
    return parts


def ordering_loss(latents: torch.Tensor, *, eta: float = ETA) -> torch.Tensor:
    """Compute a loss that is low where the columns of a batch are in the order that the curvature shows.

    For k from d down to 2, the logarithm of the share that column k has in the variances of the curvature of columns 1
    to k: a column that is a leaf of those before it has none. This loss is an illustration: the published one could not
    be read.

    Parameters
    ----------
    latents : torch.Tensor, shape (n, d)
        At least 64 rows and 2 columns; standardised here.
    eta : float
        As in `stein_hessian`.

    Returns
    -------
    torch.Tensor
        A scalar.

    Raises
    ------
    InputError
        The latents are no finite table, the batch is too small, a column has collapsed, or the loss is not a number.
    """
    check_points(latents, "latents")
    n, d = latents.shape
    if n < SMALLEST_BATCH:
        raise InputError("batch", f"{n} rows are too few for the curvature", f"Give {SMALLEST_BATCH} or more")
    if d < 2:
        raise InputError("latents", f"{d} column has no order", "Give 2 or more")
    values = latents.double()
    spread = values.std(0)
    if not (spread > 1e-3).all():
        raise InputError("latents", "a column has collapsed: its standard deviation is below 0.001", "Lower the weight")
    points = (values - values.mean(0)) / spread
    total = points.new_zeros(())
    for k in range(d, 1, -1):
        variance = stein_hessian(points[:, :k], eta=eta).var(0)
        total = total + torch.log((variance[-1] + FLOOR) / (variance.sum() + FLOOR))
    if not torch.isfinite(total):
        raise InputError("ordering loss", "it is not a number", "Raise eta, such as to 0.1")
    return total
