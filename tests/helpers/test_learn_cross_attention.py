"""Maps of cross-attention: those that MONAI stores, their gradient, sums over words, an inversion, and words."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError

WIDTH, WORDS, SIDE = 8, 5, 16


@pytest.fixture(scope="module")
def network():
    """A small network that attends to tokens, with a last layer that is not zero."""
    net = learn.denoiser(features=(8, 16), attention=2, tokens=WIDTH)
    with torch.no_grad():
        for weights in net.parameters():
            weights += 0.05 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(weights.numel()))
    return net.eval()


def given(n: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 1, SIDE, SIDE, generator=generator)
    return x, torch.full((n,), 5), torch.randn(n, WORDS, WIDTH, generator=generator)


def test_maps_have_every_layer_and_sum_to_one_over_words(network):
    maps = learn.attention_maps(network, *given())
    assert maps.shape == (len(learn.attention_layers(network)), 3, WORDS, SIDE, SIDE)
    torch.testing.assert_close(maps.sum(2), torch.ones_like(maps[:, :, 0]))
    assert maps.std() > 1e-3


def test_maps_with_a_gradient_are_those_that_are_stored(network):
    x, times, context = given()
    stored = learn.attention_maps(network, x, times, context)
    context.requires_grad_()
    computed = learn.attention_maps(network, x, times, context, gradient=True)
    assert torch.equal(stored, computed.detach()) and not stored.requires_grad
    computed[:, :, 1].mean().backward()
    assert context.grad.abs().sum() > 0


def test_a_network_is_left_as_it_was(network):
    learn.attention_maps(network, *given(), gradient=True)
    for layer in learn.attention_layers(network).values():
        assert not layer.save_attn and not len(layer.att_mat) and not layer.to_q._forward_hooks


def test_word_maps_are_one_call_for_each_time(network):
    x, _, context = given()
    levels = learn.noise_levels(100)
    maps = learn.word_maps(network, x, context, levels=levels, times=[10, 50], seed=3)
    assert maps.shape[0] == 2 and torch.equal(
        maps, learn.word_maps(network, x, context, levels=levels, times=[10, 50], seed=3)
    )
    assert not torch.equal(maps[0], maps[1])
    alone = learn.word_maps(network, x, context, levels=levels, times=[50], seed=3)
    assert torch.equal(alone[0], maps[1]), "maps of one time are compared by the same noise"
    other = learn.word_maps(network, x, context, levels=levels, times=[50], seed=4)
    assert not torch.equal(alone, other)


def test_an_inversion_keeps_the_maps_of_the_nearest_times_and_takes_the_empty_path(network):
    x, _, context = given()
    levels, calls = learn.noise_levels(100), []
    network.register_forward_pre_hook(lambda module, args: calls.append(len(args[0])))
    empty = torch.zeros_like(context)
    found = learn.inverted_maps(network, x, context, empty=empty, levels=levels, steps=10, times=(48, 52, 61))
    assert calls == [6] * 10 and found.shape[:3] == (2, len(learn.attention_layers(network)), 3)
    network._forward_pre_hooks.clear()

    # Steps are at 10, 20, ..., 100. An inversion that ends at 60 visits the same pictures up to there.
    part = learn.inverted_maps(network, x, context, empty=empty, levels=levels[:61], steps=6, times=(50, 60))
    torch.testing.assert_close(found, part)
    seen = []

    def predict(noisy, times):
        seen.append(noisy)
        return network(noisy, times, context=empty)

    with torch.no_grad():
        learn.ddim_invert(predict, x, levels=levels[:51], steps=5, rounds=1)
        alone = learn.attention_maps(network, seen[-1], torch.full((3,), 50), context)
    torch.testing.assert_close(found[0], alone)


def test_fewer_cells_than_sixteen_and_wrong_shapes_are_refused(network):
    x, times, context = given()
    for change, message in (
        ((x[..., :8, :8], times, context), "x: expected squares of 16 x 16 cells or more"),
        ((x[..., :8], times, context), "x: expected squares"),
        ((torch.randn(3, 1, 17, 17), times, context), "x: a side of 17 cells, which the network cannot"),
        ((x * torch.nan, times, context), "x: picture 0 has NaN or infinite pixels"),
        ((x, times, context[:1]), "context: expected shape .3, tokens, 8., found"),
        ((x, times, context[..., :4]), "context: expected shape"),
    ):
        with pytest.raises(InputError, match=message):
            learn.attention_maps(network, *change)
    with pytest.raises(InputError, match=r"times: expected whole numbers from 1 to 100, got .0."):
        learn.word_maps(network, x, context, levels=learn.noise_levels(100), times=[0])
    with pytest.raises(InputError, match="seed = -1: expected a whole number, 0 or more"):
        learn.word_maps(network, x, context, levels=learn.noise_levels(100), times=[5], seed=-1)
    how = {"empty": context, "levels": learn.noise_levels(100), "steps": 4}
    with pytest.raises(InputError, match=r"times: expected whole numbers from 1 to 100, got .101."):
        learn.inverted_maps(network, x, context, times=[101], **how)
    with pytest.raises(InputError, match="x: a side of 17 cells"):
        learn.inverted_maps(network, torch.randn(3, 1, 17, 17), context, times=[50], **how)
    with pytest.raises(InputError, match="x: a side of 17 cells"):
        learn.word_maps(network, torch.randn(3, 1, 17, 17), context, levels=how["levels"], times=[5])


def test_networks_without_maps_are_refused():
    with pytest.raises(InputError, match="network: it has no cross-attention"):
        learn.attention_layers(learn.denoiser(features=(8, 16), vector=3))
    net = learn.denoiser(features=(8, 16), tokens=4)
    for layer in learn.attention_layers(net).values():
        layer.use_flash_attention = True
    with pytest.raises(InputError, match="flash attention keeps no maps"):
        learn.attention_layers(net)


# Words


def test_words_have_numbers_and_captions_are_filled():
    vocabulary = learn.vocabulary_of(["left opacity . right opacity"])
    assert vocabulary == ("<start>", "<empty>", ".", "left", "opacity", "right")
    found = learn.numbered_words(["Left opacity", "left opacity . right opacity", ""], vocabulary)
    assert found.tolist() == [[0, 3, 4, 1, 1, 1], [0, 3, 4, 2, 5, 4], [0, 1, 1, 1, 1, 1]]
    assert learn.words_of("Small, left-sided (new).") == ["small", ",", "left", "-", "sided", "(", "new", ")", "."]


def test_unknown_words_and_long_captions_are_refused_and_never_cut():
    vocabulary = learn.vocabulary_of(["left opacity"])
    with pytest.raises(InputError, match="caption 1: the word 'nodule' is not in the vocabulary"):
        learn.numbered_words(["left opacity", "left nodule"], vocabulary)
    with pytest.raises(InputError, match=r"caption 0: has 4 tokens, more than 3. Shorten it, here before 'left'"):
        learn.numbered_words(["left opacity left"], vocabulary, length=3)
    with pytest.raises(InputError, match="caption 1: expected text, got nan"):
        learn.numbered_words(["left opacity", np.nan], vocabulary)
    with pytest.raises(InputError, match="caption 0: expected text, got None"):
        learn.vocabulary_of([None])


def test_the_longest_caption_is_mixed_and_a_longer_one_refused():
    vocabulary = learn.vocabulary_of(["left"])
    tokens = torch.from_numpy(learn.numbered_words(["left " * (learn.MOST_TOKENS - 1)], vocabulary))
    mixed = learn.text_denoiser(vocabulary, features=(8, 16), width=8, mixing=1)
    assert mixed.encode(tokens).shape == (1, learn.MOST_TOKENS, 8)
    longer = torch.cat([tokens, tokens[:, -1:]], 1)
    with pytest.raises(InputError, match="tokens: captions of 78 tokens, and words are mixed over 77 at most"):
        mixed.encode(longer)
    assert learn.text_denoiser(vocabulary, features=(8, 16), width=8).encode(longer).shape == (1, 78, 8)


@pytest.mark.parametrize("mixing", [0, 1])
def test_a_network_of_words_is_trained_and_depends_on_its_caption(mixing):
    vocabulary = learn.vocabulary_of(["bright", "dark"])
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 40)
    pictures = 0.1 * rng.standard_normal((40, 1, 16, 16)) + (2 * kind - 1)[:, None, None, None]
    tokens = learn.numbered_words(np.where(kind, "bright", "dark").tolist(), vocabulary)
    how = {"steps": 30, "batch": 10, "features": (8, 16), "width": 8, "times": 50, "mixing": mixing, "device": "cpu"}
    model = learn.fit_text_denoiser(pictures, tokens, vocabulary, **how)
    again = learn.fit_text_denoiser(pictures, tokens, vocabulary, **how)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    x, times = torch.randn(2, 1, 16, 16), torch.full((2,), 40)
    with torch.no_grad():
        bright, dark = (model(x, times, torch.tensor([row] * 2)) for row in ([0, 2], [0, 3]))
    assert (bright - dark).abs().max() > 1e-4
    first = model.encode(torch.tensor([[0, 2, 3], [0, 2, 2]]))[:, 1]
    assert torch.allclose(first[0], first[1], atol=1e-6) == (mixing == 0)


def test_bad_networks_and_captions_of_words_are_refused():
    with pytest.raises(InputError, match="text_denoiser: a width of 6 and 0 layers"):
        learn.text_denoiser(("<start>", "<empty>"), width=6)
    with pytest.raises(InputError, match=r"tokens: pictures .* and tokens"):
        learn.fit_text_denoiser(np.zeros((3, 1, 16, 16)), np.zeros((2, 4), int), ("<start>", "<empty>"))
    pictures = np.zeros((3, 1, 16, 16))
    pictures[1, 0, 2, 3] = np.nan
    with pytest.raises(InputError, match="pictures: picture 1 has NaN or infinite pixels"):
        learn.fit_text_denoiser(pictures, np.zeros((3, 4), int), ("<start>", "<empty>"))
