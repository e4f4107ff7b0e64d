"""The vision transformer: its parts by formula, and published weights by their names."""

import math
import zipfile

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError

SIZES = {"width": 16, "depth": 2, "heads": 2, "patch": 4, "side": 12, "registers": 2}


def images(n=3, side=12, channels=1, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, channels, side, side)).astype(np.float32))


def norm(x, layer):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-6) * layer["weight"] + layer["bias"]


def by_hand(net, image):
    """Tokens of one image, in NumPy and 64 bits, from the equations of Dosovitskiy et al. 2021."""
    state = {name: t.double().numpy() for name, t in net.state_dict().items()}

    def part(prefix):
        return {k.rsplit(".", 1)[1]: v for k, v in state.items() if k.rsplit(".", 1)[0] == prefix}

    def line(x, name):
        return x @ part(name)["weight"].T + part(name)["bias"]

    p = net.patch
    pixels = image[0].double().numpy()
    patches = [pixels[r : r + p, c : c + p].ravel() for r in range(0, len(pixels), p) for c in range(0, len(pixels), p)]
    embed = part("patch_embed.proj")
    x = np.array(patches) @ embed["weight"].reshape(net.width, -1).T + embed["bias"] + state["pos_embed"][0, 1:]
    x = np.concatenate([state["cls_token"][0] + state["pos_embed"][0, :1], state["register_tokens"][0], x])
    for k in range(len(net.blocks)):
        q, key, v = np.split(line(norm(x, part(f"blocks.{k}.norm1")), f"blocks.{k}.attn.qkv"), 3, 1)
        d = net.width // SIZES["heads"]
        found = []
        for h in range(SIZES["heads"]):
            cut = slice(h * d, (h + 1) * d)
            scores = np.exp(q[:, cut] @ key[:, cut].T / math.sqrt(d))
            found.append(scores / scores.sum(1, keepdims=True) @ v[:, cut])
        x = x + state[f"blocks.{k}.ls1.gamma"] * line(np.concatenate(found, 1), f"blocks.{k}.attn.proj")
        hidden = line(norm(x, part(f"blocks.{k}.norm2")), f"blocks.{k}.mlp.fc1")
        gelu = hidden * 0.5 * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2)))
        x = x + state[f"blocks.{k}.ls2.gamma"] * line(gelu, f"blocks.{k}.mlp.fc2")
    return norm(x, part("norm"))


def test_tokens_follow_the_equations():
    net = learn.vit(**SIZES, scale=0.5)
    x = images()
    for image, tokens in zip(x, net.tokens(x), strict=True):
        np.testing.assert_allclose(tokens.detach().numpy(), by_hand(net, image), atol=2e-5)
    tokens = net.tokens(x)
    np.testing.assert_array_equal(net(x).detach(), torch.cat([tokens[:, 0], tokens[:, 3:].mean(1)], 1).detach())


def test_tokens_asked_for_are_those_of_all():
    net, x = learn.vit(**SIZES), images()
    only = torch.tensor([0, 5, 12, 30])
    torch.testing.assert_close(net.tokens(x, only=only), net.tokens(x).flatten(0, 1)[only], rtol=0, atol=1e-6)


def test_a_masked_patch_is_not_seen():
    net, x = learn.vit(**SIZES), images()
    masked = torch.zeros(3, 9, dtype=torch.bool)
    masked[:, 4] = True
    changed = x.clone()
    changed[:, :, 4:8, 4:8] += 1
    assert torch.equal(net.tokens(x, masked), net.tokens(changed, masked))
    assert not torch.allclose(net.tokens(x), net.tokens(changed))


def test_positions_are_interpolated_between_those_kept():
    net = learn.vit(**SIZES)
    with torch.no_grad():
        ramp = torch.arange(3.0)[:, None].expand(3, 3).reshape(9, 1)  # grows by rows
        net.pos_embed[0, 1:] = ramp
    finer = net._places(6, 6)[0, 1:, 0].view(6, 6)
    assert torch.equal(net._places(3, 3), net.pos_embed)
    np.testing.assert_allclose(finer.std(1).detach(), 0, atol=1e-6)
    assert (finer[1:, 0] >= finer[:-1, 0] - 0.11).all() and finer[-1, 0] > 1.8 > 0.2 > finer[0, 0]
    assert net(images(side=20)).shape == (3, 32)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"width": 0}, "width = 0"),
        ({"heads": 3}, "width = 16: not a multiple of heads = 3"),
        ({"side": 10}, "side = 10: not a multiple of patch = 4"),
        ({"registers": -1}, "registers = -1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changed, found):
    with pytest.raises(InputError, match=found):
        learn.vit(**SIZES | changed)


def test_images_that_do_not_fit_are_refused():
    net = learn.vit(**SIZES)
    for x in (images(channels=3), images(side=10)):
        with pytest.raises(InputError, match="expected 1 channels and sides of a multiple of 4"):
            net(x)


# -- published weights


def published(width=128, depth=4, patch=4, grid=6, channels=1, registers=4, seed=0):
    """A state dict in DINOv2's layout, made from NumPy."""
    rng = np.random.default_rng(seed)
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + grid**2, width),
        "register_tokens": (1, registers, width),
        "mask_token": (1, width),
        "patch_embed.proj.weight": (width, channels, patch, patch),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for k in range(depth):
        for name, shape in {
            "norm1": (width,),
            "norm2": (width,),
            "attn.qkv": (3 * width, width),
            "attn.proj": (width, width),
            "mlp.fc1": (4 * width, width),
            "mlp.fc2": (width, 4 * width),
        }.items():
            shapes |= {f"blocks.{k}.{name}.weight": shape, f"blocks.{k}.{name}.bias": shape[:1]}
        shapes |= {f"blocks.{k}.{name}.gamma": (width,) for name in ("ls1", "ls2")}
    return {name: torch.from_numpy(rng.normal(0, 0.1, shape).astype(np.float32)) for name, shape in shapes.items()}


def written(state, folder):
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


def chunked(name):
    """The name of a tensor in a checkpoint of a training, which keeps blocks in chunks of two."""
    _, k, rest = name.split(".", 2) if name.startswith("blocks.") else ("", "", "")
    return f"blocks.{int(k) // 2}.{k}.{rest}" if rest else name


@pytest.mark.parametrize("form", ["plain", "backbone", "teacher", "flat teacher", "chunks"])
def test_weights_of_every_published_form_are_the_same_network(form, tmp_path):
    state = published()
    head = {"dino_head.mlp.0.weight": torch.zeros(3, 3)}
    backbone = {f"backbone.{name}": t for name, t in state.items()}
    forms = {
        "plain": state,
        "backbone": backbone,
        "teacher": {"teacher": backbone | head},
        "flat teacher": {f"teacher.{name}": t for name, t in (backbone | head).items()},
        "chunks": {"teacher": {f"backbone.{chunked(name)}": t for name, t in state.items()} | head},
    }
    net = learn.load_vit(written(forms[form], tmp_path), channels=1, width=128)
    assert (net.width, len(net.blocks), net.patch, net.side, net.channels, net.registers) == (128, 4, 4, 24, 1, 4)
    assert net.blocks[0].attn.heads == 2 and not net.training
    assert all(torch.equal(t, state[name]) for name, t in net.state_dict().items())
    assert learn.predict(net, images(side=24)).shape == (3, 256)


def test_weights_are_kept_in_32_and_in_16_bits(tmp_path):
    net = learn.vit(**SIZES)
    for half, tolerance in ((False, 0), (True, 1e-3)):
        learn.save_vit(net, tmp_path / "kept.pt", half=half)
        again = learn.load_vit(tmp_path / "kept.pt", heads=2)
        torch.testing.assert_close(again(images()), net(images()), rtol=0, atol=20 * tolerance)
    with zipfile.ZipFile(tmp_path / "kept.pt") as parts:
        assert sum(one.file_size for one in parts.infolist()) < 2.5 * sum(p.numel() for p in net.parameters())


class Evil:
    def __reduce__(self):
        return print, ("code of the file ran",)


def faulty(kind):
    state = published()
    if kind == "pickle":
        return Evil()
    if kind == "list":
        return [1, 2]
    if kind == "names alone":
        return {"teacher": {"a": 1}}
    if kind == "giant":
        return state | {"blocks.0.mlp.w12.weight": torch.zeros(3, 3)}
    if kind == "no block":
        return {name: t for name, t in state.items() if not name.startswith("blocks")}
    if kind == "missing":
        del state["blocks.1.ls2.gamma"]
    if kind == "NaN":
        state["norm.bias"][3] = torch.nan
    if kind == "grid":
        state["pos_embed"] = torch.zeros(1, 31, 128)
    if kind == "width":
        state["pos_embed"] = torch.zeros(1, 37, 64)
    if kind == "depth of a matrix":
        state["blocks.2.mlp.fc1.weight"] = torch.zeros(256, 128)
    return state


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("pickle", "not a complete file of weights alone"),
        ("list", "not a complete file of weights alone"),
        ("names alone", "not a table of tensors"),
        ("giant", "it holds blocks.0.mlp.w12.weight, which this kind of network does not have"),
        ("no block", "it has no block"),
        ("missing", r"blocks.1.ls2.gamma has shape \(128,\) in such an encoder, found none"),
        ("NaN", "norm.bias holds NaN"),
        ("grid", "pos_embed has 31 places, not one more than a square"),
        ("width", "pos_embed has 64 features, and patches 128 of 4 x 4"),
        ("depth of a matrix", r"blocks.2.mlp.fc1.weight has shape \(512, 128\) in such an encoder, found \(256, 128\)"),
    ],
)
def test_weights_of_another_network_are_refused(kind, found, tmp_path, capsys):
    with pytest.raises(InputError, match=found):
        learn.load_vit(written(faulty(kind), tmp_path))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("size", ["width", "patch", "side", "channels", "registers", "depth"])
def test_a_file_of_another_size_than_asked_is_refused(size, tmp_path):
    with pytest.raises(InputError, match=rf"its encoder has {size} = \d+, asked was 99"):
        learn.load_vit(written(published(), tmp_path), **{size: 99})


def test_damaged_and_absent_files_are_refused(tmp_path):
    file = written(published(), tmp_path)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"<html>not found</html>", b""):
        file.write_bytes(content)
        with pytest.raises(InputError, match="not a complete file of weights alone"):
            learn.load_vit(file)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    file.write_bytes(flipped)
    with pytest.raises(InputError, match="not a complete file of weights alone"):
        learn.load_vit(file)
    with pytest.raises(InputError, match="there is no such file"):
        learn.load_vit(tmp_path / "absent.pth")
    with pytest.raises(InputError, match="no size of an encoder"):
        learn.load_vit(written(published(), tmp_path), colour=1)
