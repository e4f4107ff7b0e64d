"""What the tiny run of every page left, and runs of studies on other data and with other parameters."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from helpers import datasets, degrade
from helpers.report import instances
from helpers.report.values import flatten
from tests import tiny
from tests.conftest import ROOT
from tests.notation import lacking_parts
from tests.tiny import execute

AUDIT, RULER, SKIN, RECONSTRUCTION = "01_label_audit", "02_biased_ruler", "03_skin_tone_vae", "04_reconstruction_bias"


@pytest.mark.parametrize("name", [*instances.book(), tiny.TEMPLATE])
def test_a_tiny_run_is_whole_and_took_its_parameters(name, tiny_run):
    run = tiny_run(name)
    provenance = run.results["provenance"]
    profile = yaml.safe_load((ROOT / "notebooks" / "params" / f"{run.study}.tiny.yaml").read_text())
    assert profile["SEED"] == 11
    assert profile.items() <= provenance["parameters"].items()
    assert provenance["cpu_seconds"] > 0
    assert len(run.cases)
    assert run.results["figures"]
    for figure in run.results["figures"]:
        assert (run.folder / "figures" / f"{figure}.png").stat().st_size > 5000


@pytest.mark.parametrize("name", [*instances.book(), tiny.TEMPLATE])
def test_every_estimate_of_a_run_has_its_ends_and_n(name, tiny_run):
    assert lacking_parts(tiny_run(name).results["values"]) == []


def test_the_seed_decides_the_values(tiny_run, tmp_path):
    first = tiny_run(tiny.TEMPLATE).results["values"]  # nbval runs it again, with the same seed
    other = execute(tiny.TEMPLATE, tmp_path / "other", SEED=0)
    assert other["provenance"]["parameters"]["SEED"] == 0
    assert other["values"] != first


@pytest.mark.slow
def test_a_study_of_the_book_gives_the_same_values_again(tiny_run, tmp_path):
    assert execute(AUDIT, tmp_path)["values"] == tiny_run(AUDIT).results["values"]


def test_costs_name_every_page_and_who_is_over(tiny_run):
    table = tiny.costs()
    assert set(table.index) == {*instances.book(), tiny.TEMPLATE}
    assert table.loc[tiny.TEMPLATE, "times_template"] == 1
    few = pd.DataFrame({"cpu_seconds": [9.0, 27.0, 28.0], "times_template": [1.0, 3.0, 3.1]}, index=["a", "b", "dear"])
    assert tiny.told(few).endswith("64 CPU seconds in all. Over 3 times the template: dear.")


@pytest.mark.slow
def test_a_table_of_scores_with_other_names(tmp_path):
    """The researcher's own scores, under aliases, for a folder in the real layout."""
    root = datasets.simulate_breast_mri(100, seed=3)
    ids = [p.name.split(".")[0] for p in sorted((root / "segmentations" / "expert").glob("*.nii.gz"))]
    table = pd.DataFrame({"Case": ids, "DSC": [0.5 + 0.004 * i for i in range(len(ids))]})
    table["GT_cc"], table["pred_cc"] = 2.0, 3.0
    table.to_csv(tmp_path / "mine.csv", index=False)
    parameters = {"SOURCE": "real", "DATA_ROOT": str(root), "SCORES": str(tmp_path / "mine.csv")}
    results = execute(AUDIT, tmp_path / "run", **parameters)
    cases = pd.read_parquet(tmp_path / "run" / "cases.parquet")
    assert len(cases) == len(ids)
    assert cases["dice"].max() == pytest.approx(table["DSC"].max())
    assert results["provenance"]["source"] == "real"
    # Scores of other masks are no test of what was claimed of the audited ones.
    assert {c["verdict"] for c in results["claims"]} == {"not testable here", "impossible as printed"}
    assert results["provenance"]["parameters"]["DATA_ROOT"] == "DATA_ROOT"
    assert str(tmp_path) not in json.dumps(results["provenance"])


@pytest.mark.slow
def test_the_smallest_table_of_scores(tmp_path):
    """Ids and Dice alone: no volumes, no distances, some women in no table."""
    root = datasets.simulate_breast_mri(100, seed=3)
    ids = [p.name.split(".")[0] for p in sorted((root / "segmentations" / "expert").glob("*.nii.gz"))]
    scores = pd.DataFrame({"patient_id": ids[:-5], "dice": [0.5 + 0.005 * (i % 90) for i in range(len(ids) - 5)]})
    scores.to_csv(tmp_path / "small.csv", index=False)
    parameters = {"SOURCE": "real", "DATA_ROOT": str(root), "SCORES": str(tmp_path / "small.csv")}
    results = execute(AUDIT, tmp_path / "run", **parameters)
    assert results["values"]["tumour_volume_cc_gold"] is None
    verdicts = {c["id"]: c["verdict"] for c in results["claims"]}
    assert verdicts["volume-variance"] == "not testable here"
    assert {d["n"] for d in results["dropped"] if "score" in d["reason"]} >= {5}
    assert results["provenance"]["parameters"]["SCORES"] == "small.csv"
    assert str(tmp_path) not in json.dumps(results)


@pytest.mark.slow
def test_the_experiments_on_volumes_of_a_folder_in_the_real_layout(tmp_path):
    """SOURCE real, three dimensions: resampling, patches, DynUNet, sliding window, checkpoints."""
    mask = lambda image, spacing: image[1] - image[0] > 150  # noqa: E731
    root = datasets.simulate_breast_mri_world("labels", 60, seed=4, labeller=mask, labeller_key="threshold")
    parameters = {"SOURCE": "real", "DATA_ROOT": str(root), "DIMENSIONS": 3, "SIZE": 32, "SPACING": 5.0, "STEPS": 1}
    results = execute(RULER, tmp_path, **parameters)
    assert results["provenance"]["source"] == "real"
    assert results["values"]["diagnosis"]["paper"] != "no images"
    cases = pd.read_parquet(tmp_path / "cases.parquet")
    done = set(cases["experiment"])  # a swap is left out where no label of the group is of tier 1
    assert done - {"swap_young", "swap_older"} == {"baseline", "biased_input", "difficulty_balanced"}
    sizes = cases.groupby(["experiment", "train_seed", "reference"]).size()
    assert (sizes == sizes.iloc[0]).all() and len(sizes) == len(done) * 3 * 2
    assert cases["dice"].between(0, 1).all()


def test_by_hand_from_the_command_line(tmp_path):
    """The plain papermill command, from another working directory."""
    notebook, executed = ROOT / "notebooks" / f"{AUDIT}.ipynb", tmp_path / "out.ipynb"
    words = ["-m", "papermill", str(notebook), str(executed), "-p", "N_CASE", "100", "--no-progress-bar"]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert re.search(r"parameter N_CASE: .*Did you mean N_CASES\?", done.stdout + done.stderr)
    outputs = [o for c in json.loads(executed.read_text())["cells"] for o in c.get("outputs", [])]
    (error,) = [output for output in outputs if output["output_type"] == "error"]
    assert error["ename"] == "InputError" and len(error["traceback"]) == 1
    assert not (tmp_path / "results.json").exists()


@pytest.mark.slow
def test_the_skin_tone_study_runs_on_a_folder_of_pictures(tmp_path):
    """As on a download: pictures in a folder, near-duplicates known, another labeller, matched training sets."""
    root = datasets.simulate_dermatology(700, seed=3, size=32, folder=tmp_path / "data")
    table = pd.read_csv(root / "fitzpatrick17k.csv")
    pairs = table[table["fitzpatrick_scale"].isin([1, 2, 5, 6])].head(40)
    pairs.assign(cluster=[k // 2 for k in range(40)])[["md5hash", "cluster"]].to_csv(tmp_path / "near.csv", index=False)
    parameters = {"SOURCE": "real", "DATA_ROOT": str(root), "DUPLICATES": str(tmp_path / "near.csv")}
    parameters |= {"SKIN_TYPE": "centaur", "SAMPLING": "matched", "SEED": 2, "TRAIN_SIZE": 40, "TEST_SIZE": 25}
    results = execute(SKIN, tmp_path / "run", **parameters)
    assert results["provenance"]["source"] == "real"
    assert results["values"]["effects"]["effect on dark"]["runs"] == 3
    rows = pd.read_parquet(tmp_path / "run" / "cases.parquet")
    assert set(rows.groupby(["run", "training"]).size()) == {50}
    assert rows.groupby("run")["distinct"].nunique().max() <= 2  # matched, but for the rounding of two halves


@pytest.fixture
def reconstruction(tiny_run):
    """The tiny run of the study of reconstruction, of either data set."""
    names = {"ucsf-pdgm": RECONSTRUCTION, "chexpert": f"{RECONSTRUCTION}_chexpert"}
    return lambda dataset: tiny_run(names[dataset])


@pytest.mark.parametrize(("dataset", "attributes", "targets"), [("ucsf-pdgm", 2, 2), ("chexpert", 3, 12)])
def test_either_data_set_of_the_reconstruction_study_is_told_in_full(dataset, attributes, targets, reconstruction):
    results = reconstruction(dataset).results
    values, names = results["values"], ["sex", "age", "race"][:attributes]
    assert values["dataset"] == dataset and results["dropped"]
    arms = {"degraded", "unet", "pix2pix", "sde"}
    assert set(values["odds"]) == set(names) == set(values["gaps"]["psnr percent"])
    for odds in values["odds"].values():
        assert {metric: set(of) for metric, of in odds.items()} == {"eodd": arms, "eop": arms}
    assert 0 < values["counted"]["cells tested"] <= targets * attributes * 2 * (len(arms) - 1)
    published = yaml.safe_load((ROOT / "notebooks" / "claims" / f"{RECONSTRUCTION}.{dataset}.yaml").read_text())
    assert [c["id"] for c in results["claims"]] == [c["id"] for c in published]
    places = [f"{c['estimate']}.{part}" for c in published for part in ("estimate", "low", "high", "n")]
    flat = flatten(values)  # a claim whose value has another name would never be judged
    assert not [p for p in places if p not in flat and not p.startswith("noise.")]
    assert {c["verdict"] for c in results["claims"] if c["id"] == "noise"} == {"not testable here"}  # one level


@pytest.mark.parametrize("dataset", ["ucsf-pdgm", "chexpert"])
def test_prose_of_the_reconstruction_study_quotes_what_is_glued(dataset, reconstruction):
    run = reconstruction(dataset).notebook
    outputs = [output for cell in run["cells"] for output in cell.get("outputs", [])]
    glued = {output["metadata"]["scrapbook"]["name"] for output in outputs if "scrapbook" in output.get("metadata", {})}
    prose = "".join("".join(cell["source"]) for cell in run["cells"] if cell["cell_type"] == "markdown")
    quoted = set(re.findall(r"\{glue:text\}`([^`:]+)", prose))
    assert len(quoted) >= 9 and quoted <= glued


def test_the_reconstruction_study_says_what_acceleration_was_measured(reconstruction):
    """Called 8, it is about 9 or 10: the mask has that many half-spokes, and their pixels are counted."""
    run = reconstruction("ucsf-pdgm").notebook
    (cell,) = (cell for cell in run["cells"] if "noise_table(" in "".join(cell["source"]))
    rows = "".join(cell["outputs"][0]["data"]["text/plain"]).splitlines()
    words = next(row for row in rows if row.startswith("middle")).split()
    spokes = degrade.spokes_for(8, 32)
    measured = degrade.acceleration(degrade.radial_mask(32, spokes, pattern="uniform"))
    assert words[:4] == ["middle", "8", str(spokes), f"{measured:.3f}"] and 8.5 < measured < 10.5
