"""Training on a CUDA GPU: precision, repeatability, resuming, compiling, memory. Skipped where there is none."""

import numpy as np
import pytest
import torch

from helpers import learn
from tests.helpers.training import EndError, assert_same, dice, discs, segment, stopping

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")

FEATURES = (8, 8, 16, 16, 32, 8)
BUILT_FOR_HALF = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def fit(loss=segment, features=FEATURES, data=None, **settings):
    usual = {"steps": 30, "every": 5, "batch_size": 16, "lr": 5e-3, "seed": 0, "device": "cuda", "progress": False}
    return learn.fit(learn.unet(2, 1, 1, features=features), data or discs(64), loss, **(usual | settings))


def cpu_state(fitted):
    fitted.model.cpu()
    return fitted


def peak(**settings) -> int:
    """Bytes that a training needs at most, beside what is there already."""
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    fit(features=(32, 32, 64, 64, 128, 32), data=discs(16), steps=3, channels_last=True, **settings)
    return torch.cuda.max_memory_allocated() - before


def test_auto_takes_the_gpu_and_its_precision():
    found = fit(device="auto", steps=60)
    assert (found.device, found.precision) == ("cuda", "bf16" if BUILT_FOR_HALF else "16")
    assert {p.dtype for p in found.model.parameters()} == {torch.float32}
    assert {p.device.type for p in found.model.parameters()} == {"cuda"}
    assert dice(found.model, *discs(32, seed=1)) > 0.85


@pytest.mark.parametrize(("precision", "error"), [("32", 0.01), ("bf16", 0.05), ("16", 0.05)])
def test_losses_are_those_of_the_cpu(precision, error):
    here = fit(precision=precision, steps=5, every=1).history["loss"]
    cpu = fit(device="cpu", precision="32", steps=5, every=1).history["loss"]
    np.testing.assert_allclose(here, cpu, rtol=error)


def test_sixteen_bits_train_with_clipping():
    found = fit(precision="16", clip=1.0, steps=60)
    assert dice(found.model, *discs(32, seed=1)) > 0.85


@pytest.mark.parametrize("precision", ["32", "16"])
def test_deterministic_training_repeats_and_resumes(tmp_path, precision):
    settings = {"deterministic": True, "precision": precision, "ema": 0.9}
    whole = cpu_state(fit(**settings))
    with pytest.raises(EndError):
        fit(loss=stopping(segment, 12), checkpoint=tmp_path, **settings)
    resumed = cpu_state(fit(checkpoint=tmp_path, **settings))
    assert resumed.resumed == 10
    assert_same(whole, resumed)


def test_the_callers_generator_is_left_alone():
    torch.cuda.manual_seed(1)
    expected = torch.rand(3, device="cuda")
    torch.cuda.manual_seed(1)
    fit(steps=3)
    assert torch.equal(torch.rand(3, device="cuda"), expected)


def test_compiled_training_gives_the_same_losses():
    plain = fit(precision="32", steps=6, every=1).history["loss"]
    compiled = fit(precision="32", steps=6, every=1, compile=True).history["loss"]
    np.testing.assert_allclose(plain, compiled, rtol=0.01)


def test_mixed_precision_needs_less_memory():
    assert peak(precision="bf16") < 0.85 * peak(precision="32")


def test_trainings_leave_no_memory_behind():
    fit(steps=3)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        fit(steps=3)
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() <= before + 1_000_000


def test_prediction_stays_where_the_network_is():
    images, _ = discs(5)
    model = learn.unet(2, 1, 1, features=FEATURES).eval()
    expected = learn.predict(model, images)
    model.cuda()
    np.testing.assert_allclose(learn.predict(model, images, precision="32"), expected, rtol=0.01, atol=0.01)
    assert learn.embed(model, images).shape == (5, 32)
    assert next(model.parameters()).is_cuda
