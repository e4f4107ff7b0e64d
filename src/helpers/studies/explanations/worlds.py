"""Worlds of small drawn images in which the part that decides the label is planted, and known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count

WORLDS = ("linear", "one cue", "two cues", "shortcut", "no signal", "noisy group", "equal noise")
STAGES = ("first", "second", "test")  # training of one network, of its rival, and images for both
CUES = ("A", "B", "mark")  # a disc on the left, a cross on the right, a square in the corner
FOLLOWS = {"A": 0.75, "mark": 0.9}  # shares of the images in which a cue follows the label in the world shortcut
BRIGHT = 0.35  # grey levels that a cue adds
NOISE, NOISY = 0.03, 0.15  # standard deviation of a pixel's noise; in the noisy group
LEAST = 16  # pixels of a side


class World(NamedTuple):
    """Drawn images, and all that is known of them.

    images : ndarray of shape (n, 1, size, size), float32, 0 to 1

    labels : ndarray of int, shape (n,), 0 or 1; groups : the same, 1 is the noisy group where there is one

    shown : dict of cue to bool ndarray of shape (n,)

    places : dict of cue to bool ndarray of shape (n, size, size), where the cue is or would be

    scene : ndarray of shape (n, size, size), the images without any cue
    """

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    shown: dict[str, np.ndarray]
    places: dict[str, np.ndarray]
    scene: np.ndarray

    @property
    def parts(self) -> np.ndarray:
        """Number of each pixel's planted part, of shape (n, size, size): 0 the rest, then the places of the cues."""
        return sum((number * self.places[cue] for number, cue in enumerate(CUES, 1)), np.zeros(self.scene.shape, int))

    def without(self, *cues: str) -> np.ndarray:
        """Draw the same images without some cues, in the shape of `images`.

        Raises
        ------
        InputError
            There is no such cue.
        """
        for cue in cues:
            check_choice("cue", cue, CUES)
        absent = dict.fromkeys(cues, np.zeros(len(self.labels), bool))
        return _drawn(self.scene, {**self.shown, **absent}, self.places)

    def take(self, chosen: np.ndarray) -> World:
        """Select images, by a mask or by their numbers."""
        parts = ({name: values[chosen] for name, values in part.items()} for part in (self.shown, self.places))
        whole = (part[chosen] for part in (self.images, self.labels, self.groups))
        return World(*whole, *parts, self.scene[chosen])


def draw_world(world: str, n: int, *, size: int = 24, stage: str = "first", seed: int = 0) -> World:
    """Draw images of a world.

    Parameters
    ----------
    world : {"linear", "one cue", "two cues", "shortcut", "no signal", "noisy group", "equal noise"}
        The disc is there if the label is 1, but for three worlds. In *two cues* the disc tells in
        the first training, the cross in the second, and both in the test. In *shortcut* the disc follows the label in
        75% of the images and the mark in 90%. In *no signal* nothing does. Cues that tell nothing are there in half
        of the images, but the mark only in *shortcut* and *no signal*. Group 1 has more noise in *noisy group* alone;
        *equal noise* is its control, with groups that differ in nothing.
    n : int
        Images, half of each label.
    size : int
        Pixels of a side, at least 16.
    stage : {"first", "second", "test"}
        Stages are drawn apart. All but *two cues* are drawn alike in each.
    seed : int

    Raises
    ------
    InputError
        There is no such world or stage, or a number is out of range.
    """
    check_choice("world", world, WORLDS)
    check_choice("stage", stage, STAGES)
    if not (is_count(n) and is_count(size) and n >= 2 and size >= LEAST):
        raise InputError("n, size", f"{n!r} images of {size!r} pixels", f"Give 2 images of {LEAST} pixels, or more")
    if not (is_count(seed) or (seed == 0 and not isinstance(seed, bool))):
        raise InputError(f"seed = {seed!r}", "expected a whole number, 0 or more", "Use 0 if in doubt")
    rng = np.random.default_rng((seed, WORLDS.index(world), STAGES.index(stage)))
    labels, groups = rng.permutation(np.arange(n) % 2), rng.integers(0, 2, n)
    shown = _shown(world, stage, labels, rng)
    places = _places(n, size, rng)
    spread = np.full(n, NOISE)
    if world == "noisy group":
        spread[groups == 1] = NOISY
    scene = _scene(n, size, rng) + spread[:, None, None] * rng.standard_normal((n, size, size))
    return World(_drawn(scene, shown, places), labels, groups, shown, places, scene)


def _shown(world: str, stage: str, labels: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    n, tells = len(labels), labels == 1
    chance = {cue: rng.random(n) < 0.5 for cue in CUES}
    follows = {cue: np.where(rng.random(n) < share, tells, ~tells) for cue, share in FOLLOWS.items()}
    absent = np.zeros(n, bool)
    if world == "shortcut":
        return {"A": follows["A"], "B": chance["B"], "mark": follows["mark"]}
    if world == "no signal":
        return chance
    if world == "two cues":
        return {
            "A": chance["A"] if stage == "second" else tells,
            "B": chance["B"] if stage == "first" else tells,
            "mark": absent,
        }
    return {"A": tells, "B": chance["B"], "mark": absent}


def _places(n: int, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return where each cue of each image is: the disc and the cross move by up to a twelfth of a side."""
    y, x = np.mgrid[:size, :size]
    moved = rng.integers(-(size // 12), size // 12 + 1, (2, 2, n, 1, 1))
    radius = size / 8
    # Distances from the centres of the disc, in the left half, and of the cross, in the right half.
    disc, cross = (
        (np.abs(y - size // 2 - moved[k, 0]), np.abs(x - (1 + 2 * k) * size // 4 - moved[k, 1])) for k in (0, 1)
    )
    arms = np.maximum(*cross) <= radius
    mark = np.broadcast_to((y < size // 8) & (x >= size - size // 8), (n, size, size))
    return {"A": np.hypot(*disc) <= radius, "B": arms & (np.minimum(*cross) < size / 24), "mark": mark}


def _scene(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw smooth scenes: a plane of grey and one wave, from 0.2 to 0.5."""
    place = np.linspace(-1, 1, size)
    slope = rng.uniform(-0.05, 0.05, (2, n, 1, 1))
    wave = rng.uniform(0, 2 * np.pi, (2, n, 1, 1))
    smooth = np.sin(np.pi * place[:, None] + wave[0]) * np.sin(np.pi * place[None, :] + wave[1])
    return 0.35 + slope[0] * place[:, None] + slope[1] * place[None, :] + 0.05 * smooth


def _drawn(scene: np.ndarray, shown: dict[str, np.ndarray], places: dict[str, np.ndarray]) -> np.ndarray:
    added = np.sum([shown[cue][:, None, None] & places[cue] for cue in CUES], axis=0)
    return np.clip(scene + BRIGHT * added, 0, 1).astype(np.float32)[:, None]
