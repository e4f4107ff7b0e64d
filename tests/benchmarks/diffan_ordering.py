"""SCORE by Stein's estimate against an order by a diffusion model, on three graphs; run by hand, and recorded once.

`python -m tests.benchmarks.diffan_ordering` takes some minutes, so it is no part of `make bench`; it writes
`tests/benchmarks/diffan_ordering.json`. The peer is written from a description of DiffAN (GPL-3.0), without its code:
a network that predicts the noise of a diffusion is trained, and the variable with the least variance of the diagonal of
the Jacobian of this prediction is the leaf, by a majority over four steps of the diffusion; a leaf is then masked.
`--epochs` bounds its training: its rule stops at the earliest after 600 epochs, and at the latest after 3,000, so 600
are the least that it can take. Three graphs show the ratio of times, and nothing about which order is better.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers import datasets, learn, stats
from tests.benchmarks import contest

STEPS = 100  # of the diffusion
VOTES = (0, 33, 66, 99)
D, N = 10, 1_000
FIRST, PATIENCE, MOST = 300, 300, 3_000  # epochs


class Denoiser(nn.Module):
    """A network that predicts the noise of rows from the noisy rows and the step."""

    def __init__(self, d: int) -> None:
        super().__init__()
        widths = [d + 1, 128, 1024, 1024, 128]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.LeakyReLU(), nn.LayerNorm(after), nn.Dropout(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], d))

    def forward(self, rows: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat([rows, step[:, None].float() / STEPS], 1))


def trained(rows: torch.Tensor, *, epochs: int, seed: int) -> tuple[Denoiser, int]:
    """Train until the loss of a fifth of the rows has not fallen for 300 epochs after the first 300, or `epochs`."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, STEPS), 0)
    cut = len(rows) * 4 // 5
    model = Denoiser(rows.shape[1])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def loss(part: torch.Tensor) -> torch.Tensor:
        step = torch.randint(STEPS, (len(part),), generator=generator)
        noise = torch.randn(part.shape, generator=generator)
        share = kept[step][:, None]
        return ((model(share.sqrt() * part + (1 - share).sqrt() * noise, step) - noise) ** 2).mean()

    best, since, state, epoch = np.inf, 0, None, 0
    for epoch in range(1, epochs + 1):
        model.train()
        optimiser.zero_grad()
        loss(rows[:cut]).backward()
        optimiser.step()
        if epoch < FIRST:
            continue
        model.eval()
        with torch.no_grad():
            found = float(loss(rows[cut:]))
        if found < best:
            best, since = found, 0
            state = {name: value.clone() for name, value in model.state_dict().items()}
        else:
            since += 1
        if since >= PATIENCE:
            break
    if state is not None:
        model.load_state_dict(state)
    return model.eval(), epoch


def diffusion_order(values: np.ndarray, *, epochs: int, seed: int) -> tuple[np.ndarray, int]:
    """Order factors by leaves of a trained diffusion model; return the order and the epochs that were trained."""
    rows = torch.as_tensor((values - values.mean(0)) / values.std(0), dtype=torch.float32)
    model, done = trained(rows, epochs=epochs, seed=seed)
    left, order = list(range(rows.shape[1])), []
    while left:
        masked = torch.zeros_like(rows)
        masked[:, left] = rows[:, left]
        votes = [left[int(_spread(model, masked, step)[left].argmin())] for step in VOTES]
        leaf = max(votes, key=lambda name: (votes.count(name), -votes.index(name)))
        left.remove(leaf)
        order.insert(0, leaf)
    return np.array(order), done


def _spread(model: Denoiser, rows: torch.Tensor, step: int) -> torch.Tensor:
    """Compute the variance over rows of each entry of the diagonal of the Jacobian of the predicted noise."""
    rows = rows.clone().requires_grad_()
    found = model(rows, torch.full((len(rows),), step))
    slopes = [torch.autograd.grad(found[:, k].sum(), rows, retain_graph=True)[0][:, k] for k in range(rows.shape[1])]
    return torch.stack(slopes, 1).var(0)


def main() -> None:
    """Order three graphs by both, and write times and reversed edges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=FIRST + PATIENCE)
    parser.add_argument("--graphs", type=int, default=3)
    asked = parser.parse_args()
    graphs = []
    for seed in range(asked.graphs):
        drawn = datasets.draw_factors("bounded", N, d=D, seed=seed)
        values = drawn.values.to_numpy()
        began = contest.processor()
        ours = learn.score_order(values).order
        between = contest.processor()
        theirs, epochs = diffusion_order(values, epochs=asked.epochs, seed=seed)
        ended = contest.processor()
        row = {"edges": int(drawn.graph.sum()), "epochs": epochs}
        row |= {"ours_seconds": between - began, "theirs_seconds": ended - between}
        row |= {
            "ours_reversed": stats.edges_reversed(ours, drawn.graph).count,
            "theirs_reversed": stats.edges_reversed(theirs, drawn.graph).count,
        }
        row["ratio"] = row["theirs_seconds"] / row["ours_seconds"]
        graphs.append(row)
        print(row)
    about = {"d": D, "n": N, "most_epochs": asked.epochs, "machine": contest.machine(), "torch": torch.__version__}
    place = Path(__file__).with_suffix(".json")
    place.write_text(json.dumps({**about, "graphs": graphs}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
