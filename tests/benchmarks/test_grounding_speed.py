"""Maps of phrases by few calls of the network against the inversion as published, of 334 calls."""

import numpy as np
import pytest
import torch

from helpers import datasets, learn, metrics
from helpers.studies import phrase_grounding as study
from tests.benchmarks import contest

PUBLISHED = 334  # steps of 1000 // 3, of which the maps at positions 120 to 179 are kept
CALLS = (100, 200, 300)  # times of ours, of 1,000


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network trained for 1,000 times, and twelve phrases of test pictures, one after the other."""
    loaded = datasets.load_ms_cxr(datasets.simulate_ms_cxr(600, 20, same=0.0, folder=tmp_path_factory.mktemp("made")))
    training = study.read_cohort(loaded, "train", side=16)
    vocabulary = learn.vocabulary_of([*training.phrases["text"], "."])
    training = study.worded(training, vocabulary)
    model = learn.fit_text_denoiser(training.pictures, training.tokens, vocabulary, steps=300, device="cpu")
    cohort = study.part_of(study.read_cohort(loaded, "test", side=16, vocabulary=vocabulary), np.arange(6))
    return model, cohort, vocabulary


def ours(model, cohort) -> np.ndarray:
    """Maps of all phrases of a picture in one batch, three calls."""
    attention = study.attention_of(model, cohort, times=CALLS).mean((0, 1))
    return study.maps_of_words(attention, cohort)["finding word"]


def published(model, cohort, vocabulary) -> np.ndarray:
    """Maps of one phrase after the other, each by an inversion with the empty prompt, two rows a call."""
    found = []
    empty = torch.tensor([[0] + [1] * (cohort.tokens.shape[1] - 1)])
    for row, phrase in cohort.phrases.iterrows():
        picture = torch.as_tensor(cohort.pictures[[phrase["image"]]])
        with torch.no_grad():
            context, nothing = (model.encode(t) for t in (torch.as_tensor(cohort.tokens[[phrase["image"]]]), empty))
        how = {"empty": nothing, "levels": model.levels, "steps": PUBLISHED, "keep": lambda k: 120 <= k < 180}
        maps = learn.inverted_maps(model.network, picture, context, **how).mean((0, 1))[0]
        found.append(maps[torch.as_tensor(cohort.finding[row])].mean(0).numpy())
    return np.stack(found)


def test_maps_of_twelve_phrases(trained):
    model, cohort, vocabulary = trained
    turns = contest.take_turns(
        {"ours": lambda: ours(model, cohort), "published": lambda: published(model, cohort, vocabulary)}, rounds=3
    )
    scores = {
        name: metrics.localisation(of[0]["found"].astype(float), cohort.masks).mean() for name, of in turns.items()
    }
    print(f"AUROC: ours {scores['ours']:.3f}, published {scores['published']:.3f}")
    assert scores["ours"] >= scores["published"] - 0.02
    contest.at_least(20, "maps of twelve phrases, three calls against an inversion of 334", turns, "published")
