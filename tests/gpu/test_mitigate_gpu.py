"""Mitigation on a CUDA GPU: every method in 16 bits. Skipped where there is none."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import learn, metrics
from helpers.studies import mitigation

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")

METHODS = {
    "plain": (mitigation.plain, {}),
    "reweighting": (mitigation.reweighted, {}),
    "equalized odds": (mitigation.equalized_odds, {"strength": 10.0}),
    "adversary": (mitigation.adversarial, {"strength": 1.0}),
    "adversary, trained": (mitigation.adversarial, {"strength": 1.0, "adversary": "trained"}),
    "Group DRO": (mitigation.group_dro, {"strength": 0.1}),
    "GroupDistil": (mitigation.group_distil, {"strength": 0.1}),
    "SWiFT": (mitigation.swift, {"strength": 0.5}),
}


def cases(n=256, seed=0):
    """A bright square where the label is 1; the group shows as a bright edge."""
    rng = np.random.default_rng(seed)
    labels, group = rng.integers(0, 2, (2, n))
    images = rng.normal(0.3, 0.1, (n, 1, 32, 32)).astype(np.float32)
    images[labels == 1, :, 12:20, 12:20] += 0.25
    images[group == 1, :, :, :3] += 0.2
    return mitigation.Cases(images, labels[:, None].astype(float), pd.DataFrame({"group": group.astype(str)}))


@pytest.mark.parametrize("name", METHODS)
def test_a_classifier_is_fine_tuned_in_sixteen_bits(name):
    fit, options = METHODS[name]
    training = {"batch_size": 64, "seed": 0, "device": "cuda"}
    start = mitigation.plain(learn.classifier("small", 1, seed=0), cases(), steps=30, lr=3e-3, **training).model
    done = fit(start, cases(), steps=20, lr=1e-3, **options, **training)
    fresh = cases(seed=1)
    logits = learn.predict(done.model, fresh.images, precision="32")[:, 0]
    assert next(done.model.parameters()).is_cuda
    assert metrics.auroc(fresh.labels[:, 0], logits).value > 0.9
    assert done.history["loss"].notna().all()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "GroupDistil"])
def test_a_reconstruction_is_fine_tuned_through_its_reader(name):
    fit, options = METHODS[name]
    clean = cases()
    noise = np.random.default_rng(2).normal(0, 0.1, clean.images.shape).astype(np.float32)
    given = clean._replace(images=clean.images + noise, clean=clean.images)
    training = {"batch_size": 32, "seed": 0, "device": "cuda"}
    reader = mitigation.plain(learn.classifier("small", 1, seed=0), clean, steps=30, lr=3e-3, **training).model
    network = learn.plain_unet(features=(8, 16), seed=0)
    before = {name: weight.clone() for name, weight in reader.state_dict().items()}
    done = fit(network, given, reader=reader, steps=10, lr=1e-3, **options, **training)
    assert np.isfinite(learn.predict(done.model, given.images, precision="32")).all()
    assert all(torch.equal(weight, before[name]) for name, weight in reader.state_dict().items())
