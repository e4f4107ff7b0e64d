"""What a network's last features still say of who somebody is."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError
from helpers.learn.forward import in_batches
from helpers.studies.mitigation.fitting import Cases
from helpers.studies.mitigation.objectives import head_of, inputs_of


def last_features(model: nn.Module, images: np.ndarray, *, batch_size: int = 64) -> np.ndarray:
    """What goes into the last layer, float32 (n, d), in evaluation mode."""
    with inputs_of(head_of(model)[1]) as found:
        for _ in in_batches(model, images, batch_size=batch_size):
            pass
    if not found:
        raise InputError("model", "its last linear layer has no part in its output", "Define the one that has last")
    return torch.cat([batch.float().flatten(1) for batch in found]).cpu().numpy()


def linear_probe(model: nn.Module, learn: Cases, held_out: Cases, *, attribute: str) -> tuple[np.ndarray, np.ndarray]:
    """How well a logistic regression reads an attribute from the last features of cases that it did not learn from.

    A fresh reader, trained when the network is done. That an adversary was beaten during training says little: it may
    only have been a weak one.

    Parameters
    ----------
    model : torch.nn.Module
        Classifier.
    learn, held_out : Cases
        The probe is trained on the first and asked about the second; give other people.
    attribute : str
        Of two groups; cases without it are left out of the training.

    Returns
    -------
    is_second, probability : ndarray of shape (n,)
        Of the held-out cases: whether they are of the second group by name (NaN: unknown), and what the probe says.

    Raises
    ------
    InputError
        The attribute is not there, or has not two groups.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for cases in (learn, held_out):
        if attribute not in cases.attributes:
            there = ", ".join(map(str, cases.attributes))
            raise InputError(f"attribute {attribute}", "it is not there", f"Choose from {there}")
    groups = sorted(learn.attributes[attribute].dropna().unique(), key=str)
    if len(groups) != 2:
        raise InputError(f"attribute {attribute}", f"{len(groups)} groups", "Choose one of two groups")
    known = learn.attributes[attribute].notna().to_numpy()
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    reader.fit(last_features(model, learn.images)[known], learn.attributes.loc[known, attribute] == groups[1])
    asked = held_out.attributes[attribute]
    answer = np.where(asked.notna(), asked == groups[1], np.nan).astype(float)
    return answer, reader.predict_proba(last_features(model, held_out.images))[:, 1]
