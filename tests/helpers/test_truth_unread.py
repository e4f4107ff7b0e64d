"""Loaders give what a real download holds: nothing of what a simulator drew, which real data do not come with."""

import pandas as pd
import pytest

from helpers import datasets

WORLDS = {
    "breast MRI": (
        lambda folder: datasets.simulate_breast_mri_world("images", 8, shape=(16, 16, 8), folder=folder),
        datasets.load_mama_mia,
    ),
    "brain MRI": (
        lambda folder: datasets.simulate_brain_tumours(6, shape=(24, 24, 12), folder=folder),
        datasets.load_ucsf_pdgm,
    ),
    "radiographs": (lambda folder: datasets.simulate_chest_xrays(20, size=32, folder=folder), datasets.load_chexpert),
    "skin": (lambda folder: datasets.simulate_dermatology(12, size=16, folder=folder), datasets.load_fitzpatrick17k),
    "fetal planes": (
        lambda folder: datasets.simulate_fetal_planes(20, n_test=5, size=16, folder=folder),
        datasets.load_fetal_planes,
    ),
    "graphs": (
        lambda folder: datasets.simulate_graphs("shortcut", 8, folder=folder),
        lambda root: datasets.load_graphs(root)[:2],
    ),
    "phrases": (
        lambda folder: datasets.simulate_ms_cxr(6, 4, folder=folder),
        lambda root: datasets.load_ms_cxr(root)[::2],
    ),
    "labels": (
        lambda folder: datasets.simulate_nih_labels("sex", 60, folder=folder),
        lambda root: datasets.load_nih_labels(root)[:2],
    ),
}


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_drawn_is_not_read(world, tmp_path):
    make, load = WORLDS[world]
    root = make(tmp_path)
    cases, dropped = load(root)
    (root / datasets.CASES).unlink()
    without, dropped_too = load(root)
    pd.testing.assert_frame_equal(cases, without)
    pd.testing.assert_frame_equal(dropped, dropped_too)
