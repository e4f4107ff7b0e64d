"""The study of pretraining: intervals by loops, encoders and their statistics, cohorts, and what is refused."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers import datasets, learn
from helpers.errors import InputError
from helpers.studies import pretraining
from helpers.studies.pretraining import encoders, recordings
from tests.conftest import ROOT

SMALL = {"width": 16, "depth": 2, "heads": 2, "patch": 6, "side": 24, "registers": 1}
SHORT = {"steps": 2, "network": SMALL, "training": encoders.TRAINING | {"batch_size": 8}, "device": "cpu"}


def images(n=16, size=24, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 1, size, size), dtype=np.uint8)


# -- intervals


def people(n=120, seed=0):
    rng = np.random.default_rng(seed)
    classes, patients = rng.choice(list("abc"), n), rng.integers(30, size=n).astype(str)
    return pretraining.Tested(classes, patients, pd.DataFrame({"machine": np.where(patients < "2", "A", "B")}))


def test_recall_is_the_mean_over_classes():
    tested = people()
    values = np.random.default_rng(1).random((3, 4, 120)) < 0.7
    found = pretraining.recall(values.astype(float), tested, n_boot=100, seed=0)
    means = [values[:, :, tested.classes == c].mean() for c in "abc"]
    assert found.estimate == pytest.approx(np.mean(means)) and found.n == len(set(tested.patients))
    part = tested.classes != "c"
    only = pretraining.recall(values.astype(float), tested, n_boot=100, seed=0, of=part)
    assert only.estimate == pytest.approx(np.mean(means[:2]))
    missing = tested._replace(classes=np.where(part, tested.classes, ""))
    assert pretraining.recall(values.astype(float), missing, n_boot=100, seed=0) == only


def test_intervals_cover_what_varies_between_pretrainings_draws_and_patients():
    """Each factor alone: the interval has the width of its standard error, in a case where it is known."""
    n, rng = 400, np.random.default_rng(0)
    alike = pretraining.Tested(np.repeat("a", n), np.arange(n).astype(str), pd.DataFrame(index=range(n)))
    by_patient = np.broadcast_to(rng.normal(size=n), (1, 5, n))
    by_draw = np.broadcast_to(rng.normal(size=(1, 40, 1)), (1, 40, n))
    for values, error in ((by_patient, by_patient[0, 0].std() / n**0.5), (by_draw, by_draw[0, :, 0].std() / 40**0.5)):
        found = pretraining.recall(values, alike, n_boot=2000, seed=0)
        assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    by_seed = np.broadcast_to(np.array([0.1, 0.2, 0.6])[:, None, None], (3, 5, n))
    found = pretraining.recall(by_seed, alike, n_boot=2000, seed=0)
    assert found.low < 0.1 and found.high > 0.6 and found.seeds_share == pytest.approx(1, abs=0.05)


def test_images_of_a_patient_are_drawn_together():
    n = 300
    patients = np.repeat(np.arange(30), 10).astype(str)
    values = np.repeat(np.random.default_rng(0).normal(size=30), 10)[None, None]
    frame = pd.DataFrame(index=range(n))
    together, apart = (
        pretraining.recall(values, pretraining.Tested(np.repeat("a", n), p, frame), n_boot=2000, seed=0)
        for p in (patients, np.arange(n).astype(str))
    )
    assert (together.high - together.low) > 2.5 * (apart.high - apart.low)


def test_differences_are_paired():
    tested, rng = people(), np.random.default_rng(2)
    first = rng.random((2, 5, 120)) < 0.6
    second = first.copy()
    second[:, :, ::12] = True
    found = {("x", 5): first, ("y", 5): second, ("pixels", 5): first[:1]}
    alone = pretraining.curve(found, tested, n_boot=500, seed=0).set_index("encoder")
    less = pretraining.curve(found, tested, n_boot=500, seed=0, than="x").set_index("encoder")
    assert less.loc["y", "estimate"] == pytest.approx(alone.loc["y", "estimate"] - alone.loc["x", "estimate"])
    assert less.loc["y", "low"] >= 0
    assert less.loc["y", "high"] - less.loc["y", "low"] < alone.loc["y", "high"] - alone.loc["y", "low"]
    assert less.loc["pixels", "estimate"] == pytest.approx(0, abs=0.2) and "x" not in less.index


def test_gains_are_those_of_groups():
    tested, rng = people(), np.random.default_rng(3)
    before = np.zeros((2, 4, 120), bool)
    after = np.broadcast_to((tested.groups["machine"] == "A").to_numpy(), (2, 4, 120)) | (rng.random((2, 4, 120)) < 0.1)
    found = {("random", 5): before, ("in-domain", 5): after}
    table = pretraining.gains(found, tested, attribute="machine", labels=5, n_boot=300, seed=0)
    assert table.index.tolist() == ["A", "B", "A less B"]
    assert table.loc["A", "estimate"] == 1 and table.loc["A less B", "low"] > 0.6
    assert table.loc["A less B", "estimate"] == pytest.approx(1 - table.loc["B", "estimate"])
    with pytest.raises(InputError, match="no group has 10 tested patients"):
        few = tested._replace(groups=pd.DataFrame({"machine": tested.patients}))
        pretraining.gains(found, few, attribute="machine", labels=5, n_boot=10, seed=0)


def test_strength_is_chosen_without_tested_images():
    """One strength serves all tested images, alone or together."""
    rng = np.random.default_rng(0)
    y = rng.choice(list("ab"), 80)
    x = rng.normal(size=(80, 6)) + 2 * (y == "a")[:, None]
    how = {"per_class": 4, "draws": 5, "seed": 0}
    found = pretraining.named(x, y, x, **how)
    assert (found == y).mean() > 0.9
    np.testing.assert_array_equal(pretraining.named(x, y, x[:7], **how), found[:, :7])


def test_macro_f1_is_that_of_scikit_learn_and_its_interval_is_over_patients():
    from sklearn.metrics import f1_score

    tested, rng = people(), np.random.default_rng(4)
    values = np.where(rng.random((2, 3, 120)) < 0.6, tested.classes, rng.choice(list("abc"), (2, 3, 120)))
    found = pretraining.macro_f1(values, tested, n_boot=400, seed=0)
    known = [f1_score(tested.classes, named, average="macro") for some in values for named in some]
    assert found.estimate == pytest.approx(np.mean(known)) and found.n == len(set(tested.patients))
    assert found.low < found.estimate < found.high
    alone = tested._replace(patients=np.arange(120).astype(str))
    right = np.broadcast_to(tested.patients.astype(int) < 15, (1, 3, 120))  # alike within patients
    named = np.where(right, tested.classes, "none")
    wide, narrow = (pretraining.macro_f1(named, t, n_boot=400, seed=0) for t in (tested, alone))
    assert wide.high - wide.low > 1.4 * (narrow.high - narrow.low)
    missing = tested._replace(classes=np.where(np.arange(120) < 60, tested.classes, ""))
    half = pretraining.f1_curve({("x", 5): values}, missing, n_boot=50, seed=0).iloc[0]
    known = [f1_score(tested.classes[:60], one[:60], average="macro") for some in values for one in some]
    assert half["estimate"] == pytest.approx(np.mean(known)) and half["labels"] == 5


# -- encoders


def test_the_slip_is_the_published_shift():
    statistics = pretraining.Statistics((0.2,), (0.25,))
    right, wrong = (encoders.normalised(images(), s) for s in (statistics, pretraining.slipped(statistics)))
    np.testing.assert_allclose(wrong, 1.033 * right + 1.21, atol=1e-4)


def test_other_statistics_are_refused_and_shown_on_request():
    made = pretraining.pretrain("in-domain", images(), seed=0, **SHORT)
    other = pretraining.slipped(made.statistics)
    with pytest.raises(InputError, match=r"pretrained with mean 0.5.* Test every encoder with the statistics"):
        pretraining.features(made, images(), statistics=other)
    changed = pretraining.features(made, images(), statistics=other, check=False)
    assert not np.allclose(changed, pretraining.features(made, images()))
    near = pretraining.Statistics(made.statistics.mean, (made.statistics.sd[0] * 1.01,))
    pretraining.check_statistics(made, near)
    with pytest.raises(InputError, match="normalisation of the in-domain encoder"):
        pretraining.check_statistics(made, pretraining.Statistics((0.5,) * 3, (0.2,) * 3))


def test_statistics_of_three_channels_do_not_fit_a_grey_network():
    assert pretraining.statistics_from("0.1843, 0.2188", 1) == ((0.1843,), (0.2188,))
    assert pretraining.statistics_from(".4,.5,.6,.2,.2,.3", 3) == ((0.4, 0.5, 0.6), (0.2, 0.2, 0.3))
    for text, channels in (("0.485, 0.456, 0.406, 0.229, 0.224, 0.225", 1), ("0.2", 1), ("a, b", 1), ("0.1, 0", 1)):
        with pytest.raises(InputError, match="STATISTICS"):
            pretraining.statistics_from(text, channels)


def test_a_collapsed_and_an_untrained_encoder_are_named():
    made = pretraining.pretrain("in-domain", images(), seed=0, **SHORT)
    rng = np.random.default_rng(0)
    usable, equal = rng.normal(size=(40, 8)), np.outer(rng.random(40) + 1, np.ones(8))
    long = made._replace(history=pd.DataFrame({"step": [3000], "dino": [2.5]}))
    at_log_k = made._replace(history=pd.DataFrame({"step": [3000], "dino": [math.log(128)]}))
    found = [
        encoders.state_of(e, x)["state"] for e, x in ((long, usable), (long, equal), (at_log_k, usable), (made, usable))
    ]
    assert found[0] == "usable" and found[1].startswith("collapsed") and found[2].startswith("not trained")
    assert found[3] == "barely trained: fewer than 500 steps"


def test_what_cannot_be_pretrained_on_is_refused():
    with pytest.raises(InputError, match="in-domain images: 4, fewer than a batch of 8"):
        pretraining.pretrain("in-domain", images(4), seed=0, **SHORT)
    with pytest.raises(InputError, match="smaller than a view of 12 pixels"):
        pretraining.pretrain("in-domain", images(size=10), seed=0, **SHORT)


def test_a_users_weights_are_read_from_a_file(tmp_path):
    learn.save_vit(learn.vit(width=64, depth=2, heads=1, patch=6, side=24, channels=3), tmp_path / "mine.pth")
    made = pretraining.user_encoder(tmp_path / "mine.pth", "0.485,0.456,0.406,0.229,0.224,0.225", size=24)
    assert pretraining.features(made, images()).shape == (16, 128) and made.kind == "WEIGHTS"
    with pytest.raises(InputError, match="SIZE = 25: no multiple of the encoder's patch of 6"):
        pretraining.user_encoder(tmp_path / "mine.pth", "0.1,0.1,0.1,0.2,0.2,0.2", size=25)
    with pytest.raises(InputError, match="STATISTICS"):
        pretraining.user_encoder(tmp_path / "mine.pth", "0.1843, 0.2188", size=24)


def test_textures_have_the_spectrum_of_photographs():
    found = pretraining.other_textures(200, size=32, seed=0)
    assert found.shape == (200, 1, 32, 32) and found.dtype == np.uint8
    assert 118 < found.mean() < 138 and 40 < found.std() < 56
    power = (np.abs(np.fft.fft2(found[:, 0] / 1.0)) ** 2).mean(0)
    slope = np.polyfit(np.log(np.arange(1, 12)), np.log(power[0, 1:12]), 1)[0]
    assert -3 < slope < -1.5
    np.testing.assert_array_equal(found, pretraining.other_textures(200, size=32, seed=0))
    assert (found != pretraining.other_textures(200, size=32, seed=1)).any()


# -- recorded encoders


def test_encoders_are_recorded_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "folder", lambda: tmp_path)
    few = recordings.images("in-domain", n=64, size=24, seed=0)
    made = [pretraining.pretrain("in-domain", few, seed=seed, steps=2, device="cpu") for seed in (0, 1, 2)]
    file = tmp_path / "in-domain.pt"
    recordings.save(made, file, steps=2)
    assert file.stat().st_size <= 500_000
    again = pretraining.recorded("in-domain", seeds=2)
    assert [e.seed for e in again] == [0, 1]
    for old, new in zip(made, again, strict=False):
        old, new = (pretraining.features(e, few[:8]) for e in (old, new))
        np.testing.assert_allclose(new, old, atol=0.02)
    with pytest.raises(InputError, match=r"a-tenth.pt: there is no such file"):
        pretraining.recorded("a tenth", seeds=1)
    with pytest.raises(InputError, match="KINDS: must be in-domain"):
        pretraining.recorded("in-domain again", seeds=1)
    monkeypatch.setitem(encoders.TRAINING, "lr", 0.5)
    with pytest.raises(InputError, match="made with other settings than those of today"):
        pretraining.recorded("in-domain", seeds=1)
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(InputError, match="not a complete file of recorded encoders"):
        pretraining.recorded("in-domain", seeds=1)


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_recorded_encoders_are_of_todays_settings_and_code(kind):
    """The code has the recorded hash, or a short pretraining gives what it gave then."""
    file = ROOT / "book" / "recorded" / "09_pretraining" / "encoders" / recordings.KINDS[kind]
    if not file.is_file():
        pytest.skip("no encoders are recorded: python -m helpers.studies.pretraining")
    content = recordings.contents(file)
    assert file.stat().st_size <= 500_000
    assert json.loads(content["settings"]) == recordings.settings(int(content["losses"][0, 1]))
    if content["code"] != recordings.code():
        np.testing.assert_allclose(recordings.canary(), content["canary"].numpy(), atol=1e-3)


# -- cohorts


@pytest.fixture(scope="module")
def simulated():
    return pretraining.simulated(150, 100, size=24, seed=3)


def test_a_simulated_cohort_has_its_parts(simulated):
    rows = simulated.rows
    assert simulated.factors == ("plane", "machine", "operator", "habitus") and simulated.images.dtype == np.uint8
    assert simulated.part("pool").sum() == 150 and simulated.part("test").sum() == 100
    assert not set(rows["patient"][simulated.part("pool")]) & set(rows["patient"][simulated.part("test")])
    assert rows["plane"].nunique() == 5 and set(rows["machine"]) == {"Voluson E6", "Aloka"}
    assert len(simulated.unlabelled) == 128 and rows["habitus"].notna().all()
    assert pretraining.described(simulated)["n"].sum() == 250


def test_a_probe_reads_what_is_planted_and_nothing_else(simulated):
    found = {"pixels": simulated.images.reshape(1, 250, -1).astype(np.float32)}
    found["noise"] = np.random.default_rng(0).normal(size=(1, 250, 20))
    hits = pretraining.probed(found, simulated, "plane", labels=[1, 15], draws=6, seed=0)
    table = pretraining.curve(hits, simulated.tested("plane"), n_boot=200, seed=0).set_index(["encoder", "labels"])
    assert table.loc[("pixels", 15), "low"] > 0.5 > table.loc[("pixels", 1), "estimate"] > 0.2
    assert table.loc[("noise", 15), "low"] < 0.2 < table.loc[("noise", 15), "high"]


def test_the_slip_costs_accuracy_although_nothing_is_better(simulated):
    made = pretraining.pretrain("in-domain", simulated.unlabelled, seed=0, steps=2, device="cpu")
    hits = pretraining.slip(made, simulated, "machine", labels=[10], draws=6, seed=0)
    fall = pretraining.curve(hits, simulated.tested("machine"), n_boot=200, seed=0, than="its statistics").iloc[0]
    assert fall["high"] < 0


@pytest.fixture
def download(tmp_path):
    return datasets.simulate_fetal_planes(60, n_test=20, seed=4, size=32, folder=tmp_path)


def test_a_download_is_read_without_images_of_the_test(download):
    found = pretraining.load(download, size=24)
    pool, tested = found.part("pool"), found.part("test")
    assert found.factors == ("plane", "machine", "operator") and pool.sum() == 60 and len(found.unlabelled) == 60
    cases, _ = datasets.load_fetal_planes(download, progress=False)
    train, test = (cases[cases["part"] == part] for part in ("train", "test"))
    copied = download / "Images" / f"{train['image'].iloc[0]}.png"
    copied.write_bytes((download / "Images" / f"{test['image'].iloc[0]}.png").read_bytes())
    again = pretraining.load(download, size=24)
    assert again.part("pool").sum() == 59 and len(again.unlabelled) == 59 and again.part("test").sum() == tested.sum()
    counted = again.dropped.set_index("reason")["n"]
    assert counted["bytes of a tested image: left out"] == 1
    # The stranger's plane and the machines of the test alone are not in the pool.
    assert counted["tested plane that the pool does not have: not read"] == 20
    assert counted["tested machine that the pool does not have: not read"] == 40
    assert set(again.tested("machine").classes) == {"", "Voluson E6", "Aloka"}


def test_a_class_with_too_few_cases_is_refused(download):
    found = pretraining.load(download, size=24)
    random = {"x": np.zeros((1, len(found.images), 2))}
    with pytest.raises(InputError, match="labels a class = 500"):
        pretraining.probed(random, found, "machine", labels=[500], draws=2, seed=0)


@pytest.fixture
def mine(tmp_path):
    """A user's table: grey pictures of ten patients, a finding that brightens one half."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(60):
        ill = int(k % 2)
        picture = rng.integers(0, 120, (30, 40)).astype(np.uint8)
        picture[:, :20] += 100 * ill
        Image.fromarray(picture).save(tmp_path / f"{k}.png")
        rows.append({"file": f"{k}.png", "patient_id": f"p{k % 20}", "finding": ill, "sex": "FM"[k % 4 < 2]})
    pd.DataFrame(rows).to_csv(tmp_path / "mine.csv", index=False)
    return tmp_path / "mine.csv"


def test_a_users_table_is_a_cohort(mine):
    columns = {"TARGETS": "finding", "GROUPS": "sex", "PATIENT": "patient_id"}
    found = pretraining.from_table(datasets.load_image_table(mine, columns), size=24, seed=0)
    assert found.factors == ("finding", "sex") and set(found.rows["finding"]) == {"finding", "no finding"}
    assert found.images.shape == (60, 1, 24, 24) and found.images.dtype == np.uint8
    assert len(found.unlabelled) == found.part("pool").sum() > found.part("test").sum() > 0
    assert not set(found.rows["patient"][found.part("pool")]) & set(found.rows["patient"][found.part("test")])


def test_images_with_an_empty_label_are_pretrained_on_and_not_probed(mine):
    columns = {"TARGETS": "finding", "GROUPS": "sex", "PATIENT": "patient_id", "SPLIT": "split"}
    frame = pd.read_csv(mine)
    frame["split"] = np.where(frame["patient_id"].str[1:].astype(int) < 8, "test", "train")
    frame["finding"] = frame["finding"].where(frame.index >= 20).astype("Int64")
    frame.to_csv(mine, index=False)
    found = pretraining.from_table(datasets.load_image_table(mine, columns), size=24, seed=0)
    empty = frame["finding"].isna()
    tested = frame["split"] == "test"
    assert len(found.rows) == (~empty).sum() and len(found.unlabelled) == (~tested).sum()
    counts = found.dropped.set_index("reason")["n"]
    assert counts["no value of finding: pretrained on, and not probed"] == (empty & ~tested).sum() == 12
    assert counts["no value of finding: left out"] == (empty & tested).sum() == 8


def test_the_published_recipe_is_a_vit_s_at_224_pixels():
    """DINOv2's ViT-S has 21.6 million weights with patches of 16 pixels, three channels and 196 places."""
    recipe = pretraining.RECIPES["vit-s"]
    with torch.device("meta"):
        net = learn.vit(**recipe["network"])
        learn.self_distillation(net, steps=10, **recipe["heads"])
    grey = 384 * 16 * 16 * 2  # weights of the other two channels
    registers, scales, mask = 4 * 384, 2 * 12 * 384, 384
    count = sum(weight.numel() for weight in net.parameters())
    assert count == 21_665_664 - grey + registers + scales + mask
    assert (recipe["views"]["large"], recipe["network"]["side"]) == (224, 224)
    views = learn.Views(**recipe["views"], patch=16)((torch.rand(2, 1, 224, 224),))
    assert views[0].shape[-1] == 224 and views[1].shape[-1] == 96


def test_a_table_without_a_label_or_with_one_patient_is_refused(mine):
    columns = {"GROUPS": "sex, finding", "PATIENT": "patient_id"}
    table = datasets.load_image_table(mine, columns)
    with pytest.raises(InputError, match="TARGETS: no column of the table holds a label"):
        pretraining.from_table(table._replace(labels=table.labels[[]]), size=24, seed=0)
    frame = pd.read_csv(mine).assign(split=np.repeat(["train", "test"], 30))
    frame["patient_id"] = np.where(frame["split"] == "train", frame["patient_id"] + "a", "one")
    frame.to_csv(mine, index=False)
    columns = {"TARGETS": "finding", "GROUPS": "sex", "PATIENT": "patient_id", "SPLIT": "split"}
    with pytest.raises(InputError, match="the test part: it has 1 patient"):
        pretraining.from_table(datasets.load_image_table(mine, columns), size=24, seed=0)


@pytest.mark.parametrize("fault", ["empty", "web page", "no image", "split patient"])
def test_a_malformed_download_is_one_line(fault, download):
    table = download / "FETAL_PLANES_DB_data.csv"
    if fault == "empty":
        table.unlink()
    elif fault == "web page":
        for file in (download / "Images").iterdir():
            file.write_text("<html>log in</html>")
    elif fault == "no image":
        for file in (download / "Images").iterdir():
            file.unlink()
    else:
        rows = pd.read_csv(table, sep=";", dtype=str)
        rows["Patient_num"] = "1"
        rows.to_csv(table, sep=";", index=False)
    with pytest.raises(InputError) as error:
        pretraining.load(download, size=24)
    assert "\n" not in str(error.value) and "Patient0" not in str(error.value)


def test_recorded_encoders_do_not_know_real_images(simulated):
    with pytest.raises(InputError, match="ENCODERS: the recorded encoders know simulated images alone"):
        pretraining.made(["in-domain"], simulated, way="recorded", seeds=1, steps=2, n_images=80, real=True)


def test_kinds_that_are_not_recorded_are_pretrained(simulated, tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "folder", lambda: tmp_path)
    made = pretraining.made(["in-domain again"], simulated, way="recorded", seeds=1, n_images=9, **SHORT)
    assert made["in-domain again"][0].history["step"].iloc[-1] == 2


def test_real_images_are_pretrained_on(download):
    found = pretraining.load(download, size=24)
    made = pretraining.made(
        ["in-domain", "other textures"], found, way="train", seeds=1, n_images=9, real=True, **SHORT
    )
    assert {k: len(v) for k, v in made.items()} == {"random": 1, "in-domain": 1, "other textures": 1}
    assert made["in-domain"][0].statistics == pretraining.Statistics.of(found.unlabelled)
    values = pretraining.embedded(made, found)
    assert values["in-domain"].shape == (1, len(found.images), 32) and values["histogram"].shape[2] == 16
    assert pretraining.states(made, values, found)["encoder"].tolist() == list(made)


# -- parameters


def test_labels_and_kinds_are_read_from_text():
    assert pretraining.listed("5, 1,20") == [1, 5, 20]
    for text in ("", "1,x", "0,1", "2,2"):
        with pytest.raises(InputError, match="LABELS"):
            pretraining.listed(text)
    assert pretraining.chosen("all", ["a", "b"]) == ["a", "b"]
    with pytest.raises(InputError, match="KINDS: must be in-domain, a tenth"):
        pretraining.chosen("in-domian", pretraining.ALL_KINDS)


# -- the notebook


@pytest.mark.slow
def test_the_notebook_runs_on_a_download(tmp_path):
    from tests.tiny import execute

    root = datasets.simulate_fetal_planes(300, n_test=120, seed=5, size=32, folder=tmp_path / "data")
    results = execute("09_pretraining", tmp_path / "run", SOURCE="real", DATA_ROOT=str(root))
    assert results["provenance"]["source"] == "real" and results["provenance"]["parameters"]["DATA_ROOT"] == "DATA_ROOT"
    assert set(results["values"]["reads"]) == {"random", "in-domain", "other textures", "pixels", "histogram"}
    assert all(row["verdict"] == "not testable here" for row in results["claims"])


def test_the_command_records_encoders_and_goes_on(tmp_path, monkeypatch, capsys):
    from helpers.keep import cache
    from helpers.studies.pretraining import __main__ as command

    monkeypatch.setattr(recordings, "folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(recordings, "N_IMAGES", 70)
    monkeypatch.setattr(cache, "folder", lambda *_, **__: tmp_path / "checkpoints")
    for _ in range(2):
        command.main(["--seeds", "1", "--steps", "2", "--kinds", "in-domain"])
    first, again = capsys.readouterr().out.splitlines()
    assert first == again and first.startswith("in-domain, seed 0: loss ")
    assert len(pretraining.recorded("in-domain", seeds=3)) == 1
