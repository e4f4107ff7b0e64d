"""Linear probe: test whether a network's last features still contain information on an attribute."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn.forward import in_batches
from helpers.studies.mitigation.fitting import Cases
from helpers.studies.mitigation.objectives import head_of, inputs_of


def last_features(model: nn.Module, images: np.ndarray, *, batch_size: int = 64) -> np.ndarray:
    """Compute the input features of the last layer, float32 (n, d), in evaluation mode."""
    with inputs_of(head_of(model)[1]) as found:
        for _ in in_batches(model, images, batch_size=batch_size):
            pass
    if not found:
        raise InputError("model", "the output does not depend on the last linear layer", "Define the output layer last")
    return torch.cat([batch.float().flatten(1) for batch in found]).cpu().numpy()


def linear_probe(model: nn.Module, learn: Cases, held_out: Cases, *, attribute: str) -> tuple[np.ndarray, np.ndarray]:
    """Predict an attribute of held-out cases from a network's last features by logistic regression (linear probe).

    The probe is trained after the training of the network. It is needed because defeating an adversary during training
    proves little: the adversary may have been weak.

    Parameters
    ----------
    model : torch.nn.Module
        Classifier.
    learn, held_out : Cases
        The probe is trained on the first and applied to the second; the two should be of different people.
    attribute : str
        Attribute with two groups; cases without it are left out of the training.

    Returns
    -------
    is_second, probability : ndarray of shape (n,)
        For held-out cases: whether they are in the second group by name (NaN: unknown), and the probe's probability.

    Raises
    ------
    InputError
        The attribute is absent, or does not have two groups.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for cases in (learn, held_out):
        check_choice("attribute", attribute, cases.attributes)
    groups = sorted(learn.attributes[attribute].dropna().unique(), key=str)
    if len(groups) != 2:
        raise InputError(f"attribute {attribute}", f"{len(groups)} groups", "Choose one of two groups")
    known = learn.attributes[attribute].notna().to_numpy()
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    reader.fit(last_features(model, learn.images)[known], learn.attributes.loc[known, attribute] == groups[1])
    asked = held_out.attributes[attribute]
    answer = np.where(asked.notna(), asked == groups[1], np.nan).astype(float)
    return answer, reader.predict_proba(last_features(model, held_out.images))[:, 1]
