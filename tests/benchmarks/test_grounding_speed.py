"""Maps of phrases by few calls against the published inversion of 334, and a training step against MONAI's loop."""

import numpy as np
import pytest
import torch

from helpers import datasets, learn, metrics
from helpers.studies import phrase_grounding as study
from tests.benchmarks import contest

PUBLISHED = 334  # steps of 1000 // 3, of which the maps at positions 120 to 179 are kept
KEPT = range(362, 540, 3)  # times of these steps, of 1,000
CALLS = (100, 200, 300)  # times of ours, of 1,000
EQUAL = (101, 200, 299)  # the nearest ones of the inversion, which comes by them on its way


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network trained for 1,000 times, and twelve phrases of test pictures, one after the other."""
    loaded = datasets.load_ms_cxr(datasets.simulate_ms_cxr(600, 20, same=0.0, folder=tmp_path_factory.mktemp("made")))
    training = study.read_cohort(loaded, "train", side=16)
    vocabulary = learn.vocabulary_of([*training.phrases["text"], "."])
    training = study.worded(training, vocabulary)
    model = learn.fit_text_denoiser(training.pictures, training.tokens, vocabulary, steps=600, device="cpu")
    cohort = study.part_of(study.read_cohort(loaded, "test", side=16, vocabulary=vocabulary), np.arange(6))
    return model, cohort, vocabulary


def ours(model, cohort) -> np.ndarray:
    """Maps of all phrases of a picture in one batch, three calls."""
    attention = study.attention_of(model, cohort, times=CALLS).mean((0, 1))
    return study.maps_of_words(attention, cohort)["finding word"]


def published(model, cohort, vocabulary) -> np.ndarray:
    """Maps of one phrase after the other, each by an inversion with the empty prompt, two rows a call.

    The first part of the result has the maps at the published times, the second those at the times of ours.
    """
    found = []
    empty = torch.tensor([[0] + [1] * (cohort.tokens.shape[1] - 1)])
    for row, phrase in cohort.phrases.iterrows():
        picture = torch.as_tensor(cohort.pictures[[phrase["image"]]])
        with torch.no_grad():
            context, nothing = (model.encode(t) for t in (torch.as_tensor(cohort.tokens[[phrase["image"]]]), empty))
        how = {"empty": nothing, "levels": model.levels, "steps": PUBLISHED, "times": (*EQUAL, *KEPT)}
        maps = learn.inverted_maps(model.network, picture, context, **how).mean(1)[:, 0]
        maps = maps[:, torch.as_tensor(cohort.finding[row])].mean(1).numpy()
        found.append(np.stack([maps[len(EQUAL) :].mean(0), maps[: len(EQUAL)].mean(0)]))
    return np.stack(found, axis=1)


def test_maps_of_twelve_phrases(trained):
    model, cohort, vocabulary = trained
    contenders = {"ours": lambda: ours(model, cohort), "published": lambda: published(model, cohort, vocabulary)}
    turns = contest.take_turns(contenders, rounds=2, warm=False)
    maps = (turns["ours"][0]["found"], *turns["published"][0]["found"])
    few, theirs, equal = (metrics.localisation(of.astype(float), cohort.masks).mean() for of in maps)
    print(f"AUROC: ours {few:.3f}, published {theirs:.3f}, published at the times of ours {equal:.3f}")
    assert equal > 0.6, "the maps find nothing, so they can be compared with nothing"
    assert abs(few - equal) <= 0.02
    assert few >= theirs - 0.02
    contest.at_least(20, "maps of twelve phrases, three calls against an inversion of 334", turns, "published")


def test_training_of_twenty_steps():
    from monai.networks.nets import DiffusionModelUNet
    from monai.networks.schedulers import DDPMScheduler

    rng, vocabulary = np.random.default_rng(0), ("<start>", "<empty>", *"abcdefg")
    pictures = rng.uniform(-1, 1, (200, 1, 16, 16)).astype(np.float32)
    tokens = np.c_[np.zeros(200, int), rng.integers(2, 9, (200, 5))]
    size = sum(p.numel() for p in learn.text_denoiser(vocabulary).parameters())
    sizes = {"channels": (16, 32), "attention_levels": (False, True), "num_res_blocks": 1, "norm_num_groups": 8}
    theirs = DiffusionModelUNet(2, 1, 1, **sizes, num_head_channels=8, with_conditioning=True, cross_attention_dim=32)
    words = torch.nn.Embedding(len(vocabulary), 32)
    parts = [*theirs.parameters(), *words.parameters()]
    assert sum(p.numel() for p in parts) == size

    def ours() -> float:
        fitted = learn.fit_text_denoiser(pictures, tokens, vocabulary, steps=20, device="cpu")
        return float(next(fitted.parameters()).detach().mean())

    def monai() -> float:
        scheduler = DDPMScheduler(1_000, "scaled_linear_beta", prediction_type="v_prediction")
        generator, optimizer = torch.Generator().manual_seed(0), torch.optim.AdamW(parts, lr=2e-3)
        shown, numbers = torch.from_numpy(pictures), torch.from_numpy(tokens)
        for _ in range(20):
            rows = torch.randint(0, len(shown), (20,), generator=generator)
            times = torch.randint(0, 1_000, (20,), generator=generator)
            noise = torch.randn(shown[rows].shape, generator=generator)
            predicted = theirs(scheduler.add_noise(shown[rows], noise, times), times, context=words(numbers[rows]))
            loss = (predicted - scheduler.get_velocity(shown[rows], noise, times)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parts, 1.0)
            optimizer.step()
        return float(loss.detach())

    turns = contest.take_turns({"ours": ours, "MONAI": monai}, rounds=5)
    contest.at_least(1, "training of 20 steps of 20 pictures of 16 x 16 with captions", turns, "MONAI", package="monai")
