"""Codes of an autoencoder, the directions in which they differ, and the views that move along them."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.figures.withholding import WITHHELD
from helpers.studies import skin_tone
from helpers.widgets.showing import figure_html

mpl.use("Agg")
TINY = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False}
NAMES = [f"skin {i}" for i in range(6)]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Noise, the later images brighter."""
    noise = np.random.default_rng(0).integers(0, 90, (6, 3, 32, 32))
    return (noise + 30 * np.arange(6).reshape(6, 1, 1, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def nets() -> dict[tuple[int, str], learn.VAE]:
    """Untrained networks of two runs."""
    keys = [(run, training) for run in (0, 1) for training in "ABC"]
    return {key: learn.vae(**TINY, seed=i).eval() for i, key in enumerate(keys)}


class Itself(nn.Module):
    """An autoencoder whose code is the image."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images, torch.zeros_like(images)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        return code


# -- codes


def test_codes_are_the_means_and_are_decoded_to_the_reconstruction(nets, images):
    net = nets[0, "A"]
    found = skin_tone.codes(net, images, batch_size=4)
    with torch.inference_mode():
        mean, _ = net.encode(torch.from_numpy(images) / 127.5 - 1)
    assert np.allclose(found.mean, mean, atol=1e-6)
    made, expected = skin_tone.decode(net, found.mean), learn.reconstruct(net, images)
    assert made.dtype == np.uint8 and np.array_equal(made, expected)


def test_directions_are_the_principal_ones_and_one_standard_deviation_long(nets, images):
    found = skin_tone.codes(nets[0, "A"], images, directions=5)
    flat = found.mean.reshape(6, -1).astype(float)
    ways = found.directions.reshape(5, -1).astype(float)
    lengths = np.linalg.norm(ways, axis=1)
    along = flat @ (ways / lengths[:, None]).T
    assert np.allclose(along.std(axis=0, ddof=1), lengths, rtol=1e-4)
    apart = np.corrcoef(along.T)
    assert np.allclose(apart, np.eye(5), atol=1e-3)
    assert (np.diff(found.share) <= 0).all() and found.share.sum() == pytest.approx(1)  # six points span five
    assert np.allclose(found.share, lengths**2 / flat.var(axis=0, ddof=1).sum(), rtol=1e-4)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_direction_leads_to_brighter_images(images, order):
    """The images differ in brightness above all, and this code is the image."""
    found = skin_tone.codes(Itself(), images[order], directions=1)
    assert found.share[0] > 0.5
    values = images.mean((1, 2, 3))
    assert found.directions[0].mean() * 127.5 == pytest.approx(values.std(ddof=1), rel=0.05)


def test_codes_refuse_what_has_no_direction(nets, images):
    net = nets[0, "A"]
    with pytest.raises(InputError, match="directions = 6: 6 images differ in at most 5"):
        skin_tone.codes(net, images, directions=6)
    with pytest.raises(InputError, match="directions = 0"):
        skin_tone.codes(net, images, directions=0)
    with pytest.raises(InputError, match="all images have the same code"):
        skin_tone.codes(net, np.repeat(images[:1], 3, axis=0), directions=1)
    with pytest.raises(InputError, match="expected uint8"):
        skin_tone.codes(net, images / 255)
    with pytest.raises(InputError, match="cannot take"):
        skin_tone.decode(net, np.zeros((1, 5, 8, 8)))


# -- views


def tiles(figure, rows: int, columns: int) -> np.ndarray:
    """The pictures of a figure, shape (rows, columns, 3, 32, 32)."""
    shown = np.asarray(figure.axes[0].images[0].get_array())
    return np.array(
        [[shown[34 * i :, 34 * j :][:32, :32].transpose(2, 0, 1) for j in range(columns)] for i in range(rows)]
    )


def test_code_view_shows_the_image_its_reconstruction_and_what_moving_its_code_makes(nets, images):
    figure = skin_tone.code_view(nets, images, NAMES, image=2, run=1, direction=2, steps=(-2, 0, 3))
    ax = figure.axes[0]
    columns = [t.get_text() for t in ax.get_xticklabels()]
    assert columns == ["original", "reconstruction", "−2 sd", "+0 sd", "+3 sd"]
    assert [t.get_text()[0] for t in ax.get_yticklabels()] == ["A", "B", "C"]
    assert "skin 2" in ax.get_xlabel() and "run 1" in ax.get_xlabel() and "direction 2" in ax.get_xlabel()
    shown = tiles(figure, 3, 5)
    for row, training in zip(shown, "ABC", strict=True):
        net = nets[1, training]
        found = skin_tone.codes(net, images, directions=2)
        moved = skin_tone.decode(net, (found.mean[2] + 3 * found.directions[1])[None])[0]
        assert np.array_equal(row[0], images[2])
        assert np.array_equal(row[1], learn.reconstruct(net, images[2:3])[0])
        assert np.array_equal(row[3], row[1])
        assert np.array_equal(row[4], moved) and not np.array_equal(row[4], row[1])


def test_code_view_names_what_is_not_there(nets, images):
    with pytest.raises(InputError, match="names: 5 for 6 images"):
        skin_tone.code_view(nets, images, NAMES[:5])
    with pytest.raises(InputError, match="image = 6: there are 6"):
        skin_tone.code_view(nets, images, NAMES, image=6)
    with pytest.raises(InputError, match="no network of run 2 and training A"):
        skin_tone.code_view(nets, images, NAMES, run=2)
    with pytest.raises(InputError, match="directions = 7"):
        skin_tone.code_view(nets, images, NAMES, direction=7)


def explorer(nets, images):
    box = skin_tone.explore_codes(nets, images, NAMES)
    controls, _, view = box.children
    return {control.description: control for control in controls.children}, view


def test_each_control_changes_the_picture_to_that_of_the_static_view(nets, images):
    controls, view = explorer(nets, images)
    assert [*controls] == ["image", "training", "run", "direction", "step, sd"]
    assert controls["image"].options == tuple((name, i) for i, name in enumerate(NAMES))
    assert [[value for _, value in controls[k].options] for k in ("training", "run")] == [["A", "B", "C"], [0, 1]]
    seen = [view.value]
    for name, value in {"image": 4, "training": "C", "run": 1, "direction": 3, "step, sd": -3.0}.items():
        controls[name].value = value
        seen.append(view.value)
    assert len(set(seen)) == 6
    figure = skin_tone.code_view(nets, images, NAMES, image=4, run=1, trainings=["C"], direction=3, steps=[-3.0])
    assert seen[-1].partition("src=")[2] == figure_html(figure, "").partition("src=")[2]


def test_real_images_are_drawn_only_for_who_asks(nets, images):
    figure = skin_tone.code_view(nets, images, NAMES, real=True)
    assert not figure.axes[0].images and figure.axes[0].texts[0].get_text() == WITHHELD
    controls, text, view = skin_tone.explore_codes(nets, images, NAMES, real=True).children
    assert view.value == "" and WITHHELD in text.value
    controls.children[-1].value = True
    assert "data:image/png" in view.value and text.value == ""
    controls.children[-1].value = False
    assert view.value == ""


def test_sliding_only_decodes(nets, images, monkeypatch):
    encoded = []
    net = nets[0, "A"]
    monkeypatch.setattr(net, "encode", lambda batch, encode=net.encode: encoded.append(len(batch)) or encode(batch))
    controls, view = explorer({(0, "A"): net}, images)
    first = view.value
    controls["step, sd"].value = -1.0
    controls["image"].value = 3
    assert encoded == [6] and view.value != first


def test_the_explorer_needs_a_network_for_each_choice(nets, images):
    with pytest.raises(InputError, match="no network of run 1 and training B"):
        skin_tone.explore_codes({key: net for key, net in nets.items() if key != (1, "B")}, images, NAMES)
    with pytest.raises(InputError, match="there is no network"):
        skin_tone.explore_codes({}, images, NAMES)
