"""An illustration of prompt tuning: one vector for each side and finding is learned, and the network stays as it is.

The loss of the published method could not be read, so none of its numbers is compared. Here a finding's word shall have
its attention in the named half of the picture; the boxes of findings are never used.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn import TextDenoiser, attention_maps, fit, noised
from helpers.studies.phrase_grounding.cohorts import SIDES, Cohort, half_masks

SIDED = ("named", "random", "none")  # sides that tuning is given


class TunedWords(nn.Module):
    """Vectors that are added to the words of a finding, by side and category, all 0 at first."""

    def __init__(self, model: TextDenoiser, categories: tuple[str, ...]) -> None:
        super().__init__()
        self.categories = categories
        self.added = nn.Parameter(torch.zeros(len(SIDES) + 1, len(categories), model.words.embedding_dim))

    def forward(self, finding: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Return the vectors of the words: for places (n, phrases, k) and kinds (n, phrases, 2), (n, k, width)."""
        rows = self.added[kinds[..., 0], kinds[..., 1]]
        return torch.einsum("npk,npw->nkw", finding.float(), rows)


def tune_words(
    model: TextDenoiser,
    cohort: Cohort,
    *,
    sides: str = "named",
    keep: float = 0.0,
    steps: int = 80,
    batch: int = 20,
    lr: float = 0.05,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> TunedWords:
    """Train vectors so that the attention of a finding's word is on the named side; the network is frozen.

    The loss is the mean of -log of the share of the word's attention in the half of the named side, at times from 0.2
    to 0.6 of all, over all layers.

    Parameters
    ----------
    model : TextDenoiser
    cohort : Cohort
        Of the training; phrases without a side take no part.
    sides : {"named", "random", "none"}
        Sides that are given: those of the phrases, random ones as a control, or one vector for both sides.
    keep : float
        Weight of a second term: the divergence, within the half, of the tuned map from the untuned one.
    steps, batch, lr : int, int and float
    seed : int
    device : str
    progress : bool

    Raises
    ------
    InputError
        No phrase has a side, or a number is out of range.
    """
    check_choice("sides", sides, SIDED)
    if not keep >= 0:
        raise InputError(f"keep = {keep}", "expected a number, 0 or more", "Use 0, or 1 to keep the map in its half")
    tuned = TunedWords(model, tuple(sorted(set(cohort.phrases["category"]))))
    data = _by_image(cohort, tuned, sides, seed)
    if not data[-1].any():
        raise InputError("cohort", "no phrase names a side", "Give phrases with the word left or right")
    grown = [part.requires_grad for part in model.parameters()]
    model.requires_grad_(False)
    options = {"steps": steps, "batch_size": min(batch, len(data[0])), "lr": lr, "seed": seed, "every": steps}
    options |= {"precision": "32", "device": device, "progress": progress}
    try:
        return fit(tuned, data, partial(_loss, model=model, keep=keep), optimizer=torch.optim.Adam, **options).model
    finally:
        for part, was in zip(model.parameters(), grown, strict=True):
            part.requires_grad_(was)


def tuned_vectors(tuned: TunedWords, cohort: Cohort, *, sides: str = "named", seed: int = 0) -> torch.Tensor:
    """Compute the vectors to add to the words of each caption, (n, k, width); sides as in the tuning.

    With random sides the vectors are those of the phrases' sides, since the tuning could not know them.
    """
    finding, kinds, _, _ = _by_image(cohort, tuned, "none" if sides == "none" else "named", seed)[2:]
    where = tuned.added.device
    with torch.no_grad():
        return tuned(torch.as_tensor(finding, device=where), torch.as_tensor(kinds, device=where))


def _by_image(cohort: Cohort, tuned: TunedWords, sides: str, seed: int) -> tuple[np.ndarray, ...]:
    """Arrange phrases by picture: pictures, tokens, places of words, kinds, halves, and which phrases have a side."""
    n, k = cohort.tokens.shape
    most = int(cohort.phrases["order"].max()) + 1
    named = cohort.phrases["side"].to_numpy(object)
    given = named if sides != "random" else np.random.default_rng((seed, 7)).choice(SIDES, len(named))
    halves = half_masks(given, cohort.masks.shape[-1])
    finding, kinds = np.zeros((n, most, k), bool), np.zeros((n, most, 2), np.int64)
    masks, there = np.zeros((n, most, *cohort.masks.shape[1:]), bool), np.zeros((n, most), bool)
    number = {name: i for i, name in enumerate(SIDES)}
    category = {name: i for i, name in enumerate(tuned.categories)}
    known = [kind in category for kind in cohort.phrases["category"]]
    if not all(known):
        problem = f"{cohort.phrases['category'][known.index(False)]} was not tuned"
        raise InputError("cohort", problem, "Give findings of the training")
    for row, phrase in enumerate(cohort.phrases.itertuples()):
        place = phrase.image, phrase.order
        finding[place], masks[place] = cohort.finding[row], halves[row]
        side = len(SIDES) if sides == "none" else number.get(named[row], len(SIDES))
        kinds[place], there[place] = (side, category[phrase.category]), named[row] in number
    return cohort.pictures, cohort.tokens, finding, kinds, masks, there


def _loss(tuned: TunedWords, batch: tuple[torch.Tensor, ...], *, model: TextDenoiser, keep: float) -> torch.Tensor:
    pictures, tokens, finding, kinds, halves, there = batch
    model.to(pictures.device)
    steps = len(model.levels) - 1
    times = torch.randint(steps // 5, 3 * steps // 5 + 1, (len(pictures),), device=pictures.device)
    x = noised(pictures, torch.randn_like(pictures), model.levels[times])
    maps = _finding_maps(model, x, times, model.encode(tokens, tuned(finding, kinds)), finding, gradient=True)
    inside = (maps * halves).sum((-2, -1))
    share = inside / maps.sum((-2, -1)).clamp(min=1e-12)
    loss = -(share.clamp(min=1e-6).log() * there).sum() / (there.sum().clamp(min=1) * len(maps))
    if not keep:
        return loss
    before = _finding_maps(model, x, times, model.encode(tokens), finding, gradient=False)
    parts = [(of * halves).flatten(-2) + 1e-9 for of in (before, maps)]
    before, after = (of / of.sum(-1, keepdim=True) for of in parts)
    moved = (before * (before / after).log()).sum(-1)
    return loss + keep * (moved * there).sum() / (there.sum().clamp(min=1) * len(maps))


def _finding_maps(
    model: TextDenoiser,
    x: torch.Tensor,
    times: torch.Tensor,
    context: torch.Tensor,
    finding: torch.Tensor,
    *,
    gradient: bool,
) -> torch.Tensor:
    """Compute the maps of the findings' words, (layers, n, phrases, side, side)."""
    attention = attention_maps(model.network, x, times, context, gradient=gradient)
    return torch.einsum("lnkhw,npk->lnphw", attention, finding.float())
