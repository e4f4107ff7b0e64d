"""Drawn worlds: what tells the label is planted, and nothing else tells it."""

import numpy as np
import pytest

from helpers.errors import InputError
from helpers.studies.explanations import CUES, WORLDS, draw_world

N = 400


def agreement(drawn):
    """Share of images in which each cue is there if the label is 1, and not if it is 0."""
    return {cue: (drawn.shown[cue] == (drawn.labels == 1)).mean() for cue in CUES}


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_is_drawn_by_its_seed(world):
    first, again, other = (draw_world(world, 40, seed=s) for s in (1, 1, 2))
    assert first.images.shape == (40, 1, 24, 24) and first.images.dtype == np.float32
    assert first.images.min() >= 0 and first.images.max() <= 1 and first.labels.sum() == 20
    assert (first.images == again.images).all() and not (first.images == other.images).all()
    assert not (first.images == draw_world(world, 40, stage="test", seed=1).images).all()


@pytest.mark.parametrize(("world", "stage", "telling"), [
    ("linear", "first", "A"),
    ("one cue", "first", "A"),
    ("noisy group", "test", "A"),
    ("two cues", "first", "A"),
    ("two cues", "second", "B"),
    ("two cues", "test", "AB"),
    ("no signal", "first", ""),
])  # fmt: skip
def test_only_the_planted_cues_tell_the_label(world, stage, telling):
    found = agreement(draw_world(world, N, stage=stage, seed=3))
    assert all(found[cue] == 1 if cue in telling else 0.4 < found[cue] < 0.6 for cue in CUES)


def test_in_the_shortcut_the_mark_tells_more_than_the_disc():
    found = agreement(draw_world("shortcut", 2000, seed=4))
    assert 0.88 < found["mark"] < 0.92 and 0.72 < found["A"] < 0.78 and 0.45 < found["B"] < 0.55


@pytest.mark.parametrize("cue", CUES)
@pytest.mark.parametrize("size", [16, 24, 33])
def test_a_cue_is_at_its_place_and_can_be_removed(cue, size):
    drawn = draw_world("no signal", 30, size=size, seed=5)
    places = np.stack([drawn.places[name] for name in CUES])
    assert (places.sum((2, 3)) > 0).all() and places.sum(0).max() == 1
    change = (drawn.images - drawn.without(cue))[:, 0]
    there = drawn.shown[cue][:, None, None] & drawn.places[cue]
    assert (change[~there] == 0).all() and change[there].min() > 0.2


def test_one_group_is_noisier_in_one_world_alone():
    def ratio(world):
        drawn = draw_world(world, N, seed=6)
        rough = np.diff(drawn.scene, n=2, axis=2).std((1, 2))
        return rough[drawn.groups == 1].mean() / rough[drawn.groups == 0].mean()

    assert 4.5 < ratio("noisy group") < 5.1
    assert all(0.95 < ratio(world) < 1.05 for world in WORLDS if world != "noisy group")


def test_images_are_chosen_with_all_that_is_known_of_them():
    drawn = draw_world("shortcut", 20, seed=7)
    chosen = drawn.take(drawn.labels == 1)
    assert (chosen.labels == 1).all() and len(chosen.images) == len(chosen.scene) == 10
    assert (chosen.without("mark") == drawn.without("mark")[drawn.labels == 1]).all()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: draw_world("one cues", 20), "Did you mean one cue"),
    (lambda: draw_world("one cue", 20, stage="third"), "stage: must be first, second or test"),
    (lambda: draw_world("one cue", 1), "Give 2 images of 16 pixels"),
    (lambda: draw_world("one cue", 20, size=12), "20 images of 12 pixels"),
    (lambda: draw_world("one cue", 20, size="24"), "20 images of '24' pixels"),
    (lambda: draw_world("one cue", 20.5), "20.5 images of 24 pixels"),
    (lambda: draw_world("one cue", 20, seed=-1), "seed = -1: expected a whole number, 0 or more"),
    (lambda: draw_world("one cue", 20).without("C"), "cue: must be A, B or mark"),
])  # fmt: skip
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(InputError, match=message):
        call()
