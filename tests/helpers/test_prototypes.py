"""Prototypes asked for shortcuts: worlds as planted, edits and verdicts by their rules, controls, and bad input."""

from __future__ import annotations

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, learn
from helpers.errors import InputError
from helpers.stats.intervals import wilson
from helpers.studies import prototypes as study
from helpers.studies.prototypes import measuring, picking, reading

SMALL = {"count": 6, "features": (8, 16), "diffusion_steps": 50, "steps": 20, "device": "cpu"}


# Worlds


@pytest.mark.parametrize("world", list(study.PLANTED))
def test_worlds_relate_the_attributes_as_planted(world):
    labels = study.draw_pictures(world, 4_000, size=16, seed=1).labels
    for one, other in (("marker", "finding"), ("finding", "sex"), ("marker", "sex")):
        linked = abs(study.phi(labels, one, other)) > 0.2
        assert linked == study.is_planted(world, one, other), (one, other)
    assert labels["sex"].mean() == pytest.approx(0.1 if world == "few women" else 0.5, abs=0.03)


def test_confounded_always_agrees_and_group_only_in_women():
    labels = study.draw_pictures("confounded", 500).labels
    assert (labels["marker"] == labels["finding"]).all()
    labels = study.draw_pictures("group", 4_000).labels
    by_sex = [study.phi(part) for _, part in labels.groupby("sex")]
    assert abs(by_sex[0]) < 0.1 and by_sex[1] > 0.7


def test_severity_has_the_table_of_partial():
    shares = [
        study.draw_pictures(world, 8_000).labels.value_counts(normalize=True) for world in ("partial", "severity")
    ]
    np.testing.assert_allclose(*(share.sort_index() for share in shares), atol=0.015)


def test_each_attribute_changes_its_place_alone():
    drawn = study.draw_pictures("balanced", 3_000, seed=2)
    difference = study.mean_differences(drawn)
    y, x = np.mgrid[:16, :16]
    assert difference["marker"][0][(y < 5) & (x < 5)].max() > 0.3
    assert np.abs(difference["marker"][0][(y > 7) | (x > 7)]).max() < 0.03
    assert (
        difference["finding"][0][9:12, 9:12].max() == difference["finding"].max() > 0.25
        and np.abs(difference["finding"][0][:6]).max() < 0.03
    )
    assert (difference["sex"][0] > 0.04).mean() > 0.5


def test_the_marker_is_in_the_table_and_never_drawn_in_absent():
    drawn = study.draw_pictures("absent", 2_000)
    assert drawn.labels["marker"].mean() == pytest.approx(0.5, abs=0.05)
    assert np.abs(study.mean_differences(drawn)["marker"]).max() < 0.03


def test_a_world_on_disk_is_read_by_the_real_loader(tmp_path):
    root = study.simulate_prototype_world("partial", 60, seed=3, folder=tmp_path)
    drawn, _, dropped = study.load_labelled(root)
    direct = study.draw_pictures("partial", 60, seed=3)
    pd.testing.assert_frame_equal(drawn.labels, direct.labels, check_dtype=False)
    assert np.abs(drawn.pictures - direct.pictures).max() <= 0.5 / 255 + 1e-6
    assert json.loads((root / "truth.json").read_text())["planted"] == [["finding", "marker"]]
    assert len(datasets.load_chexpert(root)[0]) == 60 and (dropped["n"] >= 0).all()


def test_a_picture_with_a_blank_label_is_left_out_and_counted(tmp_path):
    root = study.simulate_prototype_world("balanced", 30, folder=tmp_path)
    file = root / "CheXpert-v1.0-small" / "train.csv"
    table = pd.read_csv(file).astype({"Lung Lesion": float, "Support Devices": float})
    table.loc[0, "Lung Lesion"], table.loc[1, "Support Devices"] = np.nan, -1
    table.to_csv(file, index=False)
    drawn, split, dropped = study.load_labelled(root)
    assert len(drawn.labels) == len(split) == 28 and dropped["n"].iloc[-1] == 2


def test_a_real_folder_gives_all_roles(tmp_path):
    root = study.simulate_prototype_world("balanced", 2_400, folder=tmp_path)
    cohort = study.real_cohort(root, finding="Lung Lesion", size=16, n=500)
    assert len(cohort.train.labels) == 500
    for part in (cohort.reference, cohort.oracle):
        assert part.labels.value_counts().nunique() == 1 and len(part.labels.drop_duplicates()) == 8
    assert (cohort.test.labels[["marker", "finding"]] == 0).all(axis=None)


def test_a_cohort_is_balanced_but_for_its_training(tmp_path):
    cohort = study.simulated_cohort("confounded", n=100, n_reference=300, folder=tmp_path)
    assert study.phi(cohort.train.labels) == 1 and abs(study.phi(cohort.reference.labels)) < 0.2
    assert cohort.test.labels["sex"].value_counts().tolist() == [16, 16]
    assert cohort.root.is_dir() and len(cohort.oracle.labels) == 600


# Picking and editing


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return study.simulated_cohort("confounded", n=200, n_reference=300, folder=tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="module")
def trained(cohort):
    return study.fit_world(cohort, **SMALL)


@pytest.fixture(scope="module")
def edited(cohort, trained):
    return study.edit_all(trained, cohort.test, steps=5)


@pytest.fixture(scope="module")
def oracle(cohort):
    return study.fit_oracle(cohort.oracle, steps=150, device="cpu")


def test_rules_pick_as_defined():
    aurocs = np.array([[0.9, 0.2, 0.55, 0.7, 0.95], [0.8, 0.5, 0.62, 0.75, 0.5], [0.5, 0.5, 0.5, 0.5, 0.5]])
    dead = np.array([False, False, False, False, True])
    exclusive, top, every, best = (study.picked(aurocs, dead, rule) for rule in ("exclusive", "top 3", "all", "best"))
    assert exclusive["marker"].tolist() == [0, 1] and exclusive["finding"].tolist() == [3, 2]
    assert top["marker"].tolist() == [0, 1, 3] and len(top["sex"]) == 3
    assert every["finding"].tolist() == [0, 3, 2] and every["sex"].size == 0
    assert best["marker"].tolist() == [0] and best["finding"].tolist() == [3]
    assert not any(4 in part for rule in (exclusive, top, every) for part in rule.values()), "a dead one is picked"


def test_an_edit_sets_chosen_prototypes_to_the_end_on_their_side():
    ends = np.array([[0.0, 1.0, 2.0], [5.0, 6.0, 7.0]])
    found = study.wanted(np.full((2, 3), 3.0), np.array([0, 2]), np.array([True, True, False]), ends)
    assert found.tolist() == [[5.0, 3.0, 2.0]] * 2


def test_every_edit_begins_from_the_same_noise_and_leaves_other_activations_alone(edited, trained):
    assert {rule for rule, _ in edited.made} == {*study.RULES, "best", "random", "permuted"}
    for key, asked in edited.asked.items():
        others = np.setdiff1d(np.arange(6), edited.chosen[key])
        np.testing.assert_array_equal(asked[:, others], edited.given[:, others])
    empty = [key for key, part in edited.chosen.items() if not len(part)]
    for key in empty:
        np.testing.assert_allclose(edited.made[key], edited.again, atol=1e-5)
    for name in study.ATTRIBUTES:
        chosen, random = edited.chosen[study.FIXED, name], edited.chosen["random", name]
        assert len(random) == min(max(len(chosen), 1), 6 - len(chosen)) and not np.isin(random, chosen).any()


def test_effects_are_means_over_pictures_with_neither_attribute(cohort, edited, oracle):
    rows = study.effect_rows(oracle, cohort.test, edited, cohort.reference)
    row = rows.query("rule == 'all' and edited == 'marker' and read == 'sex' and part == 'all'").iloc[0]
    men = (cohort.test.labels["sex"] == 0).to_numpy()
    change = learn.probabilities(oracle, edited.made["all", "marker"]) - learn.probabilities(oracle, edited.again)
    assert row["n"] == 16 and row["effect"] == pytest.approx(change[men, 2].mean(), abs=1e-6)
    assert rows.query("read == 'finding' and edited == 'marker' and part == 'women'")["n"].eq(16).all()
    assert rows.query("read == 'sex' and part == 'women'").empty
    simple = rows.query("rule == 'mean difference' and part == 'all'").set_index(["edited", "read"])["effect"]
    assert simple["marker", "marker"] > 0.5 and simple["finding", "finding"] > 0.5
    assert abs(simple["marker", "finding"]) < 0.3


def test_measures_are_there_and_in_range(cohort, trained, edited):
    found = study.measured(trained, edited, cohort.reference, cohort.test, steps=5)
    assert {"quality error women", "quality error men"} <= set(found)
    assert all(np.isfinite(value) for value in found.values())
    assert all(0 <= value <= 1 for name, value in found.items() if name.startswith("half "))
    summary = study.code_summary(trained.known, draws=50)
    assert 0.5 < summary["chance"] < 0.75 and summary["tad"] <= summary["tad all"] + 1e-9
    shown = study.picked_table(trained.known, edited)
    assert shown.index.tolist() == list(study.ATTRIBUTES) and shown["largest AUROC"].between(0.5, 1).all()


def test_half_gain_is_where_half_is_reached():
    assert measuring._half(np.array([0.0, 0.2, 0.6, 0.8]), np.array([0.0, 1.0, 5.0, 9.0])) == 0.6
    assert measuring._half(np.array([0.0, 0.5]), np.array([3.0, 1.0])) == 0.5


def test_stability_is_1_for_the_same_prototypes_in_another_order():
    codes = np.random.default_rng(0).normal(size=(200, 5))
    found = study.stability_of([codes, -codes[:, ::-1], codes + np.random.default_rng(1).normal(size=(200, 5))])
    assert found.loc["matched", "highest"] == pytest.approx(1) and found.loc["matched", "pairs"] == 3
    assert found.loc["chance", "mean"] < 0.3 < found.loc["matched", "lowest"]


def test_a_kept_training_is_loaded_and_gives_the_same(cohort, tmp_path):
    file = tmp_path / "one.pt"
    first = study.fit_world(cohort, keep=file, **SMALL)
    again = study.fit_world(cohort, keep=file, **SMALL)
    np.testing.assert_array_equal(first.known.activations, again.known.activations)
    with pytest.raises(InputError, match="has shape"):
        study.fit_world(cohort, keep=file, **{**SMALL, "count": 5})


# Verdicts


def effects(world: str, values: dict[tuple[str, str], list[float]], cohort: int = 0) -> pd.DataFrame:
    facts = {"world": world, "cohort": cohort, "rule": study.FIXED, "kind": "effect", "part": "all", "n": 16}
    return pd.DataFrame(
        [
            {**facts, "edited": a, "read": b, "SEED": 1_000 * cohort + seed, "effect": value}
            for (a, b), each in values.items()
            for seed, value in enumerate(each)
        ]
    )


LOUD = [0.9, 0.95, 0.92]


def test_a_pair_is_discovered_not_found_or_not_tested():
    rows = effects(
        "confounded",
        {
            ("marker", "marker"): LOUD,
            ("marker", "finding"): [0.5, 0.55, 0.6],
            ("marker", "sex"): [0.02, 0.03, 0.025],
            ("finding", "finding"): [0.1, 0.2, 0.1],
            ("finding", "marker"): LOUD,
            ("sex", "sex"): LOUD,
            ("sex", "finding"): [-0.4, -0.5, -0.45],
            ("sex", "marker"): [0.9, -0.2, 0.1],
        },
    )
    found = study.pair_verdicts(rows).set_index(["edited", "read"])["verdict"]
    assert found["marker", "finding"] == found["sex", "finding"] == "discovered"
    assert found["marker", "sex"] == "not found", "an interval without 0, and too small an effect"
    assert found["sex", "marker"] == "not found", "an interval with 0"
    assert found["finding", "marker"] == "not tested", "its edit does not draw the finding"
    table = study.effect_table(study.pair_verdicts(rows), rows)
    assert table.loc["marker to marker", "mean"] == pytest.approx(np.mean(LOUD))
    assert table.loc["marker to finding", "verdict"] == "discovered" and table.loc["sex to sex", "seeds"] == 3


def every(found: float, planted: frozenset = frozenset()) -> dict:
    names = study.ATTRIBUTES
    near = [found, found + 0.01, found - 0.01]
    return {
        (a, b): LOUD if a == b else near if frozenset({a, b}) in planted else [0.0, 0.01, 0]
        for a in names
        for b in names
    }


def test_rates_count_planted_and_other_pairs_apart_and_leave_out_severity():
    pair = study.PLANTED["confounded"]
    parts = [effects("confounded", every(0.6, pair), cohort) for cohort in (0, 1)]
    parts += [effects("balanced", every(0.0)), effects("severity", every(0.6, pair))]
    rows = pd.concat(parts, ignore_index=True)
    table = study.discovery_rates(study.pair_verdicts(rows)).set_index("planted")
    assert table.loc["planted", ["rate", "n", "pairs"]].tolist() == [1.0, 2, 4]
    assert table.loc["not planted", ["rate", "n", "pairs", "not tested"]].tolist() == [0.0, 3, 8 + 6, 0]
    np.testing.assert_allclose(table.loc["planted", ["low", "high"]].astype(float), wilson(2, 2))


def test_pairs_of_a_cohort_do_not_narrow_the_interval_of_a_rate():
    silent = every(0.0) | {("marker", "marker"): [0.1, 0.1, 0.1]}
    rows = pd.concat([effects("balanced", silent), effects("balanced", every(0.0), 1)], ignore_index=True)
    row = study.discovery_rates(study.pair_verdicts(rows)).iloc[0]
    assert row[["n", "pairs", "not tested"]].tolist() == [2, 4 + 6, 2]
    assert row["high"] == pytest.approx(wilson(0, 2)[1])


def test_cohorts_are_the_units_where_there_are_several():
    pair = study.PLANTED["confounded"]
    parts = [effects("confounded", every(found, pair), cohort) for cohort, found in enumerate((0.4, 0.5, 0.9))]
    rows = pd.concat(parts, ignore_index=True)
    for name in ("shortcut", "prototypes"):
        assert study.claim_values(rows)[name]["n"] == 3, "cohorts, not nine trainings"
    shortcut = study.world_values(rows)["effects"]["confounded"]["marker to finding"]
    half = np.std([0.4, 0.5, 0.9], ddof=1) / np.sqrt(3) * 4.302653
    assert shortcut["n"] == 3 and shortcut["high"] == pytest.approx(0.6 + half, rel=1e-5)
    assert study.claim_values(rows)["shortcut"] == pytest.approx(shortcut)
    assert study.claim_values(parts[0])["shortcut"]["n"] == 3, "trainings of a single cohort"


def test_values_hold_rates_verdicts_effects_and_the_severity_world():
    pair = study.PLANTED["partial"]
    rows = pd.concat([effects(world, every(0.5, pair)) for world in ("partial", "severity")], ignore_index=True)
    found = study.world_values(rows)
    assert found["rates"]["exclusive"]["planted"]["estimate"] == 1
    assert found["verdicts"]["severity"]["marker to finding"] == {"discovered": 1.0}
    assert found["effects"]["partial"]["marker to finding"]["estimate"] == pytest.approx(0.5)
    assert found["severity"]["estimate"] == pytest.approx(0) and found["severity"]["n"] == 3


def test_claims_are_estimated_in_their_worlds():
    pair = study.PLANTED["confounded"]
    rows = pd.concat([effects("confounded", every(0.5, pair)), effects("balanced", every(0.0))], ignore_index=True)
    measure = rows.iloc[:3].assign(kind="measure", rule="faithful marker", effect=0.8)
    found = study.claim_values(pd.concat([rows, measure], ignore_index=True))
    assert found["shortcut"]["estimate"] == pytest.approx(0.5) and found["shortcut"]["n"] == 3
    assert found["prototypes"]["estimate"] == pytest.approx(np.mean(LOUD))
    assert found["controlled"]["estimate"] > 0.85 and found["faithful"]["estimate"] == pytest.approx(0.8)
    assert "controlled" not in study.claim_values(rows[rows["world"] == "confounded"])


def test_effects_by_sex_have_a_difference():
    rows = effects("group", {("marker", "finding"): [0.6, 0.7, 0.65]})
    rows = pd.concat([rows.assign(part="women"), rows.assign(part="men", effect=[0.0, 0.1, 0.05])])
    table = study.by_sex(rows).set_index("part")
    assert table.loc["women - men", "mean"] == pytest.approx(0.6) and table.loc["men", "seeds"] == 3


def test_a_training_of_a_world_gives_rows_of_effects_and_measures(tmp_path):
    sizes = {"n": 100, "n_reference": 300, "folder": str(tmp_path)}
    options = {**SMALL, "sizes": sizes, "oracle_steps": 150, "edit_steps": 4, "weights": str(tmp_path / "w")}
    rows = pd.DataFrame(study.world_job("partial", 1, 2, **options)).assign(world="partial", cohort=1)
    assert set(rows["kind"]) == {"effect", "measure"} and (rows["SEED"] == 1_002).all()
    assert study.weights_of(tmp_path / "w", "partial", 1, 2).is_file()
    view = study.edit_view(rows, "all")
    assert view.index.tolist() == list(study.ATTRIBUTES) and view.notna().all(axis=None)
    again = pd.DataFrame(study.world_job("partial", 1, 2, **options))
    pd.testing.assert_series_equal(again["effect"], rows["effect"])


# Views and bad input


def test_pictures_and_matrix_are_drawn(cohort, edited):
    fig, axes = plt.subplots(1, 2)
    study.draw_edits(cohort.test, edited, ax=axes[0])
    rows = effects("confounded", every(0.5, study.PLANTED["confounded"]))
    study.draw_effects(rows, ax=axes[1])
    assert axes[0].get_yticklabels()[0].get_text() == "picture"
    assert len(axes[1].texts) == 9
    plt.close(fig)


def reference(**changes) -> study.Drawn:
    drawn = study.draw_pictures("balanced", 100)
    return study.Drawn(drawn.pictures, drawn.labels.assign(**changes))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: study.draw_pictures("mixed", 10), "world: must be balanced"),
        (lambda: study.draw_pictures("balanced", 10, size=8), "size"),
        (lambda: study.check_reference(reference(marker=1)), "100 pictures with and 0 without"),
        (lambda: study.check_reference(reference(sex=np.r_[np.ones(19, int), np.zeros(81, int)])), "19 pictures with"),
        (
            lambda: study.check_reference(reference(marker=reference().labels["finding"])),
            "whose prototype is whose cannot be decided",
        ),
        (
            lambda: study.check_reference(study.Drawn(reference().pictures, reference().labels[["finding", "sex"]])),
            "column marker: there is none",
        ),
        (lambda: study.balanced(reference(marker=0)), "has no picture"),
        (lambda: study.fit_oracle(reference(), steps=1, device="cpu"), "oracle: right in"),
        (lambda: study.picked(np.ones((3, 2)), np.zeros(2, bool), "first"), "rule: must be exclusive"),
        (lambda: reading._tested(study.take(reference(), np.arange(8))), "without marker and finding"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_table_without_the_marker_is_refused(tmp_path):
    root = study.simulate_prototype_world("balanced", 30, folder=tmp_path)
    with pytest.raises(InputError, match="column Pacemaker: there is no such column"):
        study.load_labelled(root, marker="Pacemaker")


# The page


def test_the_tiny_run_has_every_number_that_prose_quotes(tiny_run):
    values = tiny_run("13_prototypes").results["values"]
    assert set(values["rules"]) == {*picking.RULES, "random", "permuted", "mean difference"}
    assert values["phi"] == pytest.approx(1) and values["effects"]["marker to finding"]["n"] == 2
    assert {"matched", "chance"} == set(values["stability"])
    assert len(tiny_run("13_prototypes").results["claims"]) == 7
