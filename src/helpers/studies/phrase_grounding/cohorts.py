"""Pictures with the captions that their phrases make, and changes of both: another scanner, swapped sides, no finding.

A caption joins the phrases of a picture, ``left opacity . right consolidation``. A phrase has words of a side and words
of its finding. The patient's left is on the right of the picture.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import Grounded, box_masks
from helpers.errors import InputError
from helpers.learn import numbered_words, words_of

SIDES = ("left", "right")
BREAK = "."
LUNGS = {"left": (0.53, 0.88), "right": (0.12, 0.47)}  # columns of a lung's box, as shares of the picture
HEIGHTS = (0.14, 0.81)  # and its rows


class Cohort(NamedTuple):
    """Pictures and phrases, see `read_cohort`.

    pictures : float32 ndarray of shape (n, 1, side, side)
        From -1 to 1.
    phrases : DataFrame
        One row a phrase: ``image`` (its picture's number), ``order`` (place in the caption), ``patient, sex, category,
        text, side``.
    masks : bool ndarray of shape (phrases, side, side)
        Union of the phrase's boxes.
    tokens : int64 ndarray of shape (n, k)
        Numbers of the words of each caption.
    finding, named : bool ndarray of shape (phrases, k)
        Places of the words of the finding, and of the side, in the caption.
    """

    pictures: np.ndarray
    phrases: pd.DataFrame
    masks: np.ndarray
    tokens: np.ndarray
    finding: np.ndarray
    named: np.ndarray


def captions_of(phrases: pd.DataFrame) -> list[str]:
    """Join the texts of each picture, in their order, with a stop between them."""
    return [f" {BREAK} ".join(text) for _, text in phrases.groupby("image")["text"]]


def read_cohort(grounded: Grounded, split: str, *, side: int, vocabulary: tuple[str, ...] = ()) -> Cohort:
    """Read the pictures of a split, and the tokens of their captions.

    Parameters
    ----------
    grounded : Grounded
        From `helpers.datasets.load_ms_cxr`.
    split : {"train", "validation", "test"}
    side : int
        Side of the pictures in pixels, 16 or more, and even.
    vocabulary : tuple of str
        Of the training; without it pictures are read and there are no tokens.

    Raises
    ------
    InputError
        The split has no phrase, a picture is too small or unreadable, a word is unknown, or a box covers everything.
    """
    if side < 16:
        raise InputError(f"side = {side}", "a map needs 16 cells or more", "Use 16, 32 or 64")
    if side % 2:
        raise InputError(f"side = {side}", "the network halves the side once", "Use 16, 32 or 64")
    chosen = (grounded.phrases["split"] == split).to_numpy()
    if not chosen.any():
        raise InputError("split", f"there is no phrase of {split}", "Give a table with a split")
    phrases = grounded.phrases[chosen].reset_index(drop=True)
    phrases["image"], _ = pd.factorize(phrases["picture"])
    phrases["order"] = phrases.groupby("image").cumcount()
    files = phrases.drop_duplicates("image")["file"].tolist()
    pictures = 2 * datasets.load_pictures(files, side, progress=False) - 1
    masks = box_masks(grounded, side)[chosen]
    if masks.all((1, 2)).any():
        raise InputError("boxes", f"{int(masks.all((1, 2)).sum())} cover all cells", "Leave them out, or raise side")
    columns = ["image", "order", "patient", "sex", "category", "text", "side"]
    return worded(Cohort(np.asarray(pictures), phrases[columns], masks, *(np.zeros(0),) * 3), vocabulary)


def worded(cohort: Cohort, vocabulary: tuple[str, ...]) -> Cohort:
    """Return a cohort with the tokens of its phrases as they are now."""
    if not vocabulary:
        return cohort
    tokens = numbered_words(captions_of(cohort.phrases), vocabulary)
    finding, named = np.zeros((2, len(cohort.phrases), tokens.shape[1]), bool)
    at = np.ones(len(tokens), int)  # after the start
    in_order = cohort.phrases.sort_values(["image", "order"])
    for row, image, text in zip(in_order.index, in_order["image"], in_order["text"], strict=True):
        for word in words_of(text):
            (named if word in SIDES else finding)[row, at[image]] = True
            at[image] += 1
        at[image] += 1  # the stop
    return cohort._replace(tokens=tokens, finding=finding, named=named)


def part_of(cohort: Cohort, images: np.ndarray) -> Cohort:
    """Return the pictures of these numbers with their phrases, numbered anew."""
    number = pd.Series(np.arange(len(images)), index=images)
    rows = cohort.phrases["image"].isin(images).to_numpy()
    phrases = cohort.phrases[rows].reset_index(drop=True)
    phrases["image"] = phrases["image"].map(number)
    masks, finding, named = (part[rows] for part in (cohort.masks, cohort.finding, cohort.named))
    return Cohort(cohort.pictures[images], phrases, masks, cohort.tokens[images], finding, named)


def situations_of(phrases: pd.DataFrame, *, by: str = "image") -> pd.Series:
    """Name the situation of each picture of two phrases or more: *same*, all of one category, *different*, none twice.

    Empty for other pictures. The index is the column `by`, which numbers or names pictures.
    """
    kinds = phrases.groupby(by)["category"].agg(["nunique", "size"])
    several = kinds["size"] > 1
    found = pd.Series("", index=kinds.index).mask(several & (kinds["nunique"] == kinds["size"]), "different")
    return found.mask(several & (kinds["nunique"] == 1), "same")


def alike(cohort: Cohort) -> dict[str, Cohort]:
    """Divide pictures by `situations_of`; those in neither have no part."""
    found = situations_of(cohort.phrases)
    parts = {name: found.index[found == name].to_numpy() for name in ("different", "same")}
    return {name: part_of(cohort, images) for name, images in parts.items() if len(images)}


def swapped(cohort: Cohort, vocabulary: tuple[str, ...]) -> Cohort:
    """Switch the words of the sides in all captions; what the phrases name stays as it was, for measures."""
    number = {word: k for k, word in enumerate(vocabulary)}
    tokens = cohort.tokens.copy()
    pair = [number[side] for side in SIDES if side in number]
    if len(pair) == 2:
        tokens[cohort.tokens == pair[0]], tokens[cohort.tokens == pair[1]] = pair[1], pair[0]
    return cohort._replace(tokens=tokens)


def absent(cohort: Cohort, vocabulary: tuple[str, ...], *, seed: int = 0) -> Cohort:
    """Replace the finding of the first phrase of each picture by one that is not there, with the same side.

    Pictures with all findings keep their caption; they have no row in the cohort returned.
    """
    rng, phrases = np.random.default_rng((seed, 4)), cohort.phrases.copy()
    texts = phrases.groupby("category")["text"].agg(lambda of: sorted(set(of)))
    shown = phrases.groupby("image")["category"].agg(set)
    keep = np.zeros(len(phrases), bool)
    for row in np.flatnonzero(phrases["order"] == 0):
        side, image = phrases.at[row, "side"], phrases.at[row, "image"]
        others = [text for kind in texts.index.difference(sorted(shown[image])) for text in texts[kind]]
        others = [text for text in others if pd.isna(side) or side in words_of(text)]
        if others:
            phrases.at[row, "text"] = others[rng.integers(len(others))]
            keep[row] = True
    changed = worded(cohort._replace(phrases=phrases), vocabulary)
    kept = np.flatnonzero(keep)
    parts = (part[kept] for part in (changed.masks, changed.finding, changed.named))
    masks, finding, named = parts
    return Cohort(
        changed.pictures, changed.phrases.iloc[kept].reset_index(drop=True), masks, changed.tokens, finding, named
    )


def other_scanner(cohort: Cohort, *, gamma: float = 1.4, noise: float = 0.04, seed: int = 0) -> Cohort:
    """Simulate the pictures of another device: another contrast, and noise of this standard deviation in 0 to 1."""
    rng = np.random.default_rng((seed, 5))
    shown = ((cohort.pictures + 1) / 2).clip(0, 1) ** gamma
    shown = (shown + noise * rng.standard_normal(shown.shape)).clip(0, 1)
    return cohort._replace(pictures=(2 * shown - 1).astype(np.float32))


def shuffled(tokens: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Give each picture the caption of another, at random."""
    return tokens[np.random.default_rng((seed, 6)).permutation(len(tokens))]


def half_masks(sides: pd.Series, side: int) -> np.ndarray:
    """Mark the half of the picture where the named side of the patient is; both halves without a side."""
    columns = (np.arange(side) + 0.5) / side
    right = np.broadcast_to(columns > 0.5, (side, side))
    masks = {"left": right, "right": ~right}
    return np.stack([masks.get(name, np.ones((side, side), bool)) for name in sides])


def lung_masks(sides: pd.Series, side: int) -> np.ndarray:
    """Mark a box where the lung of the named side mostly is; both boxes without a side."""
    cells = (np.arange(side) + 0.5) / side
    rows = (cells > HEIGHTS[0]) & (cells < HEIGHTS[1])
    boxes = {name: np.outer(rows, (cells > low) & (cells < high)) for name, (low, high) in LUNGS.items()}
    return np.stack([boxes.get(name, boxes["left"] | boxes["right"]) for name in sides])
