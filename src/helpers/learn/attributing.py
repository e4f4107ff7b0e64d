"""Maps of what in an image a classifier's output depends on: one call for the methods that studies compare.

Write F for the output, x for the image and x' for a baseline. Each method answers another question, and the words
*instead of what* have no answer in the network.

======================  ============================================================================================
gradient                dF/dx
gradient x input        x dF/dx
SmoothGrad              mean of dF/dx at x with normal noise
integrated gradients    (x - x') times the mean of dF/dx on the line from x' to x; adds up to F(x) - F(x')
occlusion               F(x) - F(x with a patch from x')
Shapley                 Shapley value of each part, exact, with absent parts from backgrounds
sampled Shapley         the same by a regression on sampled coalitions (Kernel SHAP)
counterfactual          change of x, by gradient steps, that flips the class
latent counterfactual   the same with steps in the code of a generator
concept                 terms of the derivative of F along the direction of a part that is switched on
======================  ============================================================================================

These are this project's lines and not captum's: its defaults decide silently (25 samples of Kernel SHAP, noise of
standard deviation 1, one patch a pass), and its import takes longer than most maps here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import check_choice
from helpers.learn import attributing_by_change, attributing_by_removal, attributing_by_slope
from helpers.learn.attributing_checking import check_settings
from helpers.learn.questions import asking

METHODS: dict[str, Callable[..., torch.Tensor]] = {
    "gradient": attributing_by_slope.gradient,
    "gradient x input": attributing_by_slope.gradient_times_input,
    "SmoothGrad": attributing_by_slope.smooth_grad,
    "integrated gradients": attributing_by_slope.integrated_gradients,
    "occlusion": attributing_by_removal.occlusion,
    "Shapley": attributing_by_removal.shapley,
    "sampled Shapley": attributing_by_removal.sampled_shapley,
    "counterfactual": attributing_by_change.counterfactual,
    "latent counterfactual": attributing_by_change.latent_counterfactual,
    "concept": attributing_by_slope.concept,
}


def attribute(
    network: nn.Module,
    images: ArrayLike | torch.Tensor,
    target: ArrayLike,
    *,
    method: str = "gradient",
    against: ArrayLike | None = None,
    output: str = "logit",
    batch_size: int = 256,
    **settings: Any,
) -> np.ndarray:
    """Compute a map of each image by one method, with the network in evaluation mode.

    Parameters
    ----------
    network : torch.nn.Module
        Classifier; it takes (n, c, h, w) and returns (n, classes) before any activation.
    images : array_like of shape (n, c, h, w)
        In the scale that the network was trained on.
    target : int or array_like of int, shape (n,)
        Class that is asked about, of all images or of each.
    method : str
        Name of a method of the table above.
    against : int or array_like of int, shape (n,), optional
        Another class. F is then the difference of the two: why this class rather than that one.
    output : {"logit", "probability"}
        Scale of F. Counterfactuals are of logits.
    batch_size : int
        Images of a pass; steps, patches, coalitions and noise fill batches together. It bounds the memory.
    **settings
        Settings of the method, by name: ``baseline`` (integrated gradients, occlusion), ``steps`` (integrated
        gradients, counterfactuals), ``sigma, draws, seed`` (SmoothGrad), ``patch, stride`` (occlusion), ``parts,
        background`` (both Shapley), ``samples, seed`` (sampled Shapley), ``step`` (counterfactuals), ``limits``
        (counterfactual), ``generator`` (latent counterfactual), ``direction`` (concept).

    Returns
    -------
    ndarray of shape (n, h, w), float64
        Signed, and summed over channels. A counterfactual that does not flip the class is NaN.

    Raises
    ------
    InputError
        There is no such method, setting or class; a setting is missing, out of range or of another shape than the
        images; the network cannot take these, was trained on another scale, is not trained, returns no single tensor or
        has no gradient; or inference mode is on.
    """
    check_choice("method", method, METHODS)
    check_settings(method, METHODS[method], settings)
    how = {"against": against, "output": output, "batch_size": batch_size}
    with asking(network, images, target, **how) as question:
        return METHODS[method](question, **settings).sum(1).cpu().numpy()
