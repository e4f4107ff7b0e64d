"""The study of causal ordering: worlds both ways, latents and what noise can have, gaps along a path, real tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, learn, stats
from helpers.book import workflow
from helpers.errors import InputError
from helpers.keep import plans
from helpers.studies import causal_ordering as study


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    plan = plans.grid(world=list(datasets.FACTOR_WORLDS), d=[4], n=[300], seed=range(8))
    return plans.repeat(study.order_job, plan, progress=False)


def test_the_order_is_found_where_it_can_be_and_not_after_a_rotation(orders):
    shares = study.reversed_shares(orders).set_index(["world", "method"])
    assert shares.loc[("bounded", "SCORE"), "estimate"] < 0.15 < 0.3 < shares.loc[("rotated", "SCORE"), "estimate"]
    assert (shares["low"] >= 0).all() and (shares["high"] <= 1).all() and (shares["low"] < shares["high"]).all()
    assert "independent" not in shares.index.get_level_values("world")


def test_every_method_orders_every_world(orders):
    assert set(orders["method"]) == set(study.METHODS)
    counts = orders.groupby(["world", "method"]).size()
    assert (counts == 8).all()
    assert orders.loc[orders["world"] == "independent", "share"].isna().all()


def test_up_and_down_reverse_all_edges_between_them(orders):
    wide = orders.pivot_table(index=["world", "seed"], columns="method", values="reversed")
    edges = orders.groupby(["world", "seed"])["edges"].first()
    assert (wide["R2 up"] + wide["R2 down"] == edges[wide.index]).all()


def test_a_world_is_balanced_if_sorting_by_r2_is_at_chance():
    rows = [("a", "R2 up", 0.5, 0.4, 0.6), ("a", "R2 down", 0.5, 0.4, 0.6)]
    rows += [("b", "R2 up", 0.8, 0.7, 0.9), ("b", "R2 down", 0.2, 0.1, 0.3)]
    shares = pd.DataFrame(rows, columns=["world", "method", "estimate", "low", "high"])
    assert study.balanced(shares, "a") and not study.balanced(shares, "b")
    assert study.sorted_by_r2(shares, "b") == pytest.approx(0.3)


def test_pairs_are_called_rightly_in_bounded_and_seldom_in_independent():
    plan = plans.grid(world=["bounded", "independent"], seed=range(6))
    rows = plans.repeat(study.pairs_job, plan, progress=False, n=300)
    found = study.false_orders(rows)
    assert found.loc["independent", "per pair"] < 0.1 and np.isnan(found.loc["independent", "right"])
    assert found.loc["bounded", "right"] > 0.3 > 0.1 > found.loc["bounded", "wrong"]
    assert (rows["right"] + rows["wrong"] <= rows["ordered"]).all()


@pytest.fixture(scope="module")
def latents() -> pd.DataFrame:
    kinds = [("bounded", "rotation"), ("bounded", "free"), ("independent", "free")]
    plan = [{"world": world, "kind": kind, "seed": seed} for world, kind in kinds for seed in range(3)]
    return plans.repeat(study.latent_job, plan, progress=False, n=200, steps=10)


def test_noise_has_hardly_an_arrow_and_the_truth_matches(latents):
    means = study.latent_means(study.runs_of(latents, "bounded", "rotation"), ["latents"])
    assert means.loc["truth", "mcc"] == pytest.approx(1) and means.loc["noise", "mcc"] < 0.3
    assert means.loc["noise", "wrong arrows"] <= means.loc["truth", "wrong arrows"] + 1
    assert means.loc["ridge, supervised", "mcc"] > 0.99
    for name in ("PCA", "random rotation", "ordering loss"):
        assert means.loc[name, "correlation"] < 1e-3 and means.loc[name, "explained"] > 0.99
    assert set(latents["latents"]) == set(study.LATENTS)


def test_reversed_edges_follow_the_matching():
    """Latents that are the factors in another order, and one of them turned around, have the factors' order."""
    drawn = datasets.draw_factors("bounded", 400, d=3, edges=1.0, seed=2)
    values = drawn.values.to_numpy()
    plain = study.measured(values, drawn)
    moved = study.measured(np.column_stack([values[:, 2], -values[:, 0], values[:, 1]]), drawn)
    for name in ("mcc", "reversed", "wrong arrows", "arrows", "correlation"):
        assert moved[name] == pytest.approx(plain[name], abs=1e-6)
    assert plain["error of correlation"] == 0


def test_tests_are_paired_over_seeds(orders, latents):
    found = study.tests(orders, latents)
    assert set(found) == {"order-hessian", "less-reversed", "recovers", "correlated"}
    assert all(set(of) == {"estimate", "low", "high", "n"} for of in found.values())
    wide = latents[latents["kind"] == "rotation"].query("world == 'bounded'").pivot(index="seed", columns="latents")
    change = wide["mcc"]["ordering loss"] - wide["mcc"]["random rotation"]
    assert found["recovers"]["estimate"] == pytest.approx(change.mean()) and found["recovers"]["n"] == 3
    less = wide["reversed"]["random rotation"] - wide["reversed"]["ordering loss"]
    half = less.std() / np.sqrt(3) * 4.302653  # quantile 0.975 of Student's t with 2 degrees of freedom
    expected = {"estimate": less.mean(), "low": less.mean() - half, "high": less.mean() + half, "n": 3.0}
    assert less.std() > 0 and found["less-reversed"] == pytest.approx(expected)
    assert study.tests(pd.DataFrame(), pd.DataFrame()) == {}


def test_free_latents_have_their_correlation_next_to_that_of_the_factors(latents):
    table = study.free_correlations(latents).set_index(["world", "latents"])
    free = latents[latents["kind"] == "free"].pivot(index=["world", "seed"], columns="latents", values="correlation")
    for world in ("bounded", "independent"):
        of = free.loc[world]
        for name in ("truth", "ordering loss"):
            assert table.loc[(world, name), "estimate"] == pytest.approx(of[name].mean())
        apart = table.loc[(world, "difference")]
        assert apart["estimate"] == pytest.approx((of["ordering loss"] - of["truth"]).mean())
        assert apart["low"] < apart["estimate"] < apart["high"] and apart["seeds"] == 3
    assert table.loc[("independent", "truth"), "estimate"] < 0.1 < table.loc[("bounded", "truth"), "estimate"]
    assert study.free_correlations(pd.DataFrame()).empty


def test_measures_of_pictures_have_intervals_over_seeds():
    rows = [
        {"arm": arm, "seed": seed, "mcc": 0.5 + lift + 0.1 * seed, "reversed": None if seed == 2 else 0.5}
        for arm, lift in (("VAE", 0.0), ("VAE, ordering loss", -0.2))
        for seed in range(3)
    ]
    found = study.picture_estimates(pd.DataFrame(rows)).set_index(["arm", "measure"])
    assert found.loc[("VAE", "mcc"), "estimate"] == pytest.approx(0.6)
    assert found.loc[("VAE", "mcc"), "high"] == pytest.approx(0.6 + 4.302653 * 0.1 / np.sqrt(3))
    assert found.loc[("difference", "mcc")].tolist() == pytest.approx([-0.2, -0.2, -0.2, 3], abs=1e-6)
    assert found.loc[("VAE", "reversed"), "seeds"] == 2
    values = study.nested(found.reset_index(), ("arm", "measure"), units="seeds")
    table = study.picture_table(values)
    assert list(table) == ["VAE", "VAE, ordering loss", "difference", "seeds"]
    assert table.loc["mcc"].tolist() == ["0.60 [0.35, 0.85]", "0.40 [0.15, 0.65]", "−0.20 [−0.20, −0.20]", 3]
    one = study.picture_estimates(pd.DataFrame(rows[:1]))
    assert one["low"].isna().all() and one["estimate"].tolist() == [0.5, 0.5]
    assert study.picture_table(study.nested(study.picture_estimates(pd.DataFrame()))).empty


def test_the_gap_is_right_with_the_true_order_and_gone_with_a_wrong_one():
    plan = [{"seed": seed} for seed in range(10)]
    rows = plans.repeat(study.gap_job, plan, progress=False)
    by = rows.set_index(["order", "seed"])
    truth = by.loc["true", "truth"]
    assert (truth.abs() > 0.2).all()
    assert (by.loc["true", "error along"].abs() < 0.6 * truth.abs()).mean() >= 0.8
    for name in ("reversed", "sex after heart size"):
        assert (by.loc[name, "along"] == 0).all()
    assert (by.loc["reversed", "gap"] == 0).all()
    table = study.path_gaps(rows)
    assert table.loc["reversed", "estimate"] == pytest.approx(-truth.mean())
    assert table.loc["true", "right"] == 1 and table.loc["reversed", "right"] == 0


def test_a_gap_by_hand():
    """Straight effects: the whole gap is the product of the path and the direct effect, and the path is its product."""
    rng = np.random.default_rng(0)
    sex = np.arange(2_000) % 2.0
    heart = 2 * sex + rng.standard_normal(2_000)
    finding = 0.5 * heart + 0.3 * sex + 0.1 * rng.standard_normal(2_000)
    values = pd.DataFrame({"sex": sex, "heart size": heart, "finding": finding})
    order = ("sex", "heart size", "finding")
    assert study.counterfactual_gap(values, order) == pytest.approx((1.3, 1.0), abs=0.06)
    after = ("heart size", "sex", "finding")
    assert study.counterfactual_gap(values, after) == pytest.approx((0.3, 0), abs=0.05)
    with pytest.raises(InputError, match="are not the columns"):
        study.counterfactual_gap(values, order[:2])
    with pytest.raises(InputError, match="other than 0 and 1"):
        study.counterfactual_gap(values.assign(sex=sex + 1), order)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="finding"), "outcome: the table has no column 'finding'"),
        (lambda f: f.drop(columns="heart size"), "through: the table has no column 'heart size'"),
        (lambda f: f.drop(columns="sex"), "sex: the table has no column 'sex'"),
        (lambda f: f.assign(finding=f["finding"].where(f.index > 2)), "factor finding: 3 values are NaN"),
        (lambda f: f.assign(sex=f["sex"].where(f.index > 2)), "column sex: values other than 0 and 1"),
        (lambda f: f[f["sex"] == 1], "column sex: all cases are of sex 1. Give cases of both sexes"),
        (lambda f: f.assign(finding=1.0), "factor finding: all values are equal"),
        (lambda f: f.head(40), "40 rows are too few"),
    ],
)
def test_no_gap(change, words):
    values = datasets.draw_factors("group", 100, seed=0).values
    assert study.counterfactual_gap(values, study.ORDERS["true"])[0] != 0
    with pytest.raises(InputError, match=words):
        study.counterfactual_gap(change(values), study.ORDERS["true"])


def test_pictures_have_latents_and_a_ceiling():
    rows = [study.picture_job(arm, 0, n=200, steps=3)[0] for arm in study.WEIGHTS]
    assert all(row["ceiling"] > 0.8 and 0 <= row["mcc"] <= 1 for row in rows)
    assert rows[0]["mse"] != rows[1]["mse"]


def test_the_picture_loss_adds_the_ordering_loss():
    import torch

    pictures = torch.as_tensor(datasets.draw_chests(np.random.default_rng(0).standard_normal((80, 3))))
    model = learn.vae(in_channels=1, channels=8, blocks=(1, 1, 2, 2), latent=3, seed=0).train()
    found = []
    for weight in (0.0, 2.0):
        torch.manual_seed(0)  # of the noise of the codes
        found.append(study.picture_loss(model, (pictures,), beta=0.1, weight=weight))
    plain, both = found
    assert float(both["loss"] - plain["loss"]) == pytest.approx(2 * float(both["order"]), rel=1e-4)
    assert "order" not in plain


def orders_of_parts(tables: study.Tables, **options) -> dict:
    return {part: study.found_orders(values, **options) for part, values in tables.parts.items()}


@pytest.fixture
def factors(tmp_path):
    return datasets.simulate_factors("bounded", 400, seed=1, folder=tmp_path)


def test_the_users_table_takes_the_same_path(factors):
    tables = study.read_tables(str(factors), factors="factors.csv", graph="graph.csv")
    assert list(tables.parts) == ["all rows"] and list(tables.graphs) == ["given"]
    found = orders_of_parts(tables)
    rows = study.table_rows(tables, found).set_index("method")
    drawn = datasets.draw_factors("bounded", 400, seed=1)
    for name, order in study.orders_of(drawn.values).items():
        if name != "random":
            assert rows.loc[name, "reversed"] == stats.edges_reversed(order, drawn.graph).count
    assert rows.loc["random", "reversed"] == pytest.approx(drawn.graph.sum() / 2, rel=0.1)
    assert len(study.named_orders(tables, found)) == 5
    pairs = study.table_pairs(tables)
    assert len(pairs) == 6 and pairs["share"].between(0.5, 1).all()
    assert (pairs["edge in given"] != 0).sum() == drawn.graph.sum()
    counts = study.pair_counts(pairs).loc["all rows"]
    assert counts["pairs"] == 6 and counts["right in given"] + counts["wrong in given"] <= counts["ordered"]
    without = study.read_tables(factors=str(factors / "factors.csv"))
    assert without.graphs == {}
    assert set(study.table_rows(without, orders_of_parts(without))["graph"]) == {"none"}
    with pytest.raises(InputError, match="a graph without a table"):
        study.read_tables(graph="graph.csv")


def test_a_graph_without_an_edge_has_no_share(factors):
    pd.read_csv(factors / "graph.csv", index_col=0).replace({1: 0}).to_csv(factors / "graph.csv")
    tables = study.read_tables(str(factors), factors="factors.csv", graph="graph.csv")
    assert tables.graphs == {} and "share of edges that an order reverses is undefined" in tables.refused["given"]
    rows = study.table_rows(tables, orders_of_parts(tables))
    assert set(rows["graph"]) == {"none"} and "reversed" not in rows
    assert study.browsable(pd.DataFrame(), rows).empty
    assert list(study.pair_counts(study.table_pairs(tables))) == ["pairs", "ordered"]


@pytest.mark.parametrize("most_rows", [-5, 0, 99, 3_001])
def test_no_size_of_a_subsample(most_rows, factors):
    tables = study.read_tables(str(factors), factors="factors.csv")
    for ordered in (orders_of_parts, study.table_pairs):
        with pytest.raises(InputError, match=f"most_rows: {most_rows} is not from 100 to 3,000"):
            ordered(tables, most_rows=most_rows)


def test_orders_of_subsamples_have_an_agreement(factors):
    tables = study.read_tables(str(factors), factors="factors.csv")
    whole = study.named_orders(tables, orders_of_parts(tables))
    assert list(whole) == ["causes first"]
    found = orders_of_parts(tables, most_rows=100, draws=4)
    named = study.named_orders(tables, found)
    expected = stats.order_agreement(found["all rows"]["SCORE"])
    assert named.loc[("all rows", "SCORE"), "agreement"] == pytest.approx(expected)
    assert named["agreement"].notna().sum() == 1
    others = named.index != ("all rows", "SCORE")
    assert (named.loc[others, "causes first"] == whole.loc[others, "causes first"]).all()


def test_cells_of_one_condition_may_be_too_few(tmp_path):
    root = datasets.simulate_cells(600, seed=1, folder=tmp_path)
    with pytest.raises(InputError, match="67 rows are too few for an order"):
        study.read_tables(str(root))


def test_cells_are_taken_apart_and_a_graph_with_a_cycle_is_refused(tmp_path):
    root = datasets.simulate_cells(900, seed=1, folder=tmp_path)
    tables = study.read_tables(str(root))
    assert {part: len(values) for part, values in tables.parts.items()} == {"observational": 100, "all rows": 900}
    assert list(tables.graphs) == ["twenty"] and "pip3" in tables.refused["eighteen"]
    rows = study.table_rows(tables, orders_of_parts(tables, most_rows=200, draws=3)).set_index(["part", "method"])
    assert rows.loc[("all rows", "SCORE"), "orders"] == 3 and rows.loc[("observational", "SCORE"), "orders"] == 1
    assert (rows["lowest"] <= rows["reversed"]).all() and (rows["reversed"] <= rows["highest"]).all()
    assert study.described(tables).shape == (22, 3)


def test_views_of_everything(orders, latents, factors):
    shares = study.reversed_shares(orders)
    table = study.worlds_table(shares, study.BASELINES)
    assert table.shape == (6, 6) and "[" in table.loc["bounded", "random"]
    _, axes = plt.subplots(2, 3)
    study.draw_worlds(shares, axes.ravel())
    assert [ax.get_title() for ax in axes.ravel()] == list(table.index)
    tables = study.read_tables(str(factors), factors="factors.csv", graph="graph.csv")
    rows = study.table_rows(tables, orders_of_parts(tables))
    study.draw_table(rows, axes.ravel())
    _, axes = plt.subplots(1, 3)
    study.draw_latents(study.runs_of(latents, "bounded", "rotation"), axes)
    plt.close("all")
    grid, lines, steps = study.factor_grid()
    assert grid.shape == (4, 5, 3, 16, 16) and len(lines) == 4 and steps[2] == "+0 SD"
    browse = study.browsable(orders, rows)
    assert set(browse["size"]) == {"4 factors, 300 rows", "graph given"}
    assert study.browsable(pd.DataFrame(), pd.DataFrame()).empty


def test_the_planted_order_is_found_on_the_page(tiny_run):
    values = tiny_run("15_causal_ordering").results["values"]
    assert set(values["orders"]["bounded"]) == set(study.METHODS)
    assert values["orders"]["bounded"]["SCORE"]["estimate"] < values["orders"]["rotated"]["SCORE"]["estimate"] + 0.2
    assert "independent" not in values["orders"] and "independent" in values["false orders"]
    assert set(values["gaps"]) == {*study.ORDERS, "learned"}


def test_a_table_of_factors_needs_no_folder_and_is_never_ignored():
    settled = workflow.settle("15_causal_ordering", "tiny", ["FACTORS=my.csv"])
    assert settled["SOURCE"] == "real" and settled["FACTORS"] == "my.csv"
    with pytest.raises(InputError, match="SOURCE: it is simulated, but FACTORS names a table"):
        workflow.settle("15_causal_ordering", "tiny", ["FACTORS=my.csv", "SOURCE=simulated"])


@pytest.mark.parametrize(
    "word",
    [
        *("N=199", "D=9", "N_GRAPHS=-3", "N_GRAPHS=1", "MOST_ROWS=60", "MOST_ROWS=-5", "MOST_ROWS=3001", "N_SEEDS=2"),
        *("SHARE=1", "ETA=0", "N_SUBSAMPLES=39", "LATENT_STEPS=0", "N_PICTURES=-1", "PICTURE_STEPS=0"),
    ],
)
def test_what_the_study_refuses_is_refused_at_its_start(word):
    name, _, value = word.partition("=")
    with pytest.raises(InputError, match=f"parameter {name}: {float(value):g}(.0)? is out of range"):
        workflow.settle("15_causal_ordering", "quick", [word])


def test_the_least_rows_are_enough_for_every_world():
    for world in datasets.FACTOR_WORLDS:
        assert study.order_job(world, 4, 100, 0)  # half of N
        study.pairs_job(world, 0, n=200)
    study.gap_job(0, n=200)
