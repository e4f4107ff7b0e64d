"""Networks for reconstruction and the classifiers beside them: published sizes, shapes, seeds, files of weights."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError

RESNET = "resnet18"


def millions(net: torch.nn.Module) -> float:
    return sum(p.numel() for p in net.parameters()) / 1e6


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    ("build", "published", "off"),
    [
        (learn.plain_unet, 31.0, 0.05),
        (learn.patch_discriminator, 2.76, 0.02),
        (learn.score_network, 137.1, 2.0),  # another network, of about its size
    ],
)
def test_published_sizes(build, published, off):
    with torch.device("meta"):
        assert millions(build()) == pytest.approx(published, abs=off)


SMALL = {
    "unet": lambda seed: learn.plain_unet(features=(8, 16, 24), seed=seed),
    "sigmoid": lambda seed: learn.plain_unet(features=(8, 16), output="sigmoid", seed=seed),
    "pix2pix": lambda seed: learn.pix2pix_generator(features=(8, 16, 16, 16), seed=seed),
    "classifier": lambda seed: learn.classifier("small", 3, seed=seed),
}


@pytest.mark.parametrize("name", SMALL)
def test_seed_alone_decides_the_first_weights(name):
    torch.manual_seed(5)
    first = SMALL[name](1)
    drawn = torch.rand(1)
    torch.manual_seed(6)
    assert same(first, SMALL[name](1)) and not same(first, SMALL[name](2))
    torch.manual_seed(5)
    assert torch.rand(1) == drawn, "building has drawn from the global generator"


@pytest.mark.parametrize("name", ["unet", "pix2pix"])
def test_images_keep_their_size(name):
    images = torch.randn(2, 1, 32, 48)
    assert SMALL[name](0)(images).shape == images.shape


def test_outputs_are_linear_or_sigmoid():
    images = 100 * torch.randn(2, 1, 32, 32, generator=torch.manual_seed(0))
    linear = learn.plain_unet(features=(8, 16))(images)
    assert linear.min() < 0
    torch.testing.assert_close(SMALL["sigmoid"](0)(images), linear.sigmoid())
    made = SMALL["pix2pix"](0)(images)
    assert made.min() >= 0 and made.max() <= 1


def test_plain_unet_has_only_what_was_published():
    kinds = {type(layer).__name__ for layer in learn.plain_unet(features=(8, 16)).modules()}
    assert kinds == {"_PlainUNet", "ModuleList", "Sequential", "Conv2d", "ReLU", "ConvTranspose2d"}


def test_generator_drops_features_where_it_was_published():
    net = learn.pix2pix_generator(features=(2, 4, 8, 16, 16, 16, 16))
    shares, level = [], net.levels
    while isinstance(level, type(net.levels)):
        shares.append((level.down.in_channels, level.down.out_channels, level.dropout.p))
        level = level.below
    assert shares == [(2, 4, 0), (4, 8, 0), (8, 16, 0), (16, 16, 0.5), (16, 16, 0.5), (16, 16, 0)]
    assert learn.pix2pix_generator()(torch.zeros(2, 1, 128, 128)).shape == (2, 1, 128, 128)


def test_a_judgement_sees_seventy_pixels():
    net = learn.patch_discriminator(channels=4).eval()
    pair = torch.randn(1, 2, 128, 128, requires_grad=True)
    judged = net(pair)[-1]
    judged[0, 0, 7, 7].backward()
    seen = pair.grad[0].abs().sum(0) > 0
    assert seen.any(0).sum() == seen.any(1).sum() == 70


def test_score_network_takes_times():
    net = learn.score_network(features=(8, 16), blocks=1, groups=4).eval()
    for weight in net.parameters():  # the last of each block is zero at first, and so the time without effect
        torch.nn.init.normal_(weight, generator=torch.manual_seed(0))
    with torch.no_grad():
        one, other = (net(torch.ones(2, 2, 16, 16), torch.full((2,), time)) for time in (0, 50))
    assert one.shape == (2, 1, 16, 16) and not torch.allclose(one, other)


@pytest.mark.parametrize("kind", ["small", RESNET, "densenet121"])
@pytest.mark.parametrize("channels", [1, 3])
def test_classifiers_give_one_number_a_label(kind, channels):
    net = learn.classifier(kind, 12, channels=channels)
    assert net(torch.zeros(2, channels, 32, 32)).shape == (2, 12)
    assert next(net.parameters()).shape[1] == channels


@pytest.mark.parametrize("channels", [0, 1.5, True])
def test_channels_are_a_whole_number(channels):
    with pytest.raises(InputError, match=f"channels = {channels}"):
        learn.classifier("small", 1, channels=channels)


def test_head_is_the_published_one():
    head = learn.classifier(RESNET, 1).fc
    assert [(p.in_features, p.out_features) for p in head if isinstance(p, torch.nn.Linear)] == [(512, 256), (256, 1)]


@pytest.fixture(scope="module")
def torchvision(tmp_path_factory) -> dict:
    """A state dict with names and shapes of torchvision's ResNet-18, made from ours."""
    state = learn.classifier(RESNET, 1, seed=3).state_dict()
    state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    state["conv1.weight"] = torch.randn(64, 3, 7, 7, generator=torch.manual_seed(0))
    return state | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def test_names_are_torchvisions(torchvision):
    # As listed in torchvision's models/resnet.py: four layers of two blocks, shortcuts where channels double.
    block = ["conv1.weight", "conv2.weight"]
    block += [f"bn{i}.{what}" for i in (1, 2) for what in ("weight", "bias", "running_mean", "running_var")]
    block += [f"bn{i}.num_batches_tracked" for i in (1, 2)]
    names = {f"layer{a}.{b}.{part}" for a in (1, 2, 3, 4) for b in (0, 1) for part in block}
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names |= {f"layer{a}.0.downsample.{part}" for a in (2, 3, 4) for part in ["0.weight", *(f"1.{n}" for n in norm)]}
    names |= {"conv1.weight", "fc.weight", "fc.bias", *(f"bn1.{n}" for n in norm)}
    assert set(torchvision) == names


def test_weights_of_a_file_are_taken(torchvision, tmp_path):
    file = tmp_path / "resnet18.pth"
    torch.save(torchvision, file)
    net = learn.classifier(RESNET, 2, weights=file)
    found, fresh = net.state_dict(), learn.classifier(RESNET, 2).state_dict()
    torch.testing.assert_close(found["conv1.weight"], torchvision["conv1.weight"].mean(1, keepdim=True))
    assert torch.equal(found["layer4.1.conv2.weight"], torchvision["layer4.1.conv2.weight"])
    assert torch.equal(found["fc.0.weight"], fresh["fc.0.weight"])
    # Of a network for colour images the three channels are taken as they are.
    colour = learn.classifier(RESNET, 2, channels=3, weights=file).state_dict()
    assert all(torch.equal(colour[name], value) for name, value in torchvision.items() if not name.startswith("fc."))


def spoiled(change):
    def act(state, folder):
        file = folder / "weights.pth"
        torch.save(change(dict(state)), file)
        learn.classifier(RESNET, 1, weights=file)

    return act


def saved(state, folder):
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


def cut(state, folder):
    file = saved(state, folder)
    file.write_bytes(file.read_bytes()[:-1000])
    learn.classifier(RESNET, 1, weights=file)


UNFIT = {
    "a layer is missing": (
        spoiled(lambda s: {k: v for k, v in s.items() if k != "layer4.0.conv1.weight"}),
        r"layer4.0.conv1.weight.*found none",
    ),
    "a layer too many": (spoiled(lambda s: s | {"layer5.weight": torch.zeros(1)}), r"layer5.weight.*has shape none"),
    "another shape": (spoiled(lambda s: s | {"bn1.bias": torch.zeros(3)}), r"bn1.bias.*\(64,\), found \(3,\)"),
    "not a number": (spoiled(lambda s: s | {"bn1.bias": torch.full((64,), np.nan)}), "bn1.bias holds NaN"),
    "no tensors": (spoiled(lambda s: {"epoch": 3}), "not a table of tensors"),
    "cut short": (cut, "not a complete file"),
    "channels": (
        lambda s, folder: learn.classifier(RESNET, 1, channels=2, weights=saved(s, folder)),
        r"conv1.weight.*\(64, 2, 7, 7\), found \(64, 3, 7, 7\)",
    ),
    "absent": (lambda s, folder: learn.classifier(RESNET, 1, weights=folder / "none.pth"), "no such file"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_file_that_does_not_fit_gives_one_error(case, torchvision, tmp_path):
    act, words = UNFIT[case]
    with pytest.raises(InputError, match=words):
        act(torchvision, tmp_path)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: learn.plain_unet(features=(8,)), "features"),
        (lambda: learn.plain_unet(features=(8, 16), output="tanh"), "output: must be .*, got 'tanh'"),
        (lambda: learn.pix2pix_generator(features=(8, 0)), "features"),
        (lambda: learn.pix2pix_generator(dropout=1), "dropout = 1"),
        (lambda: learn.patch_discriminator(layers=0), "layers = 0"),
        (lambda: learn.score_network(features=(8, 12), groups=8), "8 groups"),
        (lambda: learn.score_network(attention=5), "attention = 5"),
        (lambda: learn.classifier("vgg", 1), "kind: must be .*, got 'vgg'"),
        (lambda: learn.classifier("small", 0), "outputs = 0"),
        (lambda: learn.classifier("small", 1, weights="w.pth"), "small takes no weights"),
    ],
)
def test_bad_settings_are_refused(act, words):
    with pytest.raises(InputError, match=words):
        act()
