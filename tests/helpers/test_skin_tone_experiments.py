"""The experiment on representation: who trains and who tests, what a run passes on and keeps, weights on disk."""

import numpy as np
import pandas as pd
import pytest
import scipy
import torch

from helpers import learn, stats
from helpers.errors import InputError
from helpers.keep import cache, store
from helpers.studies import skin_tone

TINY = {"channels": 8, "blocks": (1, 2), "latent": 4, "deep": False}
SIZES = {"test_size": 6, "train_size": 10}


def table(light: int = 60, dark: int = 30, others: int = 5) -> pd.DataFrame:
    """Images of two groups, and of none, mixed; the index is not that of positions."""
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat(["light", "dark", "unknown"], [light, dark, others]))
    n = len(group)
    return pd.DataFrame(
        {"image": [f"{k:032x}" for k in range(n)], "group": group, "label": rng.choice(["mild", "severe"], n)},
        index=np.arange(n) + 1000,
    )


def split(cases: pd.DataFrame | None = None, **options) -> skin_tone.Split:
    usual = {"sampling": "distinct", "seed": 3}
    return skin_tone.split(table() if cases is None else cases, **SIZES | usual | options)


def groups(rows: np.ndarray, cases: pd.DataFrame | None = None) -> dict[str, int]:
    return (table() if cases is None else cases)["group"].iloc[rows].value_counts().to_dict()


# -- who trains and who tests


@pytest.mark.parametrize("sampling", skin_tone.SAMPLING)
def test_no_image_is_trained_on_and_tested_in_a_run(sampling):
    for run in range(20):
        found = split(sampling=sampling, run=run)
        assert groups(found.test[:6]) == {"light": 6} and groups(found.test[6:]) == {"dark": 6}
        assert len(np.unique(found.test)) == 12
        assert not np.isin(np.concatenate(list(found.train.values())), found.test).any()


@pytest.mark.parametrize("sampling", skin_tone.SAMPLING)
@pytest.mark.parametrize("size", [1, 2, 7, 10, 20])
def test_sizes_and_mixes_of_the_three_trainings(sampling, size):
    train = split(sampling=sampling, train_size=size).train
    assert list(train) == list(stats.TRAININGS)
    assert groups(train["A"]) == {"light": size} and groups(train["C"]) == {"dark": size}
    mixed = groups(train["B"])
    assert (mixed.get("light", 0), mixed["dark"]) == (size // 2, size - size // 2)


def test_groups_can_have_other_names():
    found = split(a="dark", b="unknown", test_size=2, train_size=3)
    assert groups(found.train["A"]) == {"dark": 3} and groups(found.train["B"]) == {"dark": 1, "unknown": 2}


def test_a_run_is_repeated_by_its_numbers_and_no_two_are_alike():
    first, again = split(run=2), split(run=2)
    np.testing.assert_array_equal(first.test, again.test)
    for name in stats.TRAININGS:
        np.testing.assert_array_equal(first.train[name], again.train[name])
    for other in (split(run=3), split(run=2, seed=4)):
        assert set(first.test) != set(other.test) and set(first.train["A"]) != set(other.train["A"])


def test_all_images_of_a_group_are_tested_equally_often():
    counts = pd.Series(np.concatenate([split(run=run).test for run in range(200)])).value_counts()
    for name, pool in (("light", 60), ("dark", 30)):
        rows = np.flatnonzero(table()["group"] == name)
        tested = counts.reindex(rows, fill_value=0)
        # Of Pearson's statistic, but a run tests an image once or not at all.
        spread = ((tested - 200 * 6 / pool) ** 2).sum() / (200 * 6 / pool * (1 - 6 / pool)) * (pool - 1) / pool
        assert scipy.stats.chi2.ppf(0.0005, pool - 1) < spread < scipy.stats.chi2.ppf(0.9995, pool - 1)


# -- how many different images


def expected(pool: int, draws: int) -> float:
    """Different images when as many are drawn with replacement: each is missed with chance (1 - 1/pool)^draws."""
    return pool * (1 - (1 - 1 / pool) ** draws)


def test_distinct_images_are_all_different():
    train = split(train_size=24).train
    assert all(len(np.unique(rows)) == 24 for rows in train.values())
    assert set(train["C"]) == set(np.flatnonzero(table()["group"] == "dark")) - set(split(train_size=24).test)


def test_drawing_with_replacement_leaves_as_many_as_the_formula_says():
    runs = 200
    counts = pd.DataFrame(
        [
            {
                name: len(np.unique(rows))
                for name, rows in split(sampling="replace", train_size=30, run=run).train.items()
            }
            for run in range(runs)
        ]
    )
    formula = {"A": expected(54, 30), "B": expected(54, 15) + expected(24, 15), "C": expected(24, 30)}
    for name, mean in formula.items():
        assert counts[name].mean() == pytest.approx(mean, abs=4 * counts[name].std() / np.sqrt(runs))


@pytest.mark.parametrize("size", [2, 5, 12, 25, 30, 31, 200])
def test_matched_sets_have_as_many_as_the_smallest_pool_would(size):
    """Even and odd numbers, and more than there are images."""
    train = split(sampling="matched", train_size=size).train
    wanted = round(expected(24, size))
    assert {len(np.unique(rows)) for rows in train.values()} == {wanted}
    parts = [rows[table()["group"].iloc[rows] == name] for rows, name in ((train["B"], "light"), (train["B"], "dark"))]
    assert [len(np.unique(rows)) for rows in parts] == [wanted // 2, wanted - wanted // 2]
    assert all(len(np.unique(rows[:wanted])) == wanted for rows in (train["A"], train["C"]))


# -- near-duplicates


def clustered() -> pd.DataFrame:
    """Every third image has no cluster; the others lie in twenty, which both groups share."""
    cases = table()
    cluster = pd.Series(np.random.default_rng(1).integers(0, 20, len(cases)), index=cases.index, dtype=float)
    return cases.assign(cluster=cluster.where(np.arange(len(cases)) % 3 > 0))


@pytest.mark.parametrize("kind", ["float", "category"])
def test_near_duplicates_of_tested_images_are_not_trained_on(kind):
    cases = clustered()
    cluster, cases["cluster"] = cases["cluster"].to_numpy(), cases["cluster"].astype(kind)
    left_out, others = 0, 0
    for run in range(30):
        found = split(cases, sampling="replace", train_size=40, run=run)
        near = np.isin(cluster, cluster[found.test])  # NaN is not in it
        rows = np.unique(np.concatenate(list(found.train.values())))
        assert not near[rows].any() and not np.isin(rows, found.test).any()
        left_out += near.sum()
        assert np.isnan(cluster[rows]).any()  # to lie in no cluster is not to share one
        others += (~np.isnan(cluster[rows])).sum()
    assert left_out > 100 and others > 100


def test_feasibility_counts_what_clusters_leave():
    cases = table().assign(cluster=1.0)
    alone = np.flatnonzero(cases["group"] == "dark")[:8]
    cases.iloc[alone, cases.columns.get_loc("cluster")] = np.nan
    for sampling in skin_tone.SAMPLING:
        with pytest.raises(InputError, match="0 images of light are left to train on, at least 2 are needed"):
            split(cases, sampling=sampling)


# -- the experiment

MEASURES = ["nmse", "latent_sd"]


class Scorer:
    """In place of training: remembers its calls, and answers by them; the computer stops at one of them."""

    def __init__(self, stop: int | None = None) -> None:
        self.calls, self.stop = [], stop

    def __call__(self, train_rows, test_rows, seed, name) -> pd.DataFrame:
        if len(self.calls) == self.stop:
            raise KeyboardInterrupt
        self.calls.append((train_rows, test_rows, seed, name))
        rng = np.random.default_rng([seed, *train_rows])
        return pd.DataFrame(rng.random((len(test_rows), 2)) / 3, columns=MEASURES, index=test_rows)


OPTIONS = {"runs": 3, **SIZES, "sampling": "replace", "seed": 5, "progress": False}


def test_a_run_gives_its_three_networks_one_seed_and_its_split():
    scorer = Scorer()
    skin_tone.run(scorer, table(), **OPTIONS)
    assert [call[3] for call in scorer.calls] == [f"run{r}-{t}" for r in range(3) for t in "ABC"]
    seeds = [call[2] for call in scorer.calls]
    assert seeds == [learn.network_seed(5, r) for r in range(3) for _ in "ABC"] and len(set(seeds)) == 3
    assert all(isinstance(seed, int) and 0 <= seed < 2**31 for seed in seeds)
    assert learn.network_seed(6, 0) not in seeds
    for (train_rows, test_rows, *_), (r, t) in zip(
        scorer.calls, [(r, t) for r in range(3) for t in "ABC"], strict=True
    ):
        planned = skin_tone.split(table(), **SIZES, sampling="replace", seed=5, run=r)
        np.testing.assert_array_equal(test_rows, planned.test)
        np.testing.assert_array_equal(train_rows, planned.train[t])


def test_rows_say_what_was_tested_and_by_which_network():
    scorer, cases = Scorer(), table()
    age = pd.Series(np.arange(len(cases)) % 7, index=cases.index)
    cases = cases.assign(group=pd.Categorical(cases["group"]), age=age)
    found = skin_tone.run(scorer, cases, condition="age", **OPTIONS)
    assert list(found) == ["run", "training", "image", "group", "label", "distinct", *MEASURES]
    assert len(found) == 9 * 12 and list(found.index) == list(range(108))
    for k, (train_rows, test_rows, seed, name) in enumerate(scorer.calls):
        part, tested = found.iloc[12 * k : 12 * (k + 1)], cases.iloc[test_rows]
        assert set(part["run"].astype(str) + part["training"]) == {name.removeprefix("run").replace("-", "")}
        for column, source in (("image", "image"), ("group", "group"), ("label", "age")):
            assert part[column].to_list() == tested[source].to_list()
        assert set(part["distinct"]) == {len(np.unique(train_rows))}
        values = np.random.default_rng([seed, *train_rows]).random((12, 2)) / 3
        np.testing.assert_array_equal(part[MEASURES], values)
    effects = skin_tone.representation_effects(found, score="nmse", a="light", b="dark", n_boot=20)
    assert (effects["runs"] == 3).all()


def test_an_experiment_that_was_stopped_goes_on_where_it_was(tmp_path):
    unbroken = skin_tone.run(Scorer(), table(), **OPTIONS)
    stopped, going_on, again = Scorer(stop=4), Scorer(), Scorer()
    with pytest.raises(KeyboardInterrupt):
        skin_tone.run(stopped, table(), keep=tmp_path / "kept", **OPTIONS)
    found = skin_tone.run(going_on, table(), keep=tmp_path / "kept", **OPTIONS)
    assert [call[3] for call in going_on.calls] == ["run1-B", "run1-C", "run2-A", "run2-B", "run2-C"]
    pd.testing.assert_frame_equal(found, unbroken, check_exact=True)
    pd.testing.assert_frame_equal(
        skin_tone.run(again, table(), keep=tmp_path / "kept", **OPTIONS), unbroken, check_exact=True
    )
    assert not again.calls
    longer = Scorer()
    more = skin_tone.run(longer, table(), keep=tmp_path / "kept", **OPTIONS | {"runs": 4})
    assert [call[3] for call in longer.calls] == ["run3-A", "run3-B", "run3-C"]
    pd.testing.assert_frame_equal(more.head(108), unbroken, check_exact=True)
    kept = sorted(p.name for p in (tmp_path / "kept").iterdir())
    assert ["-".join(name.split("-")[:2]) for name in kept] == [f"{r}-{t}" for r in range(4) for t in "ABC"]


def test_nothing_is_kept_unless_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda *_: pytest.fail("no folder was asked for"))
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        scorer = Scorer()
        skin_tone.run(scorer, table(), **OPTIONS)
        assert len(scorer.calls) == 9
    assert not list(tmp_path.iterdir())


def test_a_scorer_trains_measures_and_keeps_weights(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (95, 3, 16, 16)).astype(np.uint8)
    settings = {**TINY, "steps": 2, "batch_size": 4, "device": "cpu", "progress": False}
    scorer = skin_tone.scorer(images, weights=tmp_path / "weights", **settings)
    found = skin_tone.run(scorer, table(), **OPTIONS | {"runs": 1})
    assert list(found)[6:] == ["mse", "nmse", "ssim_gaussian", "latent_sd"]
    planned = skin_tone.split(table(), **SIZES, sampling="replace", seed=5)
    for name, part in found.groupby("training"):
        model = learn.load_vae(tmp_path / "weights" / f"run0-{name}.pt", **TINY)
        direct = learn.vae_measures(model, images[planned.test])
        np.testing.assert_allclose(part[list(direct)], direct, rtol=1e-6, atol=1e-6)  # sums in 32 bits of values to 1
        trained = learn.fit_vae(images[planned.train[name]], seed=learn.network_seed(5, 0), **settings).model
        for key, value in trained.state_dict().items():
            assert torch.equal(value.cpu(), model.state_dict()[key]), key
    assert found.groupby("training")["mse"].mean().nunique() == 3
    alone = skin_tone.scorer(images, **settings)(planned.train["A"], planned.test, learn.network_seed(5, 0), "run0-A")
    np.testing.assert_array_equal(alone["mse"], found.loc[found["training"] == "A", "mse"])


# -- weights


@pytest.fixture
def kept(tmp_path):
    """A file of weights, with statistics of batches that are not the first ones, and its network."""
    model = learn.vae(**TINY, seed=7).train()
    with torch.no_grad():
        model(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    file = tmp_path / "deep" / "run0-A.pt"
    learn.save_vae(model, file)
    return file, model


def test_weights_come_back_as_they_were_for_looking(kept):
    file, model = kept
    found = learn.load_vae(file, **TINY)
    assert not any(layer.training for layer in found.modules())
    assert all(p.device.type == "cpu" for p in found.parameters())
    assert found.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, found.state_dict()[name]), name
    fresh = learn.vae(**TINY).state_dict()
    assert not torch.equal(fresh["mean.weight"], found.state_dict()["mean.weight"])
    assert [p.name for p in file.parent.iterdir()] == ["run0-A.pt"]
    other = learn.vae(**TINY, seed=8)
    learn.save_vae(other, file)
    assert torch.equal(learn.load_vae(file, **TINY).mean.weight, other.mean.weight)


DAMAGES = {
    "empty": lambda whole, weight: b"",
    "half": lambda whole, weight: whole[: len(whole) // 2],
    "one byte less": lambda whole, weight: whole[:-1],
    "a weight changed": lambda whole, weight: whole.replace(weight, weight[:7] + bytes([weight[7] ^ 1]) + weight[8:]),
    "other": lambda whole, weight: b"no weights at all",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_said(kept, damage):
    file, model = kept
    whole = file.read_bytes()
    spoilt = DAMAGES[damage](whole, model.mean.weight.detach().numpy().tobytes())
    assert spoilt != whole
    file.write_bytes(spoilt)
    with pytest.raises(InputError, match="holds no weights of this network") as raised:
        learn.load_vae(file, **TINY)
    assert str(file) in str(raised.value) and "\n" not in str(raised.value)
    assert file.read_bytes() == spoilt


@pytest.mark.parametrize(
    "other", [{"channels": 16}, {"blocks": (1, 1)}, {"blocks": (1,)}, {"latent": 5}, {"deep": True}]
)
def test_weights_of_another_network_are_said(kept, other):
    with pytest.raises(InputError, match="holds no weights of this network"):
        learn.load_vae(kept[0], **TINY | other)


def test_a_file_of_something_else_is_said(kept):
    torch.save([1, 2], kept[0])
    with pytest.raises(InputError, match="holds no weights of this network"):
        learn.load_vae(kept[0], **TINY)


def test_missing_weights_are_said(tmp_path):
    with pytest.raises(InputError, match=r"run9-A\.pt: there is no such file.*run it again"):
        learn.load_vae(tmp_path / "run9-A.pt", **TINY)


def test_weights_that_cannot_be_written_are_said_and_the_last_stay(kept, monkeypatch):
    file, model = kept
    before = file.read_bytes()
    with monkeypatch.context() as patch, pytest.raises(InputError, match=r"run0-A\.pt: weights cannot be written"):
        patch.setattr(store, "_beside", lambda file: file.parent)  # a folder, which is no file to write to
        learn.save_vae(learn.vae(**TINY, seed=8), file)
    assert file.read_bytes() == before
    with pytest.raises(InputError, match="weights cannot be written"):
        learn.save_vae(model, file / "below.pt")


# -- bad input

BAD = {
    "sampling": (lambda: split(sampling="all"), "sampling: must be replace, distinct or matched, got 'all'"),
    "no group": (lambda: split(table().drop(columns="group")), "column group: not in the frame"),
    "nothing tested": (lambda: split(test_size=0), "test_size = 0: expected 1 or more"),
    "nothing trained on": (lambda: split(train_size=0), "train_size = 0: expected 1 or more"),
    "all tested": (lambda: split(test_size=30), "30 images of dark, but 30 are to be tested"),
    "nobody of a group": (lambda: split(a="pale"), "0 images of pale, but 6 are to be tested"),
    "one left": (lambda: split(test_size=29), "1 images of dark are left to train on, at least 2 are needed"),
    "too few to be distinct": (
        lambda: split(train_size=25),
        "24 images of dark are left to train on, 25 are needed",
    ),
    "no run": (lambda: skin_tone.run(Scorer(), table(), **OPTIONS | {"runs": 0}), "runs = 0: expected 1 or more"),
    "no name": (lambda: skin_tone.run(Scorer(), table().drop(columns="image"), **OPTIONS), "column image: not in"),
    "no condition": (lambda: skin_tone.run(Scorer(), table(), condition="age", **OPTIONS), "column age: not in"),
    "infeasible": (
        lambda: skin_tone.run(Scorer(), table(), **OPTIONS | {"sampling": "distinct", "train_size": 25}),
        "24 images of dark are left to train on",
    ),
    "no such network": (
        lambda: learn.load_vae("run0-A.pt", **TINY | {"channels": 7}),
        "channels = 7: expected a multiple",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)
