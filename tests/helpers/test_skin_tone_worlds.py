"""Worlds of known cause: each is made, put to the experiment and read, and hits are told from false alarms."""

import pandas as pd
import pytest

from helpers import datasets, paths
from helpers.errors import InputError
from helpers.keep import plans
from helpers.studies import skin_tone


def test_a_world_is_read_cause_by_cause_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data", lambda: tmp_path)
    size = {"n": 300, "runs": 3, "steps": 1, "n_boot": 200, "device": "cpu"}
    asked = [skin_tone.read_world, [{"world": "tone", "seed": 4}]]
    found = plans.repeat(*asked, keep=tmp_path / "kept", progress=False, **size)
    assert found["cause"].tolist() == ["representation", "tone", "condition"]
    assert set(found["world"]) == {"tone"} and set(found["seed"]) == {4}
    assert found.set_index("cause").loc["tone", "status"] == "yes"  # grain needs no training to be seen
    assert (found["low"] <= found["estimate"]).all() and (found["estimate"] <= found["high"]).all()
    monkeypatch.setattr(datasets, "simulate_dermatology", None)  # not called again
    again = plans.repeat(*asked, keep=tmp_path / "kept", progress=False, **size)
    pd.testing.assert_frame_equal(again, found)


def test_hits_are_told_from_false_alarms():
    cells = {
        ("tone", "tone"): "yes yes yes not",
        ("tone", "condition"): "not opposite not not",
        ("none", "tone"): "not",
    }
    rows = pd.DataFrame(
        [
            {"world": world, "cause": cause, "seed": k, "status": {"not": "not shown"}.get(status, status)}
            for (world, cause), found in cells.items()
            for k, status in enumerate(found.split())
        ]
    )
    table = skin_tone.hits(rows).set_index(["world", "cause"])
    assert table["rate"].to_dict() == {("tone", "tone"): 0.75, ("tone", "condition"): 0.25, ("none", "tone"): 0}
    assert table["n"].to_list() == [4, 4, 1] and table["at_work"].to_list() == [True, False, False]
    assert (table["low"] <= table["rate"]).all() and (table["rate"] <= table["high"]).all()


def test_an_unknown_world_is_refused():
    with pytest.raises(InputError, match=r"world: must be .* or .*, got 'dark'"):
        skin_tone.read_world("dark", seed=0, n=300, runs=3, steps=1)


@pytest.mark.parametrize(("network", "channels"), [("small", 4), ("paper", 16)])
def test_without_weights_the_features_are_random_and_say_so(network, channels):
    found = skin_tone.features("", network)
    assert not found.pretrained and "random" in found.name and str(channels) in found.name


def test_weights_that_are_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="vgg"):
        skin_tone.features(str(tmp_path / "vgg19.pth"), "paper")


def test_pictures_are_found_at_any_depth(tmp_path):
    (tmp_path / "fitzpatrick17k.csv").write_text("md5hash")
    assert not datasets.has_pictures(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.JPG").write_bytes(b"")
    assert datasets.has_pictures(tmp_path)
