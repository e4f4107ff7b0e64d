"""Whole notebooks on small and lopsided tables of images: each runs to its end, or is refused before any training."""

import json
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

PATIENTS, EACH = 110, 2
IMAGES = PATIENTS * EACH
STUDIES = ["02_biased_ruler", "03_skin_tone_vae", "04_reconstruction_bias", "05_mitigation", "06_vae_uncertainty"]
K = np.arange(IMAGES) // EACH
ILL = np.where(np.arange(IMAGES) % 3 == 0, "ill", "well")
SHAPES = {
    "one class in a group": {"finding": np.where(K % 2 == 0, "well", ILL)},
    "a group of ten patients": {"sex": np.where(K < 10, "F", "M")},
    "a constant label": {"finding": "ill"},
    "a condition in one group alone": {"finding": np.where((K % 2 == 0) & (K % 3 == 0), "rare", ILL)},
    "no mask has a lesion in a group": {"mask": np.where(K % 2 == 0, "none.png", [f"m{i}.png" for i in range(IMAGES)])},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Colour noise with a bright box, its mask, and one mask of zeros."""
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(IMAGES):
        picture, mask = rng.integers(0, 99, (40, 40, 3), dtype=np.uint8), np.zeros((40, 40), np.uint8)
        x, y, side = *rng.integers(2, 16, 2), rng.integers(10, 20)
        mask[y : y + side, x : x + side] = 255
        Image.fromarray(picture + mask[..., None] // 2).save(place / f"{i}.png")
        Image.fromarray(mask).save(place / f"m{i}.png")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(place / "none.png")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("study", STUDIES)
def test_nothing_dies_after_training(study, shape, folder, checkout, tmp_path):
    table = {"image": [f"{i}.png" for i in range(IMAGES)], "mask": [f"m{i}.png" for i in range(IMAGES)]}
    table |= {"patient": K, "sex": np.where(K % 2, "F", "M"), "finding": ILL}
    pd.DataFrame(table | SHAPES[shape]).to_csv(folder / "my.csv", index=False)
    run, executed = tmp_path / "run", tmp_path / "out.ipynb"
    words = ["-p", "IMAGES", str(folder / "my.csv"), "-p", "RUN_DIR", str(run)]
    words += ["-f", f"notebooks/params/{study}.tiny.yaml"]
    done = checkout.run("-m", "papermill", f"notebooks/{study}.ipynb", str(executed), "--no-progress-bar", *words)
    if done.returncode == 0:
        found = json.loads((run / "results.json").read_text())
        assert found["provenance"]["source"] == "real" and found["values"]
        return
    cells = nbformat.read(executed, as_version=4).cells
    (place, error), *_ = [
        (k, output)
        for k, cell in enumerate(cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    method = next(k for k, cell in enumerate(cells) if re.match("## The method", cell.source))
    assert place < method and error.ename == "InputError", f"{error.ename}: {error.evalue}, in cell {place}"
    assert "\n" not in error.evalue and error.evalue.count(": ") >= 1
