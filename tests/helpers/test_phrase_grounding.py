"""Phrase grounding: captions and their changes, maps of words and plain maps, measures, tuning, and the page."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers import datasets, learn, metrics
from helpers.errors import InputError
from helpers.studies import phrase_grounding as study
from tests.helpers.vindr_folders import vindr_folder

HOW = {"steps": 8, "tune_steps": 2, "inversion_steps": 3, "features": (8, 16), "device": "cpu"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return datasets.load_ms_cxr(datasets.simulate_ms_cxr(40, 60, same=0.3, folder=tmp_path_factory.mktemp("made")))


@pytest.fixture(scope="module")
def vocabulary(loaded):
    return learn.vocabulary_of([*loaded.phrases["text"], "."])


@pytest.fixture(scope="module")
def test_part(loaded, vocabulary):
    return study.read_cohort(loaded, "test", side=16, vocabulary=vocabulary)


@pytest.fixture(scope="module")
def training(loaded, vocabulary):
    return study.read_cohort(loaded, "train", side=16, vocabulary=vocabulary)


@pytest.fixture(scope="module")
def model(vocabulary):
    net = learn.text_denoiser(vocabulary, features=(8, 16), width=8, steps=100)
    with torch.no_grad():
        for weights in net.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(weights.numel()))
    return net.eval()


@pytest.fixture(scope="module")
def done(loaded):
    return study.run(loaded, n_test=60, **HOW)


# Captions


def words(cohort, vocabulary, places) -> list[list[str]]:
    tokens = cohort.tokens[cohort.phrases["image"]]
    return [[vocabulary[k] for k in row[where]] for row, where in zip(tokens, places, strict=True)]


def test_places_of_words_are_those_of_the_phrase(test_part, vocabulary):
    findings, sides = (words(test_part, vocabulary, part) for part in (test_part.finding, test_part.named))
    texts = test_part.phrases["text"]
    assert [f"{side[0]} {finding[0]}" for side, finding in zip(sides, findings, strict=True)] == texts.tolist()
    assert test_part.pictures.min() >= -1 and test_part.pictures.max() <= 1 and test_part.tokens.shape[1] == 6


def test_pictures_are_divided_by_their_findings(test_part):
    parts = study.alike(test_part)
    assert (parts["same"].phrases.groupby("image")["category"].nunique() == 1).all()
    assert (parts["different"].phrases.groupby("image")["category"].nunique() == 2).all()
    assert sum(len(part.pictures) for part in parts.values()) == len(test_part.pictures)
    for part in parts.values():
        assert len(part.masks) == len(part.phrases) == 2 * len(part.pictures) == len(part.finding)
        assert part.phrases["image"].max() + 1 == len(part.pictures)


def test_sides_are_swapped_in_captions_alone(test_part, vocabulary):
    other = study.swapped(test_part, vocabulary)
    before, after = (words(cohort, vocabulary, test_part.named) for cohort in (test_part, other))
    assert all({a[0], b[0]} == {"left", "right"} for a, b in zip(before, after, strict=True))
    assert other.phrases is test_part.phrases
    assert (study.swapped(other, vocabulary).tokens == test_part.tokens).all()


def test_an_absent_finding_is_in_no_phrase_of_its_picture_and_keeps_its_side(test_part, vocabulary):
    cohort = study.alike(test_part)["different"]
    gone = study.absent(cohort, vocabulary)
    assert len(gone.phrases) == len(cohort.pictures)
    there = cohort.phrases.groupby("image")["text"].agg(lambda of: {text.split()[1] for text in of})
    for row, finding in zip(gone.phrases.itertuples(), words(gone, vocabulary, gone.finding), strict=True):
        assert finding[0] not in there[row.image] and row.text.split() == [row.side, finding[0]]


def test_halves_are_those_of_the_patient(test_part):
    halves = study.half_masks(test_part.phrases["side"], 16)
    lungs = study.lung_masks(test_part.phrases["side"], 16)
    over = (test_part.masks & ~halves).any(1).sum(-1)  # columns of a box beyond the middle of the picture
    assert over.max() <= 1 and (over == 0).mean() > 0.5
    assert (lungs <= halves).all() and lungs.any((1, 2)).all()
    both = pd.Series([None], dtype="str")
    assert study.half_masks(both, 16).all() and study.lung_masks(both, 16).sum() == lungs[0].sum() * 2


def test_captions_are_shuffled_whole(training):
    mixed = study.shuffled(training.tokens)
    assert sorted(map(tuple, mixed)) == sorted(map(tuple, training.tokens)) and (mixed != training.tokens).any()


def test_another_scanner_keeps_the_range(test_part):
    other = study.other_scanner(test_part)
    assert other.pictures.shape == test_part.pictures.shape and abs(other.pictures).max() <= 1
    assert other.pictures.dtype == np.float32 and (other.pictures != test_part.pictures).any()


# Maps


def test_words_have_their_columns_of_attention_and_all_words_together_none(model, test_part):
    attention = study.attention_of(model, test_part, times=(10, 50)).mean((0, 1))
    maps = study.maps_of_words(attention, test_part)
    image = test_part.phrases["image"]
    one = test_part.finding[3].argmax()
    np.testing.assert_allclose(maps["finding word"][3], attention[image[3], one])
    np.testing.assert_allclose(maps["start token"][3], attention[image[3], 0])
    np.testing.assert_allclose(maps["all tokens"], 1 / 6, atol=1e-6)
    other = np.flatnonzero((image == image[3]) & (test_part.phrases.index != 3))[0]
    np.testing.assert_allclose(maps["other phrase"][3], maps["finding word"][other])
    np.testing.assert_allclose(maps["whole phrase"] * 2, maps["finding word"] + maps["side word"], rtol=1e-5)


def test_plain_maps_need_no_network_and_the_prior_is_the_mean_of_training_boxes(test_part, training):
    maps = study.plain_maps(test_part, training)
    shown = test_part.pictures[test_part.phrases["image"], 0]
    np.testing.assert_allclose(maps["brightness"][5], abs(shown[5] - shown[5].mean()), rtol=1e-6)
    phrase = test_part.phrases.iloc[5]
    alike = (training.phrases["category"] == phrase["category"]) & (training.phrases["side"] == phrase["side"])
    np.testing.assert_allclose(maps["position prior"][5], training.masks[alike].mean(0))


def test_measures_of_the_boxes_themselves_are_perfect_and_of_the_others_are_not(test_part):
    cohort = study.alike(test_part)["different"]
    found = study.measured(cohort.masks.astype(float), cohort)
    assert (found["auroc"] == 1).all() and (found["pointing"] == 1).all() and (found["iou"] == 1).all()
    assert (found["mass_on_other"] == 0).all() and found["side_right"].mean() == 1 and found["cnr"].isna().all()
    other = cohort.masks.reshape(-1, 2, 16, 16)[:, ::-1].reshape(cohort.masks.shape).astype(float)
    found = study.measured(other, cohort)
    assert (found["auroc"] < 0.6).all() and found["side_right"].mean() == 0 and found["mass_on_other"].mean() > 0.9


def test_a_missing_map_has_no_measure(test_part):
    maps = test_part.masks.astype(float)
    maps[1] = np.nan
    found = study.measured(maps, test_part)
    assert found.loc[1, list(study.MEASURES)].isna().all() and found["auroc"].notna().sum() == len(maps) - 1
    assert study.measured(maps * np.nan, test_part)[list(study.MEASURES)].isna().all(axis=None)


def test_the_best_threshold_is_that_of_the_best_overlap(test_part):
    maps = np.where(test_part.masks, 0.8, 0.5)
    maps[:, 0, 0], maps[:, 0, 1] = 0.0, 1.0
    level = study.best_level(maps, test_part)
    assert 0.5 <= level < 0.8
    assert study.best_level(np.full_like(maps, np.nan), test_part) == 0.5


def test_refined_maps_are_zero_below_a_threshold_and_a_constant_one_stays_constant():
    maps = np.random.default_rng(0).random((2, 16, 16))
    maps[1] = 0.4
    found = study.refined(maps)
    assert (found[0] == 0).any() and found[0].max() == 1 and np.ptp(found[1]) == 0


# Tuning


def test_tuning_moves_the_side_and_leaves_the_network(model, training, test_part):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tuned = study.tune_words(model, training, steps=60, lr=0.2, device="cpu")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(part.requires_grad for part in model.parameters())
    maps = {}
    for name, added in (("before", None), ("after", study.tuned_vectors(tuned, test_part))):
        attention = study.attention_of(model, test_part, times=(20, 40, 60), added=added).mean((0, 1))
        maps[name] = study.measured(study.maps_of_words(attention, test_part)["finding word"], test_part)
    assert maps["after"]["mass_on_side"].mean() > maps["before"]["mass_on_side"].mean() + 0.02


def test_without_sides_one_vector_serves_both(model, training, test_part):
    tuned = study.tune_words(model, training, sides="none", steps=2, device="cpu")
    assert (tuned.added[:2] == 0).all() and (tuned.added[2] != 0).any()
    added = study.tuned_vectors(tuned, test_part, sides="none")
    assert added.shape == (len(test_part.pictures), 6, 8) and (added[:, 0] == 0).all()


def test_a_second_term_holds_the_map_in_its_half(model, training):
    free, held = (study.tune_words(model, training, keep=k, steps=20, lr=0.2, device="cpu") for k in (0.0, 30.0))
    assert held.added.abs().mean() < free.added.abs().mean()


def test_bad_tuning_is_refused(model, training):
    with pytest.raises(InputError, match="sides: must be named, random or none"):
        study.tune_words(model, training, sides="left")
    with pytest.raises(InputError, match="keep = -1"):
        study.tune_words(model, training, keep=-1)
    none = training._replace(phrases=training.phrases.assign(side=pd.Series(None, dtype="str")))
    with pytest.raises(InputError, match="no phrase names a side"):
        study.tune_words(model, none, steps=1)
    tuned = study.TunedWords(model, ("Edema",))
    with pytest.raises(InputError, match="was not tuned"):
        study.tuned_vectors(tuned, training)


# The experiment


def test_a_run_has_every_situation_map_and_measure(done):
    rows = done["rows"]
    assert set(rows["situation"]) == {"different", "same", "other scanner", "same, other scanner"}
    methods = set(rows["method"])
    assert set(study.METHODS) | set(study.TUNINGS) <= methods
    assert {"finding word, refined", "finding word, inverted", "finding word, all layers and times"} <= methods
    every = rows[rows["method"] == "all tokens"]["auroc"]
    np.testing.assert_allclose(every, 0.5, atol=1e-6)
    assert rows.loc[rows["method"] == "all tokens", "side_right"].isna().all()
    assert done["steps"].shape == (done["chosen"]["layers"], 9)
    assert done["n"] == {"train": 40, "test": 60, "choosing": 40}


def test_layer_and_times_are_chosen_on_the_validation_if_there_is_one(tmp_path):
    root = study.simulate("plain", 24, 20, folder=tmp_path)
    options = HOW | {"tune_steps": 0, "inversion_steps": 0, "steps": 2}
    first = study.run(datasets.load_ms_cxr(root), n_test=20, **options)
    assert first["n"] == {"train": 24, "test": 20, "choosing": 20}
    for file in datasets.load_ms_cxr(root).phrases.query("split == 'test'")["file"]:
        Image.fromarray(np.asarray(Image.open(file)).T).save(file)
    again = study.run(datasets.load_ms_cxr(root), n_test=20, **options)
    assert again["chosen"] == first["chosen"] and again["steps"].equals(first["steps"])
    assert not again["rows"].equals(first["rows"])


def test_statistics_have_intervals_and_patients(done):
    found = study.statistics(done["rows"], n_boot=100)
    assert {"aligned", "other", "selection", "refined", "inverted", "tuning", "follows side", "gap"} <= set(found)
    assert all(part["low"] <= part["estimate"] <= part["high"] and part["n"] >= 10 for part in found.values())
    assert study.contrast(done["rows"].iloc[:4], "auroc", "brightness", "finding word", situation="different") is None
    table = study.map_table(done["rows"], "auroc", situation="different")
    assert (table["low"] <= table["estimate"]).all() and table.loc["brightness", "n"] > 20
    for measure in ("auroc", "pointing", "side_right"):
        for row in study.map_table(done["rows"], measure, situation="same").itertuples():
            assert 0 <= row.low <= row.estimate <= row.high <= 1
            inside = 0 < row.estimate < 1 and row.high > row.low
            assert not inside or (row.low > 0 and row.high < 1), "an interval that reaches a bound was cut there"


def test_means_over_trainings_are_of_trainings_and_stay_within_bounds():
    names = {"aligned": [0.3, -0.1, 0.2], "selection of CNR": [3.0, -2.0, 5.0], "auroc, different, finding word": 0}
    names["auroc, different, finding word"] = [0.99, 0.6, 0.95]
    names |= {"absent": [1.0, 1.0, 1.0], "tuning": [0.5, 0.5, 0.5]}
    of_patients = {"world": "plain", "low": 0.2, "high": 0.3, "n": 100}
    rows = [
        {"statistic": name, "seed": k, "estimate": value, **of_patients}
        for name, values in names.items()
        for k, value in enumerate(values)
    ]
    table = study.over_trainings(pd.DataFrame(rows)).set_index("statistic")
    assert (table["seeds"] == 3).all()
    np.testing.assert_allclose(table["estimate"], [np.mean(values) for values in names.values()])
    cnr = np.array(names["selection of CNR"])
    half = 4.302653 * cnr.std(ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(table.loc["selection of CNR", ["low", "high"]], cnr.mean() + np.array([-half, half]))
    area = table.loc["auroc, different, finding word"]
    assert 0 < area["low"] < area["low90"] < area["estimate"] < area["high90"] < area["high"] < 1
    assert -1 < table.loc["aligned", "low"] < 0 < table.loc["aligned", "high"] < 1
    assert table.loc["absent", ["low", "high"]].tolist() == [1, 1]
    assert study.bounds_of("gap") is None and study.bounds_of("gap of pointing") == (-1, 1)
    values = study.claim_values(pd.DataFrame(rows), "plain")
    assert set(values) == {"aligned", "selection of CNR", "tuning"}
    assert values["aligned"]["n"] == 3.0 and {"low90", "high90"} <= set(values["aligned"])
    assert study.claim_values(pd.DataFrame(rows).query("seed == 0"), "plain") == {}
    assert study.claim_values(pd.DataFrame(), "plain") == {}
    held = study.world_values(pd.DataFrame(rows))["rates"]["plain"]
    assert held["aligned"]["holds"]["estimate"] == 1 and held["aligned"]["mean"]["low"] == table.loc["aligned", "low"]


def test_worlds_share_no_seed():
    seeds = [study.seed_of(world, seed) for world in study.WORLDS for seed in range(50)]
    assert len(set(seeds)) == len(seeds) and study.seed_of("plain", 0) == 0
    assert study.seed_of(study.REAL, 7) == 7


def test_a_null_world_is_another_draw_of_plain(tmp_path):
    plain, null = (study.simulate(w, 4, 4, seed=study.seed_of(w, 2), folder=tmp_path) for w in ("plain", "group-none"))
    pictures = [
        np.asarray(Image.open(datasets.load_ms_cxr(root).phrases["file"].iloc[0])).astype(float)
        for root in (plain, null)
    ]
    assert plain != null and abs(pictures[0] - pictures[1]).mean() > 1


def test_random_sides_are_drawn_anew_in_each_world(training, model):
    drawn = {
        world: study.tune_words(model, training, sides="random", steps=3, seed=study.seed_of(world, 1), device="cpu")
        for world in ("plain", "shuffled")
    }
    assert (drawn["plain"].added - drawn["shuffled"].added).abs().max() > 1e-3


def test_absence_is_an_area_and_none_for_few(done):
    found = study.absence(done["peaks"], n_boot=100)
    assert 0 <= found["low"] <= found["estimate"] <= found["high"] <= 1
    peaks = done["peaks"].assign(peak=done["peaks"]["present"] + 0.1)
    assert study.absence(peaks, n_boot=50)["estimate"] == 1
    assert study.absence(done["peaks"].iloc[:8]) is None


def test_a_gap_by_sex_that_is_planted_is_found(done):
    rows = done["rows"].assign(cnr=np.where(done["rows"]["sex"] == "F", 0.5, 1.0))
    found = study.gap_by_sex(rows, "cnr", "finding word", situation="different", n_boot=200)
    assert found.estimate == pytest.approx(-0.5) and found.high < 0
    few = rows[(rows["sex"] == "M") | (rows["image"] < 5)]
    assert study.gap_by_sex(few, "cnr", "finding word", situation="different") is None


def test_worlds_plant_what_they_name_and_rates_follow_the_intervals(tmp_path):
    how = {"n_train": 30, "n_test": 60, "n_boot": 50, "folder": str(tmp_path)} | HOW | {"inversion_steps": 0}
    made = pd.DataFrame(study.world_job("shuffled", 3, **how)).assign(world="shuffled", seed=3)
    assert {"aligned", "gap", "absent", "auroc, different, brightness"} <= set(made["statistic"])
    rows = pd.concat([made, made.assign(seed=4, low=0.1, estimate=0.2, high=0.3)])
    values = study.world_values(rows)["rates"]["shuffled"]
    assert {"selection of CNR", "tuning"} <= set(study.claim_values(rows, "shuffled"))
    assert values["aligned"]["holds"]["n"] == 2 and "holds" not in values["absent"]
    assert values["gap"]["holds"]["estimate"] <= 0.5 <= values["aligned"]["holds"]["estimate"]
    with pytest.raises(InputError, match="world: must be plain"):
        study.world_job("moot", 3)


def test_maps_and_steps_are_drawn(done):
    fig, ax = plt.subplots()
    study.draw_maps(done["shown"]["same"], ["finding word", "brightness", "tuned"], 0, ax=ax)
    assert ax.get_gid() == "pixels" and len(ax.get_yticklabels()) == 2
    study.draw_steps(done["steps"], ax=fig.add_subplot())
    with pytest.raises(InputError, match="there is no map 'moot'"):
        study.draw_maps(done["shown"]["same"], ["moot"], 0, ax=ax)
    with pytest.raises(InputError, match="image = 999"):
        study.draw_maps(done["shown"]["same"], ["brightness"], 999, ax=ax)
    plt.close("all")


def test_bad_input_is_refused(loaded, done, vocabulary):
    with pytest.raises(InputError, match="a map needs 16 cells or more"):
        study.read_cohort(loaded, "test", side=8)
    with pytest.raises(InputError, match="there is no phrase of validation"):
        study.read_cohort(loaded, "validation", side=16)
    with pytest.raises(InputError, match="is not in the vocabulary"):
        study.read_cohort(loaded, "test", side=16, vocabulary=vocabulary[:4])
    with pytest.raises(InputError, match="situation: moot has no row with auroc"):
        study.map_table(done["rows"], "auroc", situation="moot")
    with pytest.raises(InputError, match="measure: must be auroc"):
        study.map_table(done["rows"], "dice", situation="same")
    with pytest.raises(InputError, match=r"maps: .* a part of bool"):
        metrics.pointing(np.zeros((1, 4, 4)), np.zeros((2, 4, 4), bool))


# Pictures that cannot be asked about


def changed(loaded, picture: int, split: str, **values):
    """Change columns of the phrases of one picture of a split."""
    phrases = loaded.phrases.copy()
    names = phrases.loc[phrases["split"] == split, "picture"].unique()
    rows = phrases.index[phrases["picture"] == names[picture]]
    for name, value in values.items():
        phrases.loc[rows[: len(value)], name] = value
    return loaded._replace(phrases=phrases)


def test_all_pictures_of_drawings_can_be_asked_about(loaded):
    asked, vocabulary, dropped = study.usable(loaded, n_test=60)
    pd.testing.assert_frame_equal(asked.phrases, loaded.phrases)
    pd.testing.assert_frame_equal(asked.boxes, loaded.boxes)
    assert dropped.empty and "." in vocabulary and "opacity" in vocabulary


def test_pictures_with_unknown_words_or_one_phrase_are_left_out_and_counted(loaded):
    given = changed(loaded, 0, "test", text=["left nodule"])
    given = changed(given, 1, "test", category=["Edema"])
    given = changed(given, 2, "train", text=["left " * 80])
    alone = given.phrases["picture"] == given.phrases.loc[given.phrases["split"] == "test", "picture"].unique()[3]
    given = given._replace(phrases=given.phrases[~(alone & alone.duplicated())].reset_index(drop=True))
    numbers = np.flatnonzero(~(alone & alone.duplicated()))
    boxes = given.boxes[given.boxes["phrase"].isin(numbers)]
    given = given._replace(boxes=boxes.assign(phrase=np.searchsorted(numbers, boxes["phrase"])))
    asked, vocabulary, dropped = study.usable(given, n_test=50)
    counts = dropped.set_index(["table", "reason"])["n"].to_dict()
    assert counts == {
        ("pictures of train", "caption of more than 77 tokens"): 1,
        ("pictures of test", "the word 'nodule' is in no picture of the training"): 1,
        ("pictures of test", "the category 'Edema' is in no picture of the training"): 1,
        ("pictures of test", "one phrase, and no other to tell it from"): 1,
        ("pictures of test", "beyond the first 50 that are asked about"): 7,
    }
    assert "nodule" not in vocabulary and asked.phrases["picture"].nunique() == 39 + 50
    masks = datasets.box_masks(asked, 16)
    before = datasets.box_masks(given, 16)[given.phrases["picture"].isin(asked.phrases["picture"])]
    assert (masks == before).all()
    again, _, more = study.usable(asked, n_test=50)
    assert more.empty and again.phrases.equals(asked.phrases)
    done = study.run(given, n_test=50, **HOW | {"tune_steps": 0, "inversion_steps": 0, "steps": 2})
    assert done["n"]["train"] == 39 and done["n"]["test"] == 50 and done["dropped"].equals(dropped)


def test_data_of_which_nothing_is_left_are_refused_before_training(loaded):
    test = loaded.phrases["split"] == "test"
    strange = loaded.phrases.assign(text=loaded.phrases["text"].mask(test, "left nodule"))
    message = r"split: none of 60 pictures of test is left: 60 with: the word 'nodule' is in no picture"
    with pytest.raises(InputError, match=message):
        study.run(loaded._replace(phrases=strange), **HOW)
    with pytest.raises(InputError, match=r"split: there is no phrase of train. Give a table with a split"):
        study.run(loaded._replace(phrases=loaded.phrases.assign(split="test")), **HOW)
    with pytest.raises(InputError, match="split: none of 60 pictures of test is left: 60 with: one phrase"):
        study.usable(loaded._replace(phrases=loaded.phrases[~test | (loaded.phrases["side"] == "left")]), n_test=9)
    same = loaded.phrases.assign(category=loaded.phrases["category"].mask(test, "Consolidation"))
    with pytest.raises(InputError, match="no test picture has two phrases of two categories"):
        study.run(loaded._replace(phrases=same), **HOW)


def test_a_folder_of_vindr_takes_the_same_path(tmp_path):
    root = vindr_folder(tmp_path, 24, 30)
    made = pd.DataFrame(study.world_job(study.REAL, 5, n_test=30, root=root, dataset="vindr-cxr", n_boot=50, **HOW))
    assert {"aligned", "other", "prior", "inverted", "absent"} <= set(made["statistic"])
    assert not {"swapped sides", "tuning", "gap"} & set(made["statistic"])
    rows = study.run(study.load(root, "vindr-cxr"), **HOW)["rows"]
    assert set(rows["situation"]) == {"different", "other scanner"} and rows["side_right"].isna().all()
    assert study.side_table(rows, ("finding word",)).empty and study.map_values(rows, "same", ("auroc",)) == {}
    assert rows.loc[rows["method"] == "position prior", "auroc"].notna().all()
    with pytest.raises(InputError, match="dataset: must be ms-cxr or vindr-cxr"):
        study.load(root, "vindr")
    with pytest.raises(InputError, match="there is no annotations_train"):
        study.load(tmp_path, "vindr-cxr")


# The page


def test_the_tiny_run_has_every_map_claim_and_number_that_prose_quotes(tiny_run):
    run = tiny_run("14_phrase_grounding")
    values = run.results["values"]
    assert set(study.METHODS) <= set(values["shown"]) and values["n"]["train"] == 30
    assert values["shown"]["all tokens"]["auroc"]["estimate"] == pytest.approx(0.5, abs=1e-6)
    assert {"tuned", "whole phrase"} <= set(values["same"])
    assert len(run.results["claims"]) == 10
    assert "patient" not in run.cases
