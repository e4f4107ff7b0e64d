"""Worlds are read in two processes, as the notebooks' defaults ask: jobs reach them, and rows come back in order.

The worlds are kept already, so that nothing is computed; tiny runs read theirs in one process.
"""

import pytest

from helpers.keep import plans
from helpers.studies import biased_ruler, mitigation, reconstruction, skin_tone

READERS = {
    "skin": (skin_tone.read_world, {"world": ["tone", "none"]}),
    "segmentation": (biased_ruler.diagnose_world, {"world": ["labels", "none"]}),
    "reconstruction": (reconstruction.read_world, {"dataset": ["ucsf-pdgm"], "world": ["fair", "unfair"]}),
    "mitigation": (mitigation.read_world, {"task": ["skin"], "cause": ["shortcut", "none"]}),
}


@pytest.mark.parametrize("name", READERS)
def test_worlds_are_read_in_two_processes(name, tmp_path):
    read, axes = READERS[name]
    plan = plans.grid(seed=[3, 4], **axes)
    made = plans.repeat(
        lambda **row: [{"found": str(row), "k": k} for k in (0, 1)], plan, keep=tmp_path, progress=False
    )
    found = plans.repeat(read, plan, keep=tmp_path, workers=2, progress=False)
    assert found.to_dict("records") == made.to_dict("records")
    assert [row["found"] for row in found.to_dict("records")[::2]] == [str(row) for row in plan]
