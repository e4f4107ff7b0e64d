"""Worlds are read in two processes, as the notebooks' defaults ask: jobs reach them, and rows come back in order.

The worlds are kept already, so that nothing is computed; tiny runs read theirs in one process.
"""

import json

import pytest

from helpers.studies import biased_ruler, mitigation, reconstruction, skin_tone

READERS = {
    "skin": (skin_tone.read_worlds, [["tone", "none"]], "{}-{}.json"),
    "segmentation": (biased_ruler.diagnose_worlds, [["labels", "none"]], "{}-{}.json"),
    "reconstruction": (reconstruction.read_worlds, [["ucsf-pdgm"]], "ucsf-pdgm-{}-{}.json"),
    "mitigation": (mitigation.read_worlds, [["skin"], ["shortcut", "none"]], "skin-{}-{}.json"),
}


@pytest.mark.parametrize("name", READERS)
def test_worlds_are_read_in_two_processes(name, tmp_path):
    read, asked, file = READERS[name]
    worlds = list(reconstruction.WORLDS["ucsf-pdgm"]) if name == "reconstruction" else asked[-1]
    todo = [{"world": world, "seed": seed} for seed in (3, 4) for world in worlds]
    for row in todo:
        kept = row if name == "reconstruction" else [row]
        (tmp_path / file.format(row["world"], row["seed"])).write_text(json.dumps(kept))
    found = read(*asked, seeds=[3, 4], keep=tmp_path, workers=2, progress=False)
    assert found.to_dict("records") == todo


def test_the_level_of_the_test_does_not_depend_on_the_processes():
    options = {"patients": 60, "n_boot": 100, "seed": 5}
    one, two = (reconstruction.level_of_test(6, workers=workers, **options) for workers in (1, 2))
    assert one == two and 0 <= one["low"] <= one["high"] <= 1
