"""The study's experiment: train on pictures with captions, and hold maps of words against boxes in known situations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from helpers.datasets import Grounded
from helpers.errors import InputError
from helpers.learn import TextDenoiser, fit_text_denoiser, inverted_maps, numbered_words
from helpers.metrics import localisation
from helpers.studies.phrase_grounding import cohorts
from helpers.studies.phrase_grounding.cohorts import Cohort, alike, read_cohort
from helpers.studies.phrase_grounding.measuring import best_level, measured
from helpers.studies.phrase_grounding.rivals import attention_of, maps_of_words, plain_maps
from helpers.studies.phrase_grounding.selecting import usable
from helpers.studies.phrase_grounding.tuning import tune_words, tuned_vectors

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of T: times at which maps are made, one call each
SPANS = {"early": (0, 3), "middle": (3, 6), "late": (6, 9)}  # positions among these times
SCANNED = {"different": "other scanner", "same": "same, other scanner"}  # situation with another device
TUNINGS = {
    "tuned": {"sides": "named"},
    "tuned, kept": {"sides": "named", "keep": 1.0},
    "tuned, random sides": {"sides": "random"},
    "tuned, no sides": {"sides": "none"},
}


SMALL = 32  # side of pictures up to which one thread is faster than several, since these wait for each other


@contextmanager
def _threads(side: int) -> Iterator[None]:
    """Compute small pictures with one thread, and others with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if side <= SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run(
    grounded: Grounded,
    *,
    side: int = 16,
    n_test: int = 160,
    shuffle: bool = False,
    steps: int = 600,
    tune_steps: int = 60,
    inversion_steps: int = 0,
    features: tuple[int, ...] = (16, 32),
    mixing: int = 0,
    times: int = 1000,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> dict[str, Any]:
    """Train a network on the pictures and captions of the training split, and measure its maps on the test split.

    Parameters
    ----------
    grounded : Grounded
        From `helpers.datasets.load_ms_cxr`.
    side : int
        Side of the pictures in pixels.
    n_test : int
        Most pictures of the test, see `usable`. As many of the validation, or of the training if there is none, choose
        layer, times and threshold.
    shuffle : bool
        Train with captions of other pictures, the negative control.
    steps, features, mixing, times
        As in `helpers.learn.fit_text_denoiser`.
    tune_steps : int
        Steps of each tuning; 0 for none.
    inversion_steps : int
        Steps of an inversion from a picture to noise, whose maps are compared with those of noisy pictures at the
        chosen times, or at the nearest that it visits; 0 for none.
    seed : int
    device : str
    progress : bool

    Returns
    -------
    dict
        ``rows``, one for each situation, method and phrase, see `measured`; ``peaks`` of maps, see `absence`;
        ``steps``, AUROC of the finding's word by layer and time; ``chosen``, layer (-1 for all) and span; ``shown``,
        cohort and maps for figures, by situation; ``model``; ``n``, pictures; and ``dropped``, those left out.

    Raises
    ------
    InputError
        A split has too few pictures, or as in the steps.
    """
    grounded, vocabulary, dropped = usable(grounded, n_test=n_test)
    training, choosing, asked = _read(grounded, side, n_test, vocabulary)
    tokens = cohorts.shuffled(training.tokens, seed=seed) if shuffle else training.tokens
    options = {"features": features, "mixing": mixing, "times": times, "device": device, "progress": progress}
    with _threads(side):
        model = fit_text_denoiser(training.pictures, tokens, vocabulary, steps=steps, seed=seed, **options)
        study = _Maps(model, training, vocabulary, seed)
        chosen = study.choose(choosing)
        rows = [study.situation(name, cohort) for name, cohort in asked.items()]
        scanned = {SCANNED[name]: cohorts.other_scanner(cohort, seed=seed) for name, cohort in asked.items()}
        rows += [study.situation(name, cohort, swap=False) for name, cohort in scanned.items()]
        if inversion_steps:
            rows.append(study.inverted(asked["different"], inversion_steps))
        if tune_steps and "same" in asked:
            tried = {"steps": tune_steps, "seed": seed, "device": device, "progress": progress}
            rows += study.tunings({name: (asked | scanned)[name] for name in ("same", SCANNED["same"])}, **tried)
        peaks = study.peaks(asked["different"])
    found = {"rows": pd.concat(rows, ignore_index=True), "peaks": peaks, "steps": study.by_step, "chosen": chosen}
    n = {"train": len(training.pictures), "test": sum(len(cohort.pictures) for cohort in asked.values())}
    n["choosing"] = len(choosing.pictures)
    return found | {"shown": study.shown, "model": model, "n": n, "dropped": dropped}


def _read(
    grounded: Grounded, side: int, n_test: int, vocabulary: tuple[str, ...]
) -> tuple[Cohort, Cohort, dict[str, Cohort]]:
    """Read the pictures of training, choice and test, the last by situation."""
    how = {"side": side, "vocabulary": vocabulary}
    situations = cohorts.situations_of(grounded.phrases[grounded.phrases["split"] == "test"], by="picture")
    if not (situations == "different").any():
        raise InputError("grounded", "no test picture has two phrases of two categories", "Give such pictures")
    training = read_cohort(grounded, "train", **how)
    held_out = (grounded.phrases["split"] == "validation").any()
    choosing = read_cohort(grounded, "validation", **how) if held_out else training
    choosing = cohorts.part_of(choosing, np.arange(min(n_test, len(choosing.pictures))))
    return training, choosing, alike(read_cohort(grounded, "test", **how))


class _Maps:
    """Maps of one trained network, with layer, times and thresholds that were chosen on pictures of no test."""

    def __init__(self, model: TextDenoiser, training: Cohort, vocabulary: tuple[str, ...], seed: int) -> None:
        self.model, self.training, self.vocabulary, self.seed = model, training, vocabulary, seed
        steps = len(model.levels) - 1
        self.times = tuple(max(1, round(share * steps)) for share in SHARES)
        self.levels: dict[str, float] = {}
        self.shown: dict[str, Any] = {}

    def choose(self, cohort: Cohort) -> dict[str, Any]:
        """Choose the span of times and the layer, or all layers, whose map of the finding's word has the best AUROC."""
        attention = attention_of(self.model, cohort, times=self.times, seed=self.seed)
        self.by_step = step_table(attention, cohort, self.times)
        layers = attention.shape[1]
        tried = {
            (span, layer): localisation(self._finding(attention, span, layer, cohort), cohort.masks).mean()
            for span in SPANS
            for layer in (None, *range(layers))
        }
        self.span, self.layer = max(tried, key=tried.get)
        maps = self._all(attention, cohort)
        self.levels = {name: best_level(of, cohort) for name, of in maps.items()}
        return {"span": self.span, "layer": -1 if self.layer is None else self.layer, "layers": layers}

    def situation(self, name: str, cohort: Cohort, *, swap: bool = True) -> pd.DataFrame:
        """Measure every map of a cohort."""
        attention = attention_of(self.model, cohort, times=self.times, seed=self.seed)
        maps = self._all(attention, cohort)
        if swap:
            other = cohorts.swapped(cohort, self.vocabulary)
            again = maps_of_words(self._mean(self._few(other)), cohort)
            maps["whole phrase, sides swapped"] = again["whole phrase"]
        if name in ("different", "same"):
            self.shown[name] = {"cohort": cohort, "maps": maps}
        return self._rows(name, maps, cohort)

    def inverted(self, cohort: Cohort, steps: int) -> pd.DataFrame:
        """Measure maps of an inversion, of the steps whose times are nearest to the chosen ones."""
        device = self.model.words.weight.device
        pictures = torch.as_tensor(cohort.pictures, device=device)
        tokens = [torch.as_tensor(cohort.tokens, device=device)]
        empty = numbered_words([""], self.vocabulary)[0].tolist() + [1] * (cohort.tokens.shape[1] - 1)
        tokens.append(torch.tensor(empty, device=device).expand(len(pictures), -1))
        with torch.no_grad():
            context, nothing = (self.model.encode(of) for of in tokens)
        how = {"empty": nothing, "levels": self.model.levels, "steps": steps, "times": self._chosen_times()}
        found = inverted_maps(self.model.network, pictures, context, **how)
        attention = found[:, self._layers(found.shape[1])].mean((0, 1)).cpu().numpy()
        maps = {"finding word, inverted": maps_of_words(attention, cohort)["finding word"]}
        return self._rows("different", maps, cohort)

    def tunings(self, asked: dict[str, Cohort], **options: Any) -> list[pd.DataFrame]:
        """Measure the finding's word after each tuning."""
        rows = []
        for method, how in TUNINGS.items():
            tuned = tune_words(self.model, self.training, **how, **options)
            for name, cohort in asked.items():
                added = tuned_vectors(tuned, cohort, sides=how["sides"])
                maps = maps_of_words(self._mean(self._few(cohort, added)), cohort)["finding word"]
                rows.append(self._rows(name, {method: maps}, cohort))
                if name == "same":
                    self.shown["same"]["maps"][method] = maps
        return rows

    def peaks(self, cohort: Cohort) -> pd.DataFrame:
        """Compute the peak of the finding's word where it is there, and where the phrase names what is not."""
        gone = cohorts.absent(cohort, self.vocabulary, seed=self.seed)
        first = cohort.phrases["order"].to_numpy() == 0
        parts = []
        for present, part in ((1, cohort), (0, gone)):
            maps = maps_of_words(self._mean(self._few(part)), part)["finding word"]
            peaks = part.phrases.assign(present=present, peak=maps.max((1, 2)))
            parts.append(peaks[first] if present else peaks)
        return pd.concat(parts, ignore_index=True)[["patient", "sex", "category", "present", "peak"]]

    def _few(self, cohort: Cohort, added: torch.Tensor | None = None) -> np.ndarray:
        """Compute attention at the chosen times alone."""
        return attention_of(self.model, cohort, times=self._chosen_times(), seed=self.seed, added=added)

    def _chosen_times(self) -> tuple[int, ...]:
        return self.times[slice(*SPANS[self.span])]

    def _layers(self, count: int) -> slice:
        return slice(None) if self.layer is None else slice(self.layer, self.layer + 1)

    def _mean(self, attention: np.ndarray) -> np.ndarray:
        return attention[:, self._layers(attention.shape[1])].mean((0, 1))

    def _finding(self, attention: np.ndarray, span: str, layer: int | None, cohort: Cohort) -> np.ndarray:
        part = attention[slice(*SPANS[span])]
        part = part if layer is None else part[:, [layer]]
        return maps_of_words(part.mean((0, 1)), cohort)["finding word"]

    def _all(self, attention: np.ndarray, cohort: Cohort) -> dict[str, np.ndarray]:
        maps = maps_of_words(self._mean(attention[slice(*SPANS[self.span])]), cohort)
        everything = maps_of_words(attention.mean((0, 1)), cohort)["finding word"]
        more = {
            "finding word, all layers and times": everything,
            "finding word, refined": refined(maps["finding word"]),
        }
        return maps | more | plain_maps(cohort, self.training)

    def _rows(self, situation: str, maps: dict[str, np.ndarray], cohort: Cohort) -> pd.DataFrame:
        tables = [
            measured(of, cohort, level=self.levels.get(name, 0.5)).assign(method=name) for name, of in maps.items()
        ]
        return pd.concat(tables, ignore_index=True).assign(situation=situation)


def step_table(attention: ArrayLike, cohort: Cohort, times: tuple[int, ...]) -> pd.DataFrame:
    """Tabulate the AUROC of the finding's word by layer and time, as the mean over phrases.

    Parameters
    ----------
    attention : array_like of shape (times, layers, n, k, side, side)

    Returns
    -------
    DataFrame
        Index: the layers in the network's order, from 0; columns: the times.
    """
    table = {
        time: [localisation(maps_of_words(of, cohort)["finding word"], cohort.masks).mean() for of in layers]
        for time, layers in zip(times, np.asarray(attention), strict=True)
    }
    return pd.DataFrame(table).rename_axis("layer").rename_axis("time", axis=1)


def refined(maps: np.ndarray, *, blur: float = 2.5) -> np.ndarray:
    """Apply the published refinement: blur, scale to 0 to 1, and set to 0 what is below Otsu's threshold.

    Parameters
    ----------
    maps : ndarray of shape (n, side, side)
    blur : float
        Standard deviation in pixels of 512 a side.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    smooth = gaussian_filter(maps, (0, *(blur * maps.shape[-1] / 512,) * 2))
    least, span = smooth.min((1, 2), keepdims=True), np.ptp(smooth, axis=(1, 2), keepdims=True)
    scaled = np.divide(smooth - least, span, out=np.zeros_like(smooth), where=span > 0)
    return np.stack([np.where(one > threshold_otsu(one), one, 0) if np.ptp(one) else one for one in scaled])
