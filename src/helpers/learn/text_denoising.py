"""A small denoising network that reads a caption: words of a vocabulary as tokens of its cross-attention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded
from helpers.learn.cross_attention import check_finite
from helpers.learn.denoising import denoiser
from helpers.learn.diffusion import denoising_loss, noise_levels
from helpers.learn.loop import fit

START, EMPTY = "<start>", "<empty>"  # first token of every caption, and filling after its last word
MOST_TOKENS = 77  # most tokens of a caption, the start among them, as in the published text encoder
WITHOUT = 0.1  # share of captions that are left out in training, so that the empty prompt is known


class TextDenoiser(nn.Module):
    """Network built by `text_denoiser`.

    `network` is MONAI's U-Net, `vocabulary` the words by number, and `levels` those of the noise.
    """

    def __init__(
        self, vocabulary: Sequence[str], width: int, mixing: int, levels: torch.Tensor, network: nn.Module
    ) -> None:
        super().__init__()
        self.vocabulary, self.network = tuple(vocabulary), network
        self.words = nn.Embedding(len(self.vocabulary), width)
        layer = partial(nn.TransformerEncoderLayer, width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.mixing = nn.Sequential(*(layer() for _ in range(mixing)))
        self.place = nn.Parameter(torch.zeros(MOST_TOKENS, width)) if mixing else None
        self.register_buffer("levels", levels, persistent=False)

    def encode(self, tokens: torch.Tensor, added: torch.Tensor | None = None) -> torch.Tensor:
        """Turn numbers of words, (n, k), into tokens of attention, (n, k, width).

        `added`, of the same shape as the result, is added to the embedded words, such as tuned vectors. Captions that
        are mixed have at most `MOST_TOKENS` tokens, or an InputError is raised.
        """
        if self.place is not None and tokens.shape[1] > MOST_TOKENS:
            problem = f"captions of {tokens.shape[1]} tokens, and words are mixed over {MOST_TOKENS} at most"
            raise InputError("tokens", problem, "Shorten the longest caption, or use no mixing")
        found = self.words(tokens)
        found = found if added is None else found + added
        return found if self.place is None else self.mixing(found + self.place[: tokens.shape[1]])

    def forward(self, x: torch.Tensor, times: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Predict the velocity of noisy pictures, (n, channels, h, w), from their captions."""
        return self.network(x, times, context=self.encode(tokens))


def text_denoiser(
    vocabulary: Sequence[str],
    *,
    features: Sequence[int] = (16, 32),
    attention: int = 1,
    width: int = 32,
    mixing: int = 0,
    steps: int = 1000,
    schedule: str = "scaled linear",
    seed: int = 0,
) -> TextDenoiser:
    """Build a denoising network for grey pictures with captions.

    Parameters
    ----------
    vocabulary : sequence of str
        As from `vocabulary_of`.
    features, attention
        As in `helpers.learn.denoiser`.
    width : int
        Numbers of a word's vector, a multiple of 4.
    mixing : int
        Layers of a transformer over the words of a caption. Without, each word attends alone, and a side cannot belong
        to a finding.
    steps : int
        Times T of the diffusion.
    schedule : {"scaled linear", "linear"}
        As in `helpers.learn.noise_levels`. The first, as in the published model, has more times with little noise, when
        findings can be seen: on simulated pictures words are learned in fewer steps.
    seed : int
        Seed of the initial weights.

    Raises
    ------
    InputError
        A number is out of range.
    """
    if not is_count(width) or width % 4 or not (mixing == 0 or is_count(mixing)):
        problem = f"a width of {width} and {mixing} layers"
        raise InputError("text_denoiser", problem, "Give a width that 4 divides, and 0 layers or more")
    levels = noise_levels(steps, kind=schedule)
    network = denoiser(features=features, attention=attention, tokens=width, seed=seed)
    return seeded(lambda: TextDenoiser(vocabulary, width, mixing, levels, network), seed)


def vocabulary_of(captions: Iterable[str]) -> tuple[str, ...]:
    """List the words of captions, after the start and the filling: in lower case, and signs as words.

    Raises
    ------
    InputError
        A caption is no text, such as NaN; its number is named.
    """
    return (START, EMPTY, *sorted({word for words in _split(captions) for word in words}))


def words_of(caption: str) -> list[str]:
    """Split a caption into words and signs, in lower case; anything but text raises InputError."""
    if not isinstance(caption, str):
        raise InputError("caption", f"expected text, got {caption!r}", "Give a phrase, or an empty text for none")
    return re.findall(r"\w+|[^\w\s]", caption.lower())


def _split(captions: Iterable[str]) -> list[list[str]]:
    """Split captions into words, and name the first one that is no text."""
    found = []
    for k, caption in enumerate(captions):
        try:
            found.append(words_of(caption))
        except InputError as error:
            raise InputError(f"caption {k}", error.problem, error.fix) from None
    return found


def numbered_words(captions: Sequence[str], vocabulary: Sequence[str], *, length: int = MOST_TOKENS) -> np.ndarray:
    """Convert captions to numbers of words.

    Parameters
    ----------
    captions : sequence of str
        An empty one is the empty prompt.
    vocabulary : sequence of str
        As from `vocabulary_of`.
    length : int
        Most tokens, the start among them.

    Returns
    -------
    ndarray of int64, shape (n, k)
        With the start first, and filled up to the longest caption.

    Raises
    ------
    InputError
        A caption is no text, has a word that is not in the vocabulary, or is longer than `length`: it is never cut.
    """
    number = {word: k for k, word in enumerate(vocabulary)}
    split = _split(captions)
    for k, words in enumerate(split):
        if unknown := [word for word in words if word not in number]:
            fix = f"Use words of the training: {', '.join(vocabulary[2:14])}"
            raise InputError(f"caption {k}", f"the word {unknown[0]!r} is not in the vocabulary", fix)
        if len(words) + 1 > length:
            problem = f"has {len(words) + 1} tokens, more than {length}"
            raise InputError(f"caption {k}", problem, f"Shorten it, here before {words[length - 1]!r}")
    filled = np.full((len(split), 1 + max(map(len, split), default=0)), number[EMPTY])
    for row, words in zip(filled, split, strict=True):
        row[: len(words) + 1] = [number[START], *(number[word] for word in words)]
    return filled


def fit_text_denoiser(
    pictures: ArrayLike,
    tokens: ArrayLike,
    vocabulary: Sequence[str],
    *,
    steps: int = 600,
    batch: int = 20,
    lr: float = 2e-3,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
    **network: object,
) -> TextDenoiser:
    """Train a network on pictures with captions, by the loss of the velocity.

    Parameters
    ----------
    pictures : array_like of shape (n, 1, h, h)
        About -1 to 1.
    tokens : array_like of int, shape (n, k)
        From `numbered_words`.
    vocabulary : sequence of str
    steps, batch, lr : int, int and float
        Steps of training, pictures a step, and the learning rate, which falls to 0 as a cosine.
    seed : int
        Seed of weights, order and noise.
    device : str
    progress : bool
    **network
        As in `text_denoiser`; its ``steps`` is ``times`` here.

    Raises
    ------
    InputError
        There are not as many captions as pictures, or a picture has NaN or infinite pixels; or as in `text_denoiser`
        and `helpers.learn.fit`.
    """
    given = np.asarray(pictures, np.float32), np.asarray(tokens, np.int64)
    if given[0].ndim != 4 or given[1].ndim != 2 or len(given[0]) != len(given[1]):
        problem = f"pictures {given[0].shape} and tokens {given[1].shape}"
        raise InputError("tokens", problem, "Give one caption for each picture (1, h, h)")
    check_finite("pictures", torch.from_numpy(given[0]))
    times = network.pop("times", 1000)
    model = text_denoiser(vocabulary, steps=times, seed=seed, **network)
    empty = torch.tensor(numbered_words([""], vocabulary)[0].tolist() + [1] * (given[1].shape[1] - 1))

    def without(data: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        shown, caption = data
        left_out = torch.rand(len(caption), 1, device=caption.device) < WITHOUT
        return shown, torch.where(left_out, empty.to(caption.device), caption)

    options = {"steps": steps, "batch_size": min(batch, len(given[0])), "lr": lr, "seed": seed, "clip": 1.0}
    options |= {"optimizer": partial(torch.optim.AdamW, fused=True)}  # a small network waits for a plain one
    options |= {"every": steps, "augment": without, "precision": "32", "device": device, "progress": progress}
    falling = lambda done: (1 + np.cos(np.pi * done)) / 2  # noqa: E731
    return fit(model, given, partial(denoising_loss, levels=model.levels), schedule=falling, **options).model
