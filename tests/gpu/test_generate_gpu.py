"""An autoencoder in 16 bits on a CUDA GPU. Skipped where there is none."""

import pytest
import torch

from helpers import learn
from tests.helpers.test_learn_vae import TINY, discs

pytestmark = pytest.mark.skipif(
    not (torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)),
    reason="there is no CUDA GPU with bfloat16 on this machine",
)


def test_an_autoencoder_learns_in_bfloat16():
    features, fresh = learn.random_features(channels=4, seed=1), discs(32, seed=1)
    found = learn.fit_vae(
        discs(64),
        seed=3,
        steps=150,
        batch_size=16,
        lr=5e-3,
        beta=0.02,
        features=features,
        device="cuda",
        precision="bf16",
        progress=False,
        **TINY,
    )
    assert (found.device, found.precision) == ("cuda", "bf16")
    assert {(p.dtype, p.device.type) for p in found.model.parameters()} == {(torch.float32, "cuda")}
    errors = learn.vae_measures(found.model, fresh)
    untrained = learn.vae_measures(learn.vae(**TINY, seed=3), fresh, device="cuda")
    # Three such trainings in 32 bits on a CPU end at 1.0 to 1.7, from 8.
    assert errors["nmse"].mean() < untrained["nmse"].mean() / 4
    assert (errors["mse"] < untrained["mse"]).all()

    # The same weights, without draws: on the GPU in 16 bits, and on the CPU in 32.
    images = torch.from_numpy(fresh / 127.5 - 1).float()
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        half = learn.vae_loss(found.model, (images.cuda(),), features=features, dtype=torch.bfloat16)
    with torch.no_grad():
        full = learn.vae_loss(found.model.cpu(), (images,), features=features)
    assert {value.dtype for value in half.values()} == {torch.float32}
    for name, value in half.items():
        assert float(value) == pytest.approx(float(full[name]), rel=0.05), name
    on_cpu = learn.vae_measures(found.model, fresh)["mse"]
    assert on_cpu.to_numpy() == pytest.approx(errors["mse"].to_numpy(), rel=0.01)
