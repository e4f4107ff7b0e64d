"""Stein's estimate of the curvature against the plain loop that it stands for."""

import numpy as np
import torch

from helpers import learn
from tests.benchmarks import contest
from tests.helpers.test_learn_stein import plain_hessian


def test_curvature_of_300_rows():
    rows = np.random.default_rng(0).standard_normal((300, 4))
    points = torch.as_tensor(rows)
    width = float(learn.kernel_width(points))
    turns = contest.take_turns(
        {
            "ours": lambda: learn.stein_hessian(points).numpy(),
            "plain loop": lambda: plain_hessian(rows, 0.01, width),
        },
        rounds=3,
    )
    assert np.abs(turns["ours"][0]["found"] - turns["plain loop"][0]["found"]).max() < 1e-6
    contest.at_least(50, "curvature of a density at 300 points of 4 factors", turns, "plain loop")
