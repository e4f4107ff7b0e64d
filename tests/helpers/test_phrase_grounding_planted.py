"""Phrase grounding, trained for real: planted alignment is found, and shuffled captions have none."""

import pandas as pd
import pytest

from helpers.studies import phrase_grounding as study


@pytest.mark.slow
def test_words_are_grounded_by_their_captions_and_not_by_those_of_others(tmp_path):
    """Train for real: the planted alignment is found, and shuffled captions have none."""
    how = {
        "tune_steps": 0,
        "inversion_steps": 0,
        "n_test": 100,
        "device": "cpu",
        "n_boot": 500,
        "folder": str(tmp_path),
    }
    found = {
        world: pd.DataFrame(study.world_job(world, 3, **how)).set_index("statistic") for world in ("plain", "shuffled")
    }
    assert (found["plain"].loc[["aligned", "other", "pointing"], "low"] > 0).all()
    assert found["shuffled"].loc["aligned", "high"] < 0
    assert found["shuffled"].loc["other", "high"] < found["plain"].loc["other", "low"]
