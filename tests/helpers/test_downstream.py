"""What comes after reconstruction: classifiers of labels that are partly unknown, and the segmenter."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import downstream
from tests.helpers.training import discs

fast = {"device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0, 0.2, (80, 1, 16, 16))
    noise[:40, :, 4:10, 4:10] += 0.6
    noise[::2, :, 12:] += 0.6
    return noise.astype(np.float32)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """A square is there; a bar is there, of which three quarters are unknown."""
    both = np.stack([np.arange(80) < 40, np.arange(80) % 2 == 0], 1).astype(float)
    both[np.arange(80) % 8 > 1, 1] = np.nan
    return both


def test_labels_are_learned_where_they_are_known(images, labels):
    fitted = learn.fit_classifier(images, labels, seed=0, steps=50, batch_size=16, lr=1e-2, **fast)
    found = learn.probabilities(fitted.model, images)
    assert found.shape == (80, 2)
    assert (found[:40, 0] > 0.5).all() and (found[40:, 0] < 0.5).all()
    assert (found[::2, 1] > 0.5).all() and (found[1::2, 1] < 0.5).all()


def test_loss_is_that_of_known_labels_alone(labels):
    logits = np.random.default_rng(1).normal(size=labels.shape)
    known = ~np.isnan(labels)
    model = torch.nn.Identity()
    batch = [torch.from_numpy(x) for x in (logits, np.where(known, labels, 0), known.astype(float))]
    p = 1 / (1 + np.exp(-logits[known]))
    wanted = -np.mean(np.where(labels[known] == 1, np.log(p), np.log(1 - p)))
    assert float(downstream._masked_loss(model, batch)) == pytest.approx(wanted)


def test_classes_are_drawn_equally_often():
    labels = np.array([[1.0]] * 2 + [[0.0]] * 6 + [[np.nan]] * 2)
    np.testing.assert_allclose(downstream._equal_chances(labels), [1 / 2] * 2 + [1 / 6] * 6 + [0] * 2)


def test_balance_lets_a_rare_label_count(images):
    """With nothing to see, the probability is the share of the class among what is drawn."""
    labels = (np.arange(80) % 10 == 0).astype(float)[:, None]
    blank = np.full_like(images, 0.5)
    for balanced, share in ((False, 0.1), (True, 0.5)):
        options = {"steps": 40, "batch_size": 40, "lr": 2e-2, "balanced": balanced}
        model = learn.fit_classifier(blank, labels, seed=0, **options, **fast).model
        assert learn.probabilities(model, blank).mean() == pytest.approx(share, abs=0.1)


def test_validation_stops_the_training(images, labels):
    held_out = (images[::4], 1 - labels[::4])  # each step of learning makes it worse
    options = {"steps": 400, "batch_size": 16, "lr": 5e-3, "every": 10, "patience": 2}
    fitted = learn.fit_classifier(images, labels, seed=0, validation=held_out, **options, **fast)
    assert fitted.history["step"].max() < 200 and fitted.best < fitted.history["step"].max()


def test_masks_are_learned():
    images, masks = discs(40)
    images = images.clip(-1, 2) / 3 + 1 / 3
    masks[::8] = 0  # empty ones are allowed, with nothing to be seen
    images[::8] = np.random.default_rng(0).normal(1 / 3, 0.1, images[::8].shape)
    options = {"steps": 60, "batch_size": 8, "lr": 1e-2, "features": (8, 16)}
    model = learn.fit_segmenter(images, masks.astype(np.uint8), seed=0, **options, **fast).model
    found = learn.predicted_masks(model, images)
    assert found.dtype == np.uint8 and found.shape == masks.shape
    assert 2 * (found * masks).sum() / (found.sum() + masks.sum()) > 0.8


def test_published_dice_loss_takes_the_sigmoid_twice():
    """A perfect mask has no loss; as published, Dice compares with sigmoid(0) = 0.5 and sigmoid(1) = 0.73."""
    masks = torch.zeros(1, 1, 8, 8)
    masks[..., :4] = 1
    perfect = torch.nn.Identity(), (1000 * (2 * masks - 1), masks)
    assert float(downstream._overlap(*perfect, twice=False)) == pytest.approx(0, abs=1e-6)
    inside, outside = 1 / (1 + np.exp(-1)), 0.5
    dice = 1 - 2 * 32 * inside / (32 + 32 * inside + 32 * outside)
    assert float(downstream._overlap(*perfect, twice=True)) == pytest.approx(dice / 2, rel=1e-5)


SHORT = {"steps": 1, "batch_size": 4, "lr": 1e-3}
BAD = {
    "rows": (lambda x, y: learn.fit_classifier(x, y[:3], seed=0, **SHORT), r"labels.*\(80, labels\)"),
    "uncertain": (lambda x, y: learn.fit_classifier(x, y - 1, seed=0, **SHORT), r"labels\[1, 1\].*found -1"),
    "one class": (lambda x, y: learn.fit_classifier(x, y * 0, seed=0, **SHORT), r"labels\[:, 0\].*both classes"),
    "balance of two": (lambda x, y: learn.fit_classifier(x, y, seed=0, balanced=True, **SHORT), "2 labels"),
    "validation": (
        lambda x, y: learn.fit_classifier(x, y, seed=0, validation=(x[:2], y), **SHORT),
        r"validation.*\(2, labels\)",
    ),
    "grey mask": (lambda x, y: learn.fit_segmenter(x, x, seed=0, **SHORT), "masks.*expected 0 and 1"),
    "no segmenter": (
        lambda x, y: learn.fit_segmenter(x, x, seed=0, network="big", **SHORT),
        "network: must be .*, got 'big'",
    ),
    "no mode": (lambda x, y: learn.fit_segmenter(x, x, seed=0, mode="both", **SHORT), "mode: must be .*, got 'both'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, images, labels):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act(images, labels)
