"""Pictures and phrases of a data set that the study can ask about, and counts of those that it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import Grounded
from helpers.errors import InputError, check_choice
from helpers.learn import MOST_TOKENS, vocabulary_of, words_of
from helpers.studies.phrase_grounding.cohorts import BREAK, SIDES, situations_of

LOADERS = {"ms-cxr": datasets.load_ms_cxr, "vindr-cxr": lambda root: datasets.load_vindr_cxr(root, part="both")}


def load(root: str | Path, dataset: str = "ms-cxr") -> Grounded:
    """Load the phrases and boxes of a folder in the layout of MS-CXR or of VinDr-CXR.

    Parameters
    ----------
    root : str or Path
    dataset : {"ms-cxr", "vindr-cxr"}
        VinDr-CXR has the names of classes for phrases, without sides, and its test table is the test.

    Raises
    ------
    InputError
        There is no such data set; or as in `helpers.datasets.load_ms_cxr` and `helpers.datasets.load_vindr_cxr`.
    """
    check_choice("dataset", dataset, LOADERS)
    return LOADERS[dataset](root)


def usable(grounded: Grounded, *, n_test: int) -> tuple[Grounded, tuple[str, ...], pd.DataFrame]:
    """Leave out the pictures that cannot be asked about, and collect the vocabulary of the training.

    Left out are pictures with a caption longer than the network reads; outside the training those with a word or a
    category that no picture of the training has; and of the test those with one phrase, those that are in neither
    situation of `alike`, and those after the first `n_test`.

    Parameters
    ----------
    grounded : Grounded
    n_test : int
        Most pictures of the test.

    Returns
    -------
    grounded : Grounded
        Without these pictures.
    vocabulary : tuple of str
    dropped : DataFrame
        ``table`` (the split), ``reason`` and ``n``, of pictures.

    Raises
    ------
    InputError
        No picture of the training or of the test is left.
    """
    shown = grounded.phrases.groupby("picture", sort=False)
    shown = shown.agg(split=("split", "first"), text=("text", f" {BREAK} ".join), kinds=("category", set))
    words = shown["text"].map(words_of)
    reason = pd.Series("", index=shown.index)
    reason[words.map(len) >= MOST_TOKENS] = f"caption of more than {MOST_TOKENS} tokens"
    training = (shown["split"] == "train") & (reason == "")
    if not training.any():
        raise InputError("split", _none_left(shown["split"] == "train", reason, "train"), "Give a table with a split")
    vocabulary = vocabulary_of([*shown.loc[training, "text"], BREAK, *SIDES])
    categories = set().union(*shown.loc[training, "kinds"])
    reason = _first_reason(reason, words.map(lambda of: _strange("word", of, vocabulary)))
    reason = _first_reason(reason, shown["kinds"].map(lambda of: _strange("category", sorted(of), categories)))
    test = shown["split"] == "test"
    reason = _first_reason(reason, _unasked(grounded.phrases).where(test, ""))
    left = test & (reason == "")
    reason[left & (left.cumsum() > n_test)] = f"beyond the first {n_test} that are asked about"
    if not (test & (reason == "")).any():
        raise InputError("split", _none_left(test, reason, "test"), "Give test pictures with two phrases that it knows")
    counts = reason[reason != ""].groupby([shown["split"], reason], sort=False).size()
    dropped = counts.rename_axis(["table", "reason"]).rename("n").reset_index()
    dropped["table"] = "pictures of " + dropped["table"]
    return _part(grounded, set(reason.index[reason == ""])), vocabulary, dropped


def _first_reason(reason: pd.Series, more: pd.Series) -> pd.Series:
    return reason.where(reason != "", more.reindex(reason.index))


def _strange(kind: str, names: list[str], known: tuple[str, ...] | set[str]) -> str:
    """Name the first word or category that the training lacks; empty if there is none."""
    return next((f"the {kind} {name!r} is in no picture of the training" for name in names if name not in known), "")


def _unasked(phrases: pd.DataFrame) -> pd.Series:
    """Return the reason why a picture is in no situation; empty if it is in one."""
    situation = situations_of(phrases, by="picture")
    single = phrases.groupby("picture").size() == 1
    reason = pd.Series("some phrases of one category, and others", index=situation.index)
    return reason.mask(single, "one phrase, and no other to tell it from").mask(situation != "", "")


def _none_left(split: pd.Series, reason: pd.Series, name: str) -> str:
    if not split.any():
        return f"there is no phrase of {name}"
    counts = reason[split].value_counts()
    listed = "; ".join(f"{n} with: {why}" for why, n in counts.head(3).items())
    return f"none of {int(split.sum())} pictures of {name} is left: {listed}"


def _part(grounded: Grounded, pictures: set[str]) -> Grounded:
    """Return the phrases of some pictures with their boxes."""
    kept = grounded.phrases["picture"].isin(pictures).to_numpy()
    boxes = grounded.boxes[kept[grounded.boxes["phrase"]]]
    boxes = boxes.assign(phrase=(np.cumsum(kept) - 1)[boxes["phrase"]])
    return Grounded(grounded.phrases[kept].reset_index(drop=True), boxes.reset_index(drop=True), grounded.dropped)
