"""Maps of phrases: from words, and plain maps that need no network, or no word, which a word's map must beat."""

from __future__ import annotations

import numpy as np
import torch

from helpers.learn import TextDenoiser, word_maps
from helpers.studies.phrase_grounding.cohorts import Cohort, lung_masks

WORDS = ("finding word", "side word", "whole phrase")
RIVALS = ("other phrase", "start token", "all tokens", "brightness", "position prior", "lung box")
METHODS = (*WORDS, *RIVALS)


def attention_of(
    model: TextDenoiser,
    cohort: Cohort,
    *,
    times: tuple[int, ...],
    seed: int = 0,
    added: torch.Tensor | None = None,
) -> np.ndarray:
    """Compute the attention of all words of each caption.

    Parameters
    ----------
    model : TextDenoiser
    cohort : Cohort
    times : tuple of int
        One call of the network for each.
    seed : int
    added : torch.Tensor of shape (n, k, width), optional
        Tuned vectors, added to the embedded words.

    Returns
    -------
    float32 ndarray of shape (times, layers, n, k, side, side)
    """
    device = model.words.weight.device
    pictures = torch.as_tensor(cohort.pictures, device=device)
    with torch.no_grad():
        context = model.encode(torch.as_tensor(cohort.tokens, device=device), added)
    found = word_maps(model.network, pictures, context, levels=model.levels, times=times, seed=seed)
    return found.float().cpu().numpy()


def maps_of_words(attention: np.ndarray, cohort: Cohort) -> dict[str, np.ndarray]:
    """Compute the maps of each phrase from attention, shape (n, k, side, side).

    Returns
    -------
    dict
        Of each name, (phrases, side, side), the mean over the words: `WORDS`; of *other phrase* the finding's words of
        the next phrase of the picture, NaN if there is none; of *start token* and *all tokens* those of the caption.
    """
    image = cohort.phrases["image"].to_numpy()
    named = cohort.named & cohort.named.any(1, keepdims=True)
    every = np.ones_like(cohort.finding)
    start = np.zeros_like(cohort.finding)
    start[:, 0] = True
    places = {
        "finding word": cohort.finding,
        "side word": named,
        "whole phrase": cohort.finding | named,
        "other phrase": _others(cohort),
        "start token": start,
        "all tokens": every,
    }
    maps = {name: _mean(attention[image], words) for name, words in places.items()}
    return maps | {"all tokens": maps["all tokens"].round(6)}  # constant, but for rounding


def plain_maps(cohort: Cohort, training: Cohort) -> dict[str, np.ndarray]:
    """Compute maps without a network: brightness, position prior and lung box, each (phrases, side, side).

    *Brightness* is the distance of a pixel from the picture's mean. The *position prior* is the mean of the training
    boxes of phrases with the category and the side, and of the category alone if there is none.
    """
    shown = cohort.pictures[cohort.phrases["image"], 0]
    bright = np.abs(shown - shown.mean((1, 2), keepdims=True))
    keys = [list(zip(c.phrases["category"], c.phrases["side"].fillna(""), strict=True)) for c in (cohort, training)]
    prior = []
    for category, side in keys[0]:
        rows = np.array([key == (category, side) for key in keys[1]])
        rows = rows if rows.any() else (training.phrases["category"] == category).to_numpy()
        prior.append(training.masks[rows if rows.any() else slice(None)].mean(0))
    lung = lung_masks(cohort.phrases["side"], shown.shape[-1])
    return {"brightness": bright, "position prior": np.stack(prior), "lung box": lung.astype(float)}


def _others(cohort: Cohort) -> np.ndarray:
    """Mark the finding's words of the next phrase of the same picture."""
    words = np.zeros_like(cohort.finding)
    for rows in cohort.phrases.groupby("image").indices.values():
        if len(rows) > 1:
            words[rows] = cohort.finding[np.roll(rows, -1)]
    return words


def _mean(attention: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Compute the mean over marked words of (phrases, k, side, side); NaN without one."""
    count = words.sum(1)[:, None, None]
    total = np.einsum("pkhw,pk->phw", attention, words.astype(attention.dtype))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
