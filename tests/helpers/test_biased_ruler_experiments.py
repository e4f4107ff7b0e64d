"""The controlled experiments: who is trained on, by which masks, who scores whom, what is kept and what is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.studies import biased_ruler


def cohort(n: int = 40, *, seed: int = 0) -> pd.DataFrame:
    """Three groups of different size; tier and ease are drawn."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(["Young", "Middle", "Older"], [n // 4, n // 4, n - 2 * (n // 4)])
    tier = rng.choice([1.0, 1.5, 2.0, 3.0], n)
    tier[[0, 1, n - 2, n - 1]] = [1.0, 3.0, 1.0, 3.0]
    names = [f"case{i}" for i in range(n)]
    return pd.DataFrame({"patient_id": names, "age_group": rng.permutation(groups), "tier": tier, "easy": tier < 2})


def sizes(cases: pd.DataFrame, chosen: np.ndarray) -> dict[str, int]:
    return cases.loc[chosen, "age_group"].value_counts().to_dict()


class Fake:
    """A score function that trains nothing: it notes its calls, and gives numbers that tell who was scored."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.calls, self.stop_after = [], stop_after

    def __call__(self, include, silver, held_out, seed, name):
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt
        self.calls.append((include.copy(), silver.copy(), held_out.copy(), seed, name))
        gold = np.flatnonzero(held_out) / 1000 + seed / 10
        return np.stack([gold, gold + 1 / 3], axis=1)

    @property
    def names(self) -> list[str]:
        return [call[-1] for call in self.calls]


RUN = {"seeds": [0, 4], "folds": 3, "seed": 7, "progress": False}


# --- training_set


def test_a_baseline_has_as_many_of_each_age_group_and_gold_masks():
    cases = cohort()
    include, silver = biased_ruler.training_set("baseline", cases, seed=0)
    assert sizes(cases, include) == {"Young": 10, "Middle": 10, "Older": 10}
    assert not silver.any()


def test_patients_without_an_age_group_are_not_trained_on():
    cases = cohort()
    cases.loc[::5, "age_group"] = None
    include, _ = biased_ruler.training_set("baseline", cases, seed=0)
    assert include.any() and cases.loc[include, "age_group"].notna().all()


@pytest.mark.parametrize("group", ["Young", "Older"])
def test_a_swap_gives_silver_to_tier_1_of_its_group_alone(group):
    cases = cohort()
    include, silver = biased_ruler.training_set(f"swap_{group.lower()}", cases, seed=0)
    expected = (cases["age_group"] == group) & (cases["tier"] == 1)
    assert 0 < expected.sum() < (cases["age_group"] == group).sum()
    np.testing.assert_array_equal(silver, expected)
    np.testing.assert_array_equal(include, biased_ruler.training_set("baseline", cases, seed=0)[0])


def test_biased_input_has_the_cases_of_the_baseline_and_silver_masks():
    cases = cohort()
    include, silver = biased_ruler.training_set("biased_input", cases, seed=0)
    assert silver.all()
    np.testing.assert_array_equal(include, biased_ruler.training_set("baseline", cases, seed=0)[0])


def test_difficulty_balanced_has_equal_easy_and_equal_hard_in_each_group():
    cases = cohort(80, seed=3)
    table = pd.crosstab(cases["age_group"], cases["easy"])
    assert table.nunique().min() > 1  # else nothing is to be balanced
    include, silver = biased_ruler.training_set("difficulty_balanced", cases, seed=0)
    chosen = cases[include]
    found = pd.crosstab(chosen["age_group"], chosen["easy"])
    for easy in (True, False):
        assert found[easy].tolist() == [table[easy].min()] * 3
    assert not silver.any()


def test_the_seed_decides_who_of_a_larger_group_is_taken():
    cases = cohort()
    first, again, other = (biased_ruler.training_set("baseline", cases, seed=s)[0] for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    small = (cases["age_group"] != "Older").to_numpy()
    assert first[small].all() and other[small].all()


@pytest.mark.parametrize("name", ["basline", "swap_old", "swap_", "Baseline"])
def test_unknown_experiments_and_groups_are_refused(name):
    with pytest.raises(InputError, match=f"experiment {name}: "):
        biased_ruler.training_set(name, cohort(), seed=0)


# --- run


def test_every_case_is_scored_once_by_a_network_that_never_saw_it():
    cases, fake = cohort(), Fake()
    found = biased_ruler.run(fake, cases, **RUN)
    assert list(found) == ["patient_id", "age_group", "experiment", "train_seed", "reference", "dice"]
    keys = ["experiment", "train_seed", "reference"]
    for key, part in found.groupby(keys):
        assert sorted(part["patient_id"]) == sorted(cases["patient_id"]), key
    assert len(found) == len(biased_ruler.EXPERIMENTS) * 2 * 2 * len(cases)
    assert len(set(fake.names)) == len(fake.calls) == len(biased_ruler.EXPERIMENTS) * 2 * 3
    for include, silver, held_out, _, name in fake.calls:
        assert held_out.any() and not (include & held_out).any(), name
        chosen, expected = biased_ruler.training_set(name.split("-")[0], cases, seed=7)
        np.testing.assert_array_equal(include, chosen & ~held_out)
        np.testing.assert_array_equal(silver, expected)


def test_scores_stand_at_their_case_seed_and_reference():
    cases = cohort().set_index(np.arange(40) * 3 + 100)  # an index that is no position
    found = biased_ruler.run(Fake(), cases, experiments=["baseline"], **RUN)
    number = found["patient_id"].str.removeprefix("case").astype(int)
    expected = number / 1000 + found["train_seed"] / 10 + (found["reference"] == "silver") / 3
    np.testing.assert_allclose(found["dice"], expected)
    groups = cases.set_index("patient_id")["age_group"]
    assert (found["age_group"].to_numpy() == groups[found["patient_id"]].to_numpy()).all()


def test_folds_are_spread_over_age_groups_and_the_same_for_every_experiment():
    cases, fake = cohort(), Fake()
    biased_ruler.run(fake, cases, **RUN)
    by_fold = {}
    for _, _, held_out, _, name in fake.calls:
        by_fold.setdefault(name.split("-")[-1], []).append(held_out)
        assert set(sizes(cases, held_out)) == {"Young", "Middle", "Older"}
        assert sizes(cases, held_out)["Young"] in (3, 4)
    assert sorted(by_fold) == ["fold0", "fold1", "fold2"]
    for parts in by_fold.values():
        assert all((part == parts[0]).all() for part in parts)


def test_a_second_call_takes_all_from_what_was_kept(tmp_path):
    cases, again = cohort(), Fake()
    first = biased_ruler.run(Fake(), cases, keep=tmp_path / "kept", **RUN)
    second = biased_ruler.run(again, cases, keep=tmp_path / "kept", **RUN)
    assert again.calls == []
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_stopped_run_goes_on_with_what_is_missing(tmp_path):
    cases, stopped, rest, whole = cohort(), Fake(stop_after=4), Fake(), Fake()
    expected = biased_ruler.run(whole, cases, **RUN)
    with pytest.raises(KeyboardInterrupt):
        biased_ruler.run(stopped, cases, keep=tmp_path, **RUN)
    found = biased_ruler.run(rest, cases, keep=tmp_path, **RUN)
    assert stopped.names + rest.names == whole.names and len(stopped.names) == 4
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_fold_of_one_case_is_kept_as_well(tmp_path):
    cases, again = cohort().iloc[:2].assign(age_group="Young"), Fake()
    options = RUN | {"experiments": ["baseline"], "folds": 2, "keep": tmp_path}
    first = biased_ruler.run(Fake(), cases, **options)
    pd.testing.assert_frame_equal(first, biased_ruler.run(again, cases, **options))
    assert again.calls == []


def test_a_case_without_an_age_group_is_refused():
    cases, fake = cohort(), Fake()
    cases.loc[3, "age_group"] = None
    with pytest.raises(InputError, match="no age group"):
        biased_ruler.run(fake, cases, **RUN)
    assert fake.calls == []


def test_a_keep_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        biased_ruler.run(Fake(), cohort(), keep=tmp_path / "file" / "kept", **RUN)


def test_a_swap_that_swaps_nothing_is_left_out():
    cases, fake = cohort(), Fake()
    cases.loc[cases["age_group"] == "Young", "tier"] = 2.0
    found = biased_ruler.run(fake, cases, **RUN)
    assert set(biased_ruler.EXPERIMENTS) - set(found["experiment"]) == {"swap_young"}
    assert not any(name.startswith("swap_young") for name in fake.names)


# --- views


@pytest.fixture(scope="module")
def ruler() -> biased_ruler.Ruler:
    rng = np.random.default_rng(0)
    groups = np.repeat(["Young", "Older"], [20, 30])
    gold = np.clip(rng.normal(0.8, 0.05, 50), 0, 1)
    silver = gold - 0.1 * (groups == "Young") + rng.normal(0, 0.01, 50)
    return biased_ruler.ruler(silver, gold, groups=groups, a="Young", b="Older", n_boot=200, n_permutations=50)


def test_a_ruler_is_shown_as_three_lines_with_sizes(ruler):
    table, own = biased_ruler.ruler_table(ruler), ruler.table()
    assert list(table) == ["gold", "silver", "change", "low", "high", "n_a", "n_b", "verdict"]
    assert list(table.index) == ["mean Older - Young", "rate Older - Young", "rate Young / Older"]
    mean = table.iloc[0]
    assert mean["silver"] - mean["gold"] == pytest.approx(mean["change"])
    assert mean["low"] < mean["change"] < mean["high"]
    assert (table["low"] == own["change_low"]).all() and (table["high"] == own["change_high"]).all()
    assert (mean["n_a"], mean["n_b"]) == (20, 30)


def test_gaps_of_rulers_are_three_rows_each(ruler):
    table = biased_ruler.gap_rows({"x": ruler, "y": ruler})
    assert list(table.index) == [f"{k}: {part}" for k in "xy" for part in ("gold", "silver", "silver − gold")]
    for part, interval in zip(table.index, (ruler.mean.first, ruler.mean.second, ruler.mean.change), strict=False):
        assert table.loc[part].tolist() == [interval.estimate, interval.low, interval.high, 50]


def test_changes_between_experiments_are_a_row_each():
    scores = biased_ruler.run(Fake(), cohort(), **RUN | {"seeds": [0, 1, 2]})
    between = stats.change_between(scores, first="baseline", second="biased_input", a="Young", b="Older")
    table = biased_ruler.change_rows({"biased input": between})
    assert list(table) == ["first", "second", "change", "low", "high", "n", "n_a", "n_b"]
    row, change = table.loc["biased input"], between.change
    assert row.tolist() == [
        *(between.first.estimate, between.second.estimate, change.estimate, change.low, change.high),
        *(between.n_a + between.n_b, between.n_a, between.n_b),
    ]
    assert (between.n_a, between.n_b) == (10, 20)


def test_values_of_a_ruler_for_a_page(ruler):
    values = biased_ruler.ruler_values(ruler)
    parts = {"gold": ruler.mean.first, "silver": ruler.mean.second, "change": ruler.mean.change}
    for name, part in parts.items():
        assert values[name] == {"estimate": part.estimate, "low": part.low, "high": part.high, "n": 50}
    assert (values["n_young"], values["n_older"], values["verdict"]) == (20, 30, ruler.verdict)
    nothing = biased_ruler.ruler_values(None)
    assert nothing.pop("verdict") == "no images"
    assert nothing == {part: {"estimate": None, "low": None, "high": None} for part in parts}
