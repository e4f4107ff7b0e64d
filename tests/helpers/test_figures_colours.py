"""The book's colours stay apart for people who see colours otherwise."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from helpers.figures.look import GREY, HATCHES, PALETTE

# What red, green and blue become, in linear RGB: Machado, Oliveira and Fernandes (2009), "A physiologically-based model
# for simulation of color vision deficiency", IEEE TVCG 15(6), their matrices of severity 1.
SEEN = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# CIEDE2000; 2 is what is just seen side by side. Okabe and Ito's own seven, without their yellow, keep 10.9.
APART = 10


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colours, matrix):
    """CIE Lab of colours as somebody sees them; shape (colours, 3)."""
    seen = np.clip(linear(np.array([to_rgb(c) for c in colours])) @ np.transpose(matrix), 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))


def nearest(colours, matrix):
    """The pair of colours that is closest, and how close."""
    places = lab(colours, matrix)
    pairs = combinations(range(len(colours)), 2)
    return min((float(deltaE_ciede2000(places[i], places[j])), colours[i], colours[j]) for i, j in pairs)


@pytest.mark.parametrize("eyes", SEEN)
def test_no_two_colours_look_alike(eyes):
    distance, one, other = nearest(PALETTE, SEEN[eyes])
    assert distance > APART, f"{one} and {other}"


def test_the_measure_finds_a_red_and_a_brown_that_protanopia_makes_one():
    assert nearest(["#D55E00", "#8C6D00"], SEEN["ordinary"])[0] > 20
    assert nearest(["#D55E00", "#8C6D00"], SEEN["protanopia"])[0] < 2


def test_colours_stand_out_from_white_and_have_a_pattern_each():
    luminance = linear(np.array([to_rgb(c) for c in [*PALETTE, GREY]])) @ [0.2126, 0.7152, 0.0722]
    assert (1.05 / (luminance + 0.05)).min() > 2  # orange has 2.1: never for thin lines or text alone
    assert len(set(HATCHES)) == len(HATCHES) == len(PALETTE)
