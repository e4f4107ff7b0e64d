"""A user's chest model: files made here with its names of tensors, old and new, on small networks."""

import contextlib
import io

import pytest
import torch
from monai.networks.nets import AutoencoderKL, DiffusionModelUNet

from helpers import learn
from helpers.errors import InputError
from helpers.learn import chest_weights

SMALL = {
    "autoencoder": {"channels": (8, 8, 8, 8), "num_res_blocks": 1, "norm_num_groups": 4},
    "network": {
        "channels": (8, 16, 16),
        "num_res_blocks": 1,
        "num_head_channels": (0, 16, 16),
        "norm_num_groups": 4,
        "cross_attention_dim": 12,
    },
}


def networks() -> dict[str, torch.nn.Module]:
    made = {
        "autoencoder": AutoencoderKL(**chest_weights.AUTOENCODER | SMALL["autoencoder"]),
        "network": DiffusionModelUNet(**chest_weights.NETWORK | SMALL["network"]),
    }
    generator = torch.Generator().manual_seed(0)
    for part in made.values():
        for weights in part.parameters():
            weights.data = 0.1 * torch.randn(weights.shape, generator=generator)
    return made


def written(folder, made, *, old: bool, **changed):
    for name, part in made.items():
        state = {chest_weights.old_name(key) if old else key: value for key, value in part.state_dict().items()}
        torch.save(state | changed.get(name, {}), folder / chest_weights.FILES[name])
    return folder


@pytest.mark.parametrize("old", [False, True])
def test_weights_of_both_releases_are_loaded(tmp_path, old):
    made = networks()
    model = learn.load_chest_model(written(tmp_path, made, old=old), **SMALL)
    for name, part in made.items():
        loaded = getattr(model, name).state_dict()
        assert all(torch.equal(value, loaded[key]) for key, value in part.state_dict().items())
    assert not model.network.training


@pytest.mark.parametrize("name", ["autoencoder", "network"])
def test_old_names_are_those_that_monai_converts(name):
    part = networks()[name]
    state = {chest_weights.old_name(key): value.clone() for key, value in part.state_dict().items()}
    assert set(state) != set(part.state_dict())
    again = type(part)(**getattr(chest_weights, name.upper()) | SMALL[name])
    with contextlib.redirect_stdout(io.StringIO()):
        again.load_old_state_dict(dict(state))
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in part.state_dict().items())


def test_latents_and_maps_of_a_user(tmp_path):
    model = learn.load_chest_model(written(tmp_path, networks(), old=True), **SMALL)
    latents = learn.chest_latents(model, torch.rand(1, 1, 128, 128))
    assert latents.shape == (1, 3, 16, 16)
    torch.save({phrase: torch.randn(77, 12) for phrase in ("", "left opacity")}, tmp_path / "tokens.pth")
    tokens = learn.load_text_tokens(tmp_path / "tokens.pth", width=12)
    maps = learn.word_maps(
        model.network, latents, tokens["left opacity"][None], levels=model.levels, times=[360, 450, 536]
    )
    assert maps.shape == (3, len(learn.attention_layers(model.network)), 1, 77, 16, 16)
    torch.testing.assert_close(maps.sum(3), torch.ones_like(maps[:, :, :, 0]))


def test_the_published_sizes_have_eleven_layers_of_attention_and_four_halves():
    with torch.device("meta"):
        network = DiffusionModelUNet(**chest_weights.NETWORK)
    assert len(learn.attention_layers(network)) == 11
    levels = learn.chest_levels()
    assert len(levels) == 1001 and levels[0] == 1 and levels[-1] < 0.01 and (levels.diff() < 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("conv_in.conv.weight"), "conv_in.conv.weight has shape .8, 3, 3, 3. .* found none"),
        (lambda state: state.update(extra=torch.zeros(1)), "it holds extra, which the model does not have"),
        (lambda state: state.update({"conv_in.conv.bias": torch.zeros(9)}), "conv_in.conv.bias has shape .8,. .* .9,."),
        (lambda state: state.update({"conv_in.conv.bias": torch.full((8,), torch.nan)}), "holds NaN or infinity"),
        (lambda state: state.update(step=3), "not a table of tensors"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, change, message):
    made = networks()
    written(tmp_path, made, old=False)
    state = made["network"].state_dict()
    change(state)
    torch.save(dict(state), tmp_path / chest_weights.FILES["network"])
    with pytest.raises(InputError, match=message):
        learn.load_chest_model(tmp_path, **SMALL)


def test_missing_files_damaged_ones_and_other_tokens_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"autoencoder.pth: there is no such file"):
        learn.load_chest_model(tmp_path, **SMALL)
    (tmp_path / "autoencoder.pth").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a complete file of weights alone"):
        learn.load_chest_model(tmp_path, **SMALL)
    torch.save({"left": torch.zeros(77, 1024)}, tmp_path / "tokens.pth")
    with pytest.raises(InputError, match="the empty phrase is missing"):
        learn.load_text_tokens(tmp_path / "tokens.pth")
    torch.save({"": torch.zeros(60, 1024)}, tmp_path / "tokens.pth")
    with pytest.raises(InputError, match=r"'' has shape .60, 1024., expected .77, 1024."):
        learn.load_text_tokens(tmp_path / "tokens.pth")
    model = learn.load_chest_model(written(tmp_path, networks(), old=False), **SMALL)
    with pytest.raises(InputError, match="with h a multiple of 8"):
        learn.chest_latents(model, torch.zeros(1, 1, 100, 100))
