"""Occlusion and exact Shapley values against captum's defaults, and agreement of maps against SciPy, at equal values.

Captum replaces one patch a pass by default, which its option `perturbations_per_eval` changes, and enumerates the
orders of the parts, of which there are 720 for six parts and 64 coalitions. Its option is a contender too.
"""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from helpers import learn, metrics
from tests.benchmarks import contest

SIDE, PATCH, STRIDE = 24, 4, 2
PATCHES = ((SIDE - PATCH) // STRIDE + 1) ** 2
PARTS = np.arange(SIDE)[:, None] // 8 * 2 + np.arange(SIDE) // 12  # six


@pytest.fixture(scope="module")
def network():
    contest.version("captum")
    return learn.classifier("small", 2, seed=0).eval()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((1, 1, SIDE, SIDE)).astype(np.float32)


def test_occlusion_fills_a_batch_with_the_patches_of_an_image(network, image):
    from captum.attr import Occlusion

    tensor = torch.from_numpy(image)

    def theirs(at_once):
        how = {"sliding_window_shapes": (1, PATCH, PATCH), "strides": (1, STRIDE, STRIDE), "baselines": 0.5}
        with torch.no_grad():
            found = Occlusion(network).attribute(tensor, target=1, perturbations_per_eval=at_once, **how)
        return found[:, 0].numpy()

    def ours():
        return learn.attribute(network, image, 1, method="occlusion", baseline=0.5, patch=PATCH, stride=STRIDE)

    contenders = {"ours": ours, "captum": lambda: theirs(1), "captum, in one pass": lambda: theirs(PATCHES)}
    turns = contest.take_turns(contenders)
    for name in contenders:
        np.testing.assert_allclose(turns["ours"][0]["found"], turns[name][0]["found"], atol=1e-5)
    print("\n" + contest.table(turns, "captum", seconds=".4f"))
    contest.at_least(5, f"occlusion of one image by {PATCHES} patches", turns, "captum", package="captum")


def test_exact_shapley_values_of_six_parts(network, image):
    from captum.attr import ShapleyValues

    tensor, mask = torch.from_numpy(image), torch.from_numpy(PARTS)[None, None]

    def theirs():
        with torch.no_grad():
            return ShapleyValues(network).attribute(tensor, target=1, feature_mask=mask, baselines=0.5)[:, 0].numpy()

    def ours():
        return learn.attribute(network, image, 1, method="Shapley", parts=PARTS, background=0.5)

    turns = contest.take_turns({"ours": ours, "captum": theirs}, rounds=3)
    np.testing.assert_allclose(turns["ours"][0]["found"], turns["captum"][0]["found"], atol=1e-5)
    contest.at_least(5, "exact Shapley values of six parts of an image", turns, "captum", package="captum")


def test_the_agreement_of_many_maps():
    """Eleven methods on ten images, in every pair; a third of the maps have ties."""
    maps = np.random.default_rng(1).normal(size=(11, 10, SIDE, SIDE))
    maps[::3] = np.round(maps[::3], 1)

    def theirs():
        flat, found = maps.reshape(11, 10, -1), np.ones((10, 11, 11))
        for image, (a, b) in itertools.product(range(10), itertools.combinations(range(11), 2)):
            found[image, a, b] = found[image, b, a] = spearmanr(flat[a, image], flat[b, image]).statistic
        return found

    turns = contest.take_turns({"ours": lambda: metrics.map_agreement(maps), "SciPy": theirs}, rounds=3)
    np.testing.assert_allclose(turns["ours"][0]["found"], turns["SciPy"][0]["found"], atol=1e-12)
    work = "Spearman's correlation of every two of 11 methods on 10 images"
    contest.at_least(20, work, turns, "SciPy", package="scipy")
