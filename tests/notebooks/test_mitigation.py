"""The study of mitigation on folders in the real layout, and with parameters that cannot be."""

import pandas as pd
import pytest
from papermill.exceptions import PapermillExecutionError

from helpers import mitigate
from tests.conftest import ROOT
from tests.notebooks.test_runs import tiny

STUDY = ROOT / "notebooks" / "05_mitigation.ipynb"


def test_it_runs_on_a_folder_and_a_second_cohort(tmp_path):
    """As on a download: nothing is planted, the shifted cases are another cohort's, two attributes are there."""
    roots = [mitigate.simulated("skin", n, size=32, seed=seed) for n, seed in ((260, 5), (160, 6))]
    parameters = {"SOURCE": "real", "TASK": "skin", "DATA_ROOT": str(roots[0]), "SHIFTED_ROOT": str(roots[1])}
    results = tiny(STUDY, tmp_path, **parameters)
    values, cases = results["values"], pd.read_parquet(tmp_path / "cases.parquet")
    assert (results["provenance"]["source"], values["cause"], values["target"]) == ("real", "none", "inflammatory")
    parts = {part: set(rows["patient_id"]) for part, rows in cases.groupby("part")}
    assert len(parts) == 5 and not parts["shifted"] & set().union(*(parts[k] for k in parts if k != "shifted"))
    assert values["seeds"] == 3 and set(values["change"]) - {"plain"} == set(values["value"]) - {"plain"}
    assert results["provenance"]["parameters"]["SHIFTED_ROOT"] == "SHIFTED_ROOT"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"TASK": "brain"}, "parameter TASK: 'brain' is not a choice"),
        ({"CAUSE": "age"}, "cause = age: there is none"),
        ({"TARGET": "Cough"}, "target = Cough: there is none"),
        ({"SOURCE": "real", "DATA_ROOT": "/no/such/place"}, "there is no such folder"),
    ],
)
def test_bad_parameters_end_in_one_line(parameters, says, tmp_path):
    with pytest.raises(PapermillExecutionError) as error:
        tiny(STUDY, tmp_path, **parameters)
    assert error.value.ename == "InputError"
    assert says in error.value.evalue
    assert len(error.value.traceback) == 1
