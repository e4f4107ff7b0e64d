"""The study of mitigation on folders in the real layout, and what its tasks do not have."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from helpers.book.comparing import differences
from helpers.errors import InputError
from helpers.studies import mitigation
from tests.tiny import ROOT, execute

STUDY = "05_mitigation"


@pytest.mark.slow
def test_it_runs_on_a_folder_and_a_second_cohort(tmp_path):
    """As on a download: nothing is planted, the shifted cases are another cohort's, two attributes are there."""
    roots = [mitigation.simulated("skin", n, size=32, seed=seed) for n, seed in ((260, 5), (160, 6))]
    parameters = {"SOURCE": "real", "TASK": "skin", "DATA_ROOT": str(roots[0]), "SHIFTED_ROOT": str(roots[1])}
    results = execute(STUDY, tmp_path, **parameters)
    values, cases = results["values"], pd.read_parquet(tmp_path / "cases.parquet")
    assert (results["provenance"]["source"], values["cause"], values["target"]) == ("real", "none", "inflammatory")
    parts = {part: set(rows["patient_id"]) for part, rows in cases.groupby("part")}
    assert len(parts) == 5 and not parts["shifted"] & set().union(*(parts[k] for k in parts if k != "shifted"))
    assert values["seeds"] == 2 and set(values["change"]) - {"plain"} == set(values["value"]) - {"plain"}
    assert results["provenance"]["parameters"]["SHIFTED_ROOT"] == "SHIFTED_ROOT"


@pytest.mark.parametrize(
    ("options", "says"),
    [({"cause": "age"}, "cause: must be .*, got 'age'"), ({"target": "Cough"}, "target: must be .*, got 'Cough'")],
)
def test_what_a_task_does_not_have_is_refused(options, says):
    root = mitigation.simulated("chest", 250, size=32, seed=11)
    with pytest.raises(InputError, match=f"^{says}"):
        mitigation.load("chest", root, size=32, seed=11, **options)


@pytest.mark.slow
def test_two_runs_started_at_once_both_end_with_equal_results(tmp_path):
    """They keep their networks in one folder: whichever is quicker, the other is not stopped."""
    profile = yaml.safe_load((ROOT / "notebooks" / "params" / f"{STUDY}.tiny.yaml").read_text())
    given = profile | {"SEED": 5, "N_CASES": 251, "DEVICE": "cpu"}  # of no other test
    notebook = str(ROOT / "notebooks" / f"{STUDY}.ipynb")
    runs = [tmp_path / name for name in ("first", "second")]
    started = []
    for run in runs:
        asked = json.dumps({**given, "RUN_DIR": str(run)})
        words = [notebook, f"{run}.ipynb", "--no-progress-bar", "--parameters_yaml", asked]
        started.append(subprocess.Popen([sys.executable, "-m", "papermill", *words], cwd=ROOT))
    assert [process.wait() for process in started] == [0, 0]
    assert differences(*runs) == []
