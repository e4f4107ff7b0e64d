"""Artefacts drawn over pictures: where the mask says and nowhere else, an image's own whatever the others."""

import numpy as np
import pytest

from helpers.errors import InputError
from helpers.studies import uncertainty

IMAGES = np.random.default_rng(0).integers(60, 200, (12, 3, 32, 32), dtype=np.uint8)


@pytest.mark.parametrize("kind", uncertainty.ARTEFACTS)
@pytest.mark.parametrize("size", [16, 32, 65])
def test_it_covers_its_mask_and_nothing_else(kind, size):
    images = np.full((12, 3, size, size), 150, np.uint8)
    drawn, masks = uncertainty.artefact(images, kind, seed=1)
    assert (images == 150).all() and drawn.dtype == np.uint8
    changed = (drawn != images).any(1)
    assert np.array_equal(changed, masks)
    shares = masks.mean((1, 2))
    assert (shares > 0.01).all() and (shares < 0.35).all()


@pytest.mark.parametrize("kind", uncertainty.ARTEFACTS)
def test_the_seed_decides_and_an_image_has_its_own(kind):
    drawn, masks = uncertainty.artefact(IMAGES, kind, seed=1)
    fewer, their = uncertainty.artefact(IMAGES[:3], kind, seed=1)
    assert np.array_equal(drawn[:3], fewer) and np.array_equal(masks[:3], their)
    assert not np.array_equal(masks, uncertainty.artefact(IMAGES, kind, seed=2)[1])
    assert len({mask.tobytes() for mask in masks}) > 1


def test_kinds_differ_in_where_they_are():
    """Corners are dark, a ruler is at an edge, hairs cross the middle."""
    around = np.zeros((32, 32), bool)
    around[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    assert uncertainty.artefact(IMAGES, "corner")[1][:, around].all()
    ruler = uncertainty.artefact(IMAGES, "ruler")[1]
    assert all(max(mask[0].all(), mask[-1].all(), mask[:, 0].all(), mask[:, -1].all()) for mask in ruler)
    hair = uncertainty.artefact(IMAGES, "hair")[1]
    assert hair[:, 8:24, 8:24].mean() > hair[:, :8].mean()


BAD = {
    "kind": (IMAGES, "stamp", ["kind: must be", "got 'stamp'", "ruler"]),
    "dtype": (IMAGES / 255, "ink", ["images", "float64"]),
    "grey": (IMAGES[:, :1], "ink", ["images", "(12, 1, 32, 32)"]),
    "oblong": (IMAGES[:, :, :20], "ink", ["images", "(12, 3, 20, 32)"]),
    "small": (IMAGES[:, :, :8, :8], "ink", ["images", "8 pixels", "16"]),
    "list": ([1, 2], "ink", ["images", "None"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    images, kind, words = BAD[case]
    with pytest.raises(InputError) as error:
        uncertainty.artefact(images, kind)
    assert all(word in str(error.value) for word in words)


def test_no_image_is_no_image():
    drawn, masks = uncertainty.artefact(IMAGES[:0], "ink")
    assert drawn.shape == (0, 3, 32, 32) and masks.shape == (0, 32, 32)
