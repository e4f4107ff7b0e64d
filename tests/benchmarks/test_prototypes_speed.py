"""An edit of prototypes against the published thousand steps each way, and a training step against MONAI's network."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.studies import prototypes as study
from helpers.studies.prototypes.worlds import draw_pictures
from tests.benchmarks import contest

T, STEPS, EDITED = 1_000, 500, 12
NETWORK = {"count": 16, "features": (16, 32), "diffusion_steps": T}


@pytest.fixture(scope="module")
def world():
    """A diffusion of a thousand times, the reference, plain pictures, and an oracle."""
    train, reference, oracle, held = (
        draw_pictures(name, n, seed=0, stage=stage)
        for stage, (name, n) in enumerate(
            [("confounded", 2_000), ("balanced", 400), ("balanced", 800), ("balanced", 200)]
        )
    )
    options = {"steps": STEPS, "device": "cpu", "progress": False}
    model = learn.fit_prototypes(train.pictures, seed=0, network=NETWORK, **options).model
    plain = (held.labels == 0).all(axis=1).to_numpy()
    return (
        model,
        study.known_of(model, reference),
        held.pictures[plain][:EDITED],
        study.fit_oracle(oracle, device="cpu"),
    )


def test_edit_of_the_marker(world):
    model, known, pictures, oracle = world
    chosen, rising = study.edits_of(known)[study.FIXED, "marker"]
    given = learn.prototype_activations(model, pictures)
    wanted = study.wanted(given, chosen, rising, known.ends)

    def edit(steps: int, rounds: int) -> np.ndarray:
        noise = learn.noise_of(model, pictures, steps=steps, rounds=rounds)
        both = np.concatenate([given, wanted])
        again, made = np.split(learn.draw_from_noise(model, np.concatenate([noise, noise]), both, steps=steps), 2)
        change = learn.probabilities(oracle, made) - learn.probabilities(oracle, again)
        return change.mean(0)

    contenders = {"ours": lambda: edit(20, 2), "published": lambda: edit(T, 1)}
    turns = contest.take_turns(contenders, rounds=2, warm=False)
    found, theirs = turns["ours"][0]["found"], turns["published"][0]["found"]
    print(f"effects: ours {found.round(3)}, published {theirs.round(3)}")
    assert theirs[0] > 0.3, "the edit does nothing, so it can be compared with nothing"
    assert np.abs(found - theirs).max() < 0.05
    contest.at_least(20, f"edit of {EDITED} pictures there and back, T = {T}", turns, "published")


def test_training_of_sixty_steps():
    from monai.networks.nets import DiffusionModelUNet
    from monai.networks.schedulers import DDPMScheduler

    pictures = draw_pictures("balanced", 256).pictures
    size = sum(p.numel() for p in learn.prototype_diffusion(**NETWORK).parameters())
    networks = [
        DiffusionModelUNet(2, 1, 1, 1, (wide, 2 * wide), (False, False), norm_num_groups=wide // 2, num_head_channels=8)
        for wide in (16, 24)
    ]
    sizes = [sum(p.numel() for p in network.parameters()) for network in networks]
    theirs = networks[int(np.abs(np.array(sizes) - size).argmin())]
    print(f"parameters: ours {size}, MONAI {sizes}")

    def ours() -> float:
        options = {"steps": 60, "device": "cpu", "progress": False}
        return float(learn.fit_prototypes(pictures, seed=0, network=NETWORK, **options).history["loss"].iloc[-1])

    def monai() -> float:
        scheduler, generator = DDPMScheduler(T, prediction_type="v_prediction"), torch.Generator().manual_seed(0)
        optimizer = torch.optim.AdamW(theirs.parameters(), lr=2e-3)
        signed = torch.from_numpy(2 * pictures - 1)
        for _ in range(60):
            clean = signed[torch.randint(0, len(signed), (32,), generator=generator)]
            times = torch.randint(0, T, (32,), generator=generator)
            noise = torch.randn(clean.shape, generator=generator)
            predicted = theirs(scheduler.add_noise(clean, noise, times), times)
            loss = (predicted - scheduler.get_velocity(clean, noise, times)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    turns = contest.take_turns({"ours": ours, "MONAI": monai}, rounds=5)
    contest.at_least(1, "training of 60 steps of 32 pictures of 16 x 16", turns, "MONAI", package="monai")
