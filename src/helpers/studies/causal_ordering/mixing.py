"""The study's second experiment: latents of mixed factors, trained for an order or not, and every measure of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers import learn, stats
from helpers.datasets import DrawnFactors, draw_factors

OBSERVED = 6  # dimensions to which factors are mixed
FACTORS = 3
TRAINED = "ordering loss"
LATENTS = ("truth", "ridge, supervised", "noise", "random rotation", "PCA", "ICA", TRAINED)
MEASURES = ("loss", "mcc", "reversed", "wrong arrows", "arrows", "edges found", "correlation", "explained")


def latent_job(world: str, kind: str, seed: int, *, n: int = 300, steps: int = 120, **options: Any) -> list[dict]:
    """Mix three factors linearly, recover latents in several ways, and measure all of them.

    Each factor of *bounded* is a cause of all later ones.

    Parameters
    ----------
    world : str
        As in `helpers.datasets.draw_factors`.
    kind : {"rotation", "free"}
        As in `helpers.learn.ordered_latents`.
    seed : int
        Seed of factors, mixing and latents.
    n, steps : int
        Cases, and steps of training.
    **options
        As in `helpers.learn.ordered_latents`.

    Returns
    -------
    list of dict
        A row for each of `LATENTS`, from `measured`.
    """
    drawn = draw_factors(world, n, d=FACTORS, edges=1.0, seed=seed)
    rng = np.random.default_rng((seed, 6))
    observed = drawn.values.to_numpy() @ rng.standard_normal((FACTORS, OBSERVED))
    trained = learn.ordered_latents(observed, latent=FACTORS, kind=kind, steps=steps, seed=seed, **options)
    found = baseline_latents(observed, drawn, seed=seed) | {TRAINED: trained}
    return [{"latents": name, **measured(found[name], drawn, fixed=name in ("truth", TRAINED))} for name in LATENTS]


def baseline_latents(observed: np.ndarray, drawn: DrawnFactors, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Compute latents that no ordering loss has seen, each of shape (n, d); the truth has its causes first."""
    order = stats.graph_order(drawn.graph)
    factors = drawn.values.to_numpy()
    rng = np.random.default_rng((seed, 7))
    d = factors.shape[1]
    whitened = learn.whiten(observed, d)
    return {
        "truth": factors[:, order],
        "ridge, supervised": stats.predicted_linearly(observed, factors)[0][:, order],
        "noise": rng.standard_normal(factors.shape),
        "random rotation": whitened @ np.linalg.qr(rng.standard_normal((d, d)))[0],
        "PCA": whitened,
        "ICA": _independent(whitened, seed),
    }


def _independent(whitened: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # normal factors have no independent components
        return FastICA(whiten=False, random_state=seed, max_iter=500).fit_transform(whitened)


def measured(latents: ArrayLike, drawn: DrawnFactors, *, fixed: bool = False) -> dict[str, float | None]:
    """Measure latents against the factors that they should be.

    Parameters
    ----------
    latents : array_like, shape (n, k)
    drawn : DrawnFactors
        The true factors and their graph.
    fixed : bool
        Whether the loss takes the columns as they are; else they come in SCORE's order, the best that can be claimed.

    Returns
    -------
    dict
        ``loss``, the ordering loss; ``mcc`` and ``mcc of ranks``; ``reversed``, share of edges that SCORE's order of
        the matched latents reverses (None without an edge); ``wrong arrows``, ``arrows`` and ``edges found`` of the PC
        algorithm; ``correlation``, mean absolute, and ``error of correlation``, its distance from that of the factors;
        ``explained``, mean R² of the factors by a linear map of the latents, and ``explained back``.
    """
    values, factors = np.asarray(latents, float), drawn.values.to_numpy()
    matched = stats.match_latents(values, factors)
    order = learn.score_order(values).order
    place = np.argsort(order)
    found = stats.edges_reversed(np.argsort(place[matched.latent]), drawn.graph)
    pc = stats.pc_graph(values)[np.ix_(matched.latent, matched.latent)]
    arrows = stats.wrong_arrows(pc, drawn.graph)
    correlation = stats.mean_correlation(values)
    explained, back = (stats.predicted_linearly(*pair)[1].mean() for pair in ((values, factors), (factors, values)))
    return {
        "loss": float(learn.ordering_loss(torch.as_tensor(values if fixed else values[:, order]))),
        "mcc": matched.mcc,
        "mcc of ranks": stats.match_latents(values, factors, ranks=True).mcc,
        "reversed": found.share,
        "wrong arrows": float(arrows.wrong),
        "arrows": float(arrows.arrows),
        "edges found": float(arrows.edges),
        "correlation": correlation,
        "error of correlation": abs(correlation - stats.mean_correlation(factors)),
        "explained": float(explained),
        "explained back": float(back),
    }
