"""The exact marginal against brute force with the library's own predictions, and the laws it must obey."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.inspection import partial_dependence as sklearn_dependence
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from models.marginal import coalitions, ensemble, game, marginal, means, paired_game, partial_dependence, shapley

FEATURES, CATEGORIES = 5, 7
ROUNDING = 1e-12
"""Some tens of sums of 64-bit numbers, relative to the largest."""
Case = tuple[Any, np.ndarray]


def plain(rng: np.random.Generator) -> np.ndarray:
    """Rows whose first column takes few values, whose last is a category, and which hold exact zeros."""
    values = rng.normal(size=(int(rng.integers(20, 120)), FEATURES))
    values[:, 0] = values[:, 0].round()
    values[:, 1] *= rng.random(len(values)) < 0.7
    values[:, -1] = rng.integers(0, CATEGORIES, len(values))
    return values


def with_gaps(rng: np.random.Generator) -> np.ndarray:
    values = plain(rng)
    values[rng.random(values.shape) < 0.15] = np.nan
    return values


def response(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    filled = np.nan_to_num(values, nan=1.5)
    return (
        40
        + 10 * filled[:, 0] * filled[:, 1]
        + 5 * filled[:, 2]
        + 8 * (filled[:, -1] % 3)
        + rng.normal(size=len(values))
    )


def boosted(make: Callable[[np.random.Generator], np.ndarray], **parameters: Any) -> Callable[[int], Case]:
    def fit(seed: int) -> Case:
        rng = np.random.default_rng(seed)
        values = make(rng)
        settings = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2, "num_leaves": 8, "seed": seed, **parameters}
        categorical = [FEATURES - 1] if "max_cat_to_onehot" in parameters else "auto"
        data = lightgbm.Dataset(values, response(values, rng), categorical_feature=categorical, params={"verbose": -1})
        return lightgbm.train({"objective": "regression", **settings}, data, 6), values

    return fit


def fitted(
    make: Callable[[np.random.Generator], np.ndarray], model: Callable[..., Any], **keywords: Any
) -> Callable[[int], Case]:
    def fit(seed: int) -> Case:
        rng = np.random.default_rng(seed)
        values = make(rng)
        return model(random_state=seed, **keywords).fit(values, response(values, rng)), values

    return fit


CASES: dict[str, Callable[[int], Case]] = {
    "boosted": boosted(plain),
    "boosted, gaps": boosted(with_gaps),
    "boosted, gaps as zero": boosted(with_gaps, use_missing=False),
    "boosted, zero is missing": boosted(with_gaps, zero_as_missing=True),
    "boosted, categories one by one": boosted(with_gaps, max_cat_to_onehot=32, cat_smooth=1),
    "boosted, sets of categories": boosted(plain, max_cat_to_onehot=1, cat_smooth=0.1, min_data_per_group=1),
    "boosted, one leaf": boosted(plain, min_data_in_leaf=1000),
    "boosted, absolute errors": boosted(plain, objective="l1"),
    "boosted forest": boosted(with_gaps, boosting="rf", bagging_fraction=0.7, bagging_freq=1),
    "tree": fitted(with_gaps, DecisionTreeRegressor),
    "extra tree": fitted(plain, ExtraTreeRegressor),
    "tree grown best first": fitted(plain, DecisionTreeRegressor, max_leaf_nodes=9),
    "forest": fitted(with_gaps, RandomForestRegressor, n_estimators=6, max_features=2),
    "extra trees": fitted(with_gaps, ExtraTreesRegressor, n_estimators=6),
    "gradient boosting": fitted(plain, GradientBoostingRegressor, n_estimators=8),
    "gradient boosting from zero": fitted(plain, GradientBoostingRegressor, n_estimators=8, init="zero"),
    "histogram boosting": fitted(with_gaps, HistGradientBoostingRegressor, max_iter=6, min_samples_leaf=2),
}
examples = given(name=st.sampled_from(sorted(CASES)), seed=st.integers(0, 10_000))
few = settings(max_examples=40)


def brute(case: Case, rows: np.ndarray, kept: list[int], weights: np.ndarray) -> np.ndarray:
    """Mean of the library's predictions for every row with every background row; ``weights`` (n, m)."""
    model, background = case
    mixed = np.repeat(background[None], len(rows), axis=0)
    mixed[:, :, kept] = rows[:, None, kept]
    predicted = model.predict(mixed.reshape(-1, background.shape[1])).reshape(len(rows), len(background))
    return (predicted * weights).sum(axis=1) / weights.sum(axis=1)


def some(seed: int, case: Case, rows: int = 6) -> tuple[np.random.Generator, np.ndarray, list[int]]:
    """Rows, some with values that the model has never seen, and features to keep."""
    rng = np.random.default_rng([seed, 1])
    found = case[1][rng.integers(len(case[1]), size=rows)] + np.where(rng.random((rows, FEATURES)) < 0.2, 2.5, 0.0)
    return rng, found, np.flatnonzero(rng.random(FEATURES) < rng.random()).tolist()


@pytest.mark.parametrize("name", sorted(CASES))
@given(seed=st.integers(0, 10_000))
@settings(max_examples=6)
def test_predictions_are_the_librarys(name, seed):
    model, values = CASES[name](seed)
    strange = values[:5].copy()
    strange[:] = np.array([-1e9, 1e9, -0.5, 1e-36, 200.0])[:, None]
    rows = np.concatenate([values, strange])
    expected = model.predict(rows)
    assert np.abs(ensemble(model).predict(rows) - expected).max() <= ROUNDING * np.abs(expected).max()


@pytest.mark.parametrize("name", [name for name in sorted(CASES) if name.startswith("boosted")])
def test_what_was_never_missing_in_training_goes_the_librarys_way(name):
    model, values = CASES[name](3)
    values[::2, :] = np.nan
    expected = model.predict(values)
    assert np.abs(ensemble(model).predict(values) - expected).max() <= ROUNDING * np.abs(expected).max()


@few
@examples
def test_the_marginal_is_the_mean_over_all_background_rows(name, seed):
    case = CASES[name](seed)
    rng, rows, kept = some(seed, case)
    weights = rng.integers(0, 3, len(case[1])) * rng.random() + (np.arange(len(case[1])) == 0)
    trees = ensemble(case[0])
    everywhere = np.ones((len(rows), len(case[1])))
    assert marginal(trees, rows, case[1], kept=kept) == pytest.approx(brute(case, rows, kept, everywhere), rel=1e-9)
    found = marginal(trees, rows, case[1], kept=kept, weights=weights)
    assert found == pytest.approx(brute(case, rows, kept, everywhere * weights), rel=1e-9)


@few
@examples
def test_everything_kept_predicts_and_nothing_kept_is_the_mean_prediction(name, seed):
    model, values = CASES[name](seed)
    trees, predicted = ensemble(model), model.predict(values)
    scale = np.abs(predicted).max()
    assert np.abs(marginal(trees, values, values, kept=range(FEATURES)) - predicted).max() <= ROUNDING * scale
    assert np.abs(marginal(trees, values, values, kept=[]) - predicted.mean()).max() <= ROUNDING * scale


@few
@examples
def test_the_order_of_the_background_changes_nothing(name, seed):
    case = CASES[name](seed)
    rng, rows, kept = some(seed, case)
    trees, order = ensemble(case[0]), rng.permutation(len(case[1]))
    assert (marginal(trees, rows, case[1], kept=kept) == marginal(trees, rows, case[1][order], kept=kept)).all()


@few
@examples
def test_a_weight_of_two_is_a_row_twice(name, seed):
    case = CASES[name](seed)
    rng, rows, kept = some(seed, case)
    times = rng.integers(1, 4, len(case[1]))
    trees = ensemble(case[0])
    weighted = marginal(trees, rows, case[1], kept=kept, weights=times)
    assert weighted == pytest.approx(marginal(trees, rows, np.repeat(case[1], times, axis=0), kept=kept), rel=1e-12)


@few
@given(name=st.sampled_from(["boosted, gaps", "forest"]), seed=st.integers(0, 10_000), within=st.integers(0, 200))
def test_strata_and_windows_meet_only_their_own_background(name, seed, within):
    case = CASES[name](seed)
    rng, rows, kept = some(seed, case)
    background = case[1]
    days = rng.integers(1, 367, len(background))
    own_days = days[rng.integers(len(days), size=len(rows))]
    hours = np.arange(len(background)) % 2
    own_hours = rng.integers(0, 2, len(rows))
    apart = np.abs(np.minimum(own_days, 365)[:, None] - np.minimum(days, 365))
    near, alike = np.minimum(apart, 365 - apart) <= within, own_hours[:, None] == hours
    trees = ensemble(case[0])

    strata, window = (own_hours.astype(str), hours.astype(str)), (own_days, days, within)
    found = marginal(trees, rows, background, kept=kept, strata=strata)
    assert found == pytest.approx(brute(case, rows, kept, alike), rel=1e-9)
    found = marginal(trees, rows, background, kept=kept, window=window)
    assert found == pytest.approx(brute(case, rows, kept, near), rel=1e-9)
    weights = rng.random(len(background))
    found = marginal(trees, rows, background, kept=kept, window=window, weights=weights)
    assert found == pytest.approx(brute(case, rows, kept, near * weights), rel=1e-9)
    if (near & alike).any(axis=1).all():
        found = marginal(trees, rows, background, kept=kept, strata=strata, window=window, weights=weights)
        assert found == pytest.approx(brute(case, rows, kept, near * alike * weights), rel=1e-9)


def test_many_rows_go_in_blocks_and_little_memory_in_parts(monkeypatch):
    case = CASES["boosted, gaps"](1)
    rng = np.random.default_rng(0)
    background = case[1][rng.integers(len(case[1]), size=9000)] + rng.normal(0, 0.1, (9000, FEATURES))
    days = rng.integers(1, 366, 9000)
    trees, window = ensemble(case[0]), (days, days, 10)
    whole = marginal(trees, background, background, kept=[0, 2], window=window)
    for i in [0, 4095, 4096, 8999]:
        apart = np.abs(days - days[i])
        met = np.minimum(apart, 365 - apart) <= 10
        expected = brute((case[0], background[met]), background[[i]], [0, 2], np.ones((1, met.sum())))
        assert whole[[i]] == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr(means, "MEMORY", 1)
    parts = marginal(trees, background, background, kept=[0, 2], window=window)
    assert np.abs(parts - whole).max() <= ROUNDING * np.abs(whole).max()


@pytest.mark.parametrize("name", ["boosted", "forest"])
def test_no_rows_have_no_marginal(name):
    model, values = CASES[name](2)
    assert marginal(ensemble(model), values[:0], values, kept=[1]).shape == (0,)
    assert ensemble(model).predict(values[:0]).shape == (0,)


# data frames


def framed() -> tuple[lightgbm.LGBMRegressor, pd.DataFrame]:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"wind speed": rng.normal(size=300), "sector": rng.choice(list("ENSW"), 300), "t": rng.normal(size=300)}
    )
    frame["sector"] = frame["sector"].astype("category")
    target = frame["wind speed"] + frame["sector"].map({"E": 0.0, "N": 2.0, "S": 4.0, "W": 6.0}).astype(float)
    model = lightgbm.LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1, min_data_per_group=1, cat_smooth=1)
    return model.fit(frame, target), frame


def test_a_data_frame_is_matched_by_name_and_category():
    model, frame = framed()
    trees, expected = ensemble(model), model.predict(frame)
    other = frame[["t", "sector", "wind speed"]].assign(more=1.0)
    other["sector"] = other["sector"].cat.reorder_categories(["W", "S", "N", "E"]).cat.add_categories("calm")
    other.loc[0, "sector"] = "calm"
    expected[0] = model.predict(frame[:1].assign(sector=pd.Categorical([None], list("ENSW"))))[0]
    assert trees.predict(other) == pytest.approx(expected, rel=1e-12)
    found = marginal(trees, other, frame, kept=["sector"])
    for sector in "ENSW":
        everywhere = frame.assign(sector=pd.Categorical([sector] * len(frame), list("ENSW")))
        assert found[other["sector"] == sector] == pytest.approx(model.predict(everywhere).mean(), rel=1e-9)


def test_sklearns_float32_inputs_are_rounded_as_there():
    seconds = 869097600 + 3600.0 * np.arange(400)  # hours since 1970 in seconds: float32 tells 64 s apart
    rows = np.column_stack([seconds, np.sin(seconds)])
    model = RandomForestRegressor(5, random_state=0, n_jobs=1).fit(rows, np.arange(400.0))
    assert ensemble(model).predict(rows + 20) == pytest.approx(model.predict(rows + 20), rel=1e-12)


# dependence and games


@pytest.mark.parametrize("name", ["forest", "gradient boosting", "histogram boosting"])
def test_dependence_agrees_with_sklearns_brute_force(name):
    model, values = CASES[name](7)
    trees = ensemble(model)
    for features in [[1], [0, 2]]:
        theirs = sklearn_dependence(model, values, features, method="brute", grid_resolution=6)
        grid = dict(zip(features, theirs["grid_values"], strict=True))
        assert partial_dependence(trees, values, grid) == pytest.approx(theirs["average"][0], rel=1e-9)


@settings(max_examples=15)
@given(name=st.sampled_from(["boosted, gaps", "boosted, sets of categories", "forest"]), seed=st.integers(0, 10_000))
def test_shares_add_up_and_each_coalition_is_its_marginal(name, seed):
    case = CASES[name](seed)
    _, rows, _ = some(seed, case)
    groups = {"a": [0, 3], "b": [1], "c": ["Column_4"]}
    trees = ensemble(case[0])
    values = game(trees, rows, case[1], groups, kept=[2])
    everywhere = np.ones((len(rows), len(case[1])))
    for value, playing in zip(values, coalitions(groups), strict=True):
        kept = [2, *(int(str(feature)[-1]) for name in playing for feature in groups[name])]
        assert value == pytest.approx(brute(case, rows, kept, everywhere), rel=1e-9)
    shares, scale = shapley(values), np.abs(values).max()
    assert np.abs(shares.sum(axis=0) - (values[-1] - values[0])).max() <= ROUNDING * scale
    assert (values[-1] == marginal(trees, rows, case[1], kept=range(FEATURES))).all()


def test_a_change_between_paired_rows_is_shared_exactly():
    model, values = CASES["boosted, gaps"](4)
    half = len(values) // 2
    first, second, weights = values[:half], values[half : 2 * half], np.arange(half)
    found = paired_game(ensemble(model), first, second, {"a": [0, 1], "b": [2, 3, 4]}, weights=weights)
    mixed = np.column_stack([second[:, :2], first[:, 2:]])
    expected = [np.average(model.predict(rows), weights=weights) for rows in [first, mixed, second]]
    assert found[[0, 1, 3]] == pytest.approx(expected, rel=1e-12)
    assert shapley(found).sum() == pytest.approx(expected[2] - expected[0], abs=1e-12 * max(expected))


def test_who_holds_the_only_left_glove_gets_two_thirds():
    # Shapley 1953's rule on the glove game: a pair needs player 0's left and one of two right gloves
    values = np.array([float((c & 1) and (c & 6) != 0) for c in range(8)])
    assert shapley(values) == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)


@given(gains=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6))
def test_in_an_additive_game_everyone_gets_what_he_brings(gains):
    values = np.array([sum(gain for i, gain in enumerate(gains) if c >> i & 1) for c in range(2 ** len(gains))])
    assert shapley(values) == pytest.approx(gains, abs=1e-9)


# failures


def linear_leaves() -> Any:
    rng = np.random.default_rng(0)
    values = plain(rng)
    data = lightgbm.Dataset(values, response(values, rng), params={"verbose": -1, "linear_tree": True})
    return lightgbm.train({"linear_tree": True, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 2}, data, 3)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "linear leaves": (linear_leaves, ValueError, "linear_tree=False"),
    "link": (lambda: boosted(plain, objective="poisson")(0)[0], ValueError, "poisson.*not a sum over trees"),
    "square root": (lambda: boosted(plain, reg_sqrt=True)(0)[0], ValueError, "not a sum over trees"),
    "no trees": (lambda: LinearRegression(), TypeError, "no reader for a LinearRegression"),
    "two targets": (lambda: DecisionTreeRegressor().fit(np.eye(3), np.eye(3)), ValueError, "3 targets"),
    "other start": (
        lambda: GradientBoostingRegressor(init=LinearRegression()).fit(np.eye(3), np.ones(3)), ValueError, "LinearReg",
    ),
    "histogram link": (
        lambda: HistGradientBoostingRegressor(loss="poisson").fit(np.eye(3), np.ones(3)), ValueError, "poisson",
    ),
    "histogram categories": (
        lambda: HistGradientBoostingRegressor(categorical_features=[0]).fit(np.eye(3), np.ones(3)),
        ValueError,
        "encode",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_sum_of_trees_is_refused_in_one_line(name):
    make, error, words = REFUSED[name]
    model = make()
    with pytest.raises(error, match=words) as refused:
        ensemble(model)
    assert "\n" not in str(refused.value)


def test_wrong_rows_are_named():
    model, frame = framed()
    trees = ensemble(model)
    with pytest.raises(ValueError, match="no column \\['t'\\]"):
        trees.predict(frame[["wind speed", "sector"]])
    with pytest.raises(ValueError, match="categorical columns \\[\\]"):
        trees.predict(frame.assign(sector=1.0))
    with pytest.raises(ValueError, match=r"shape \(2, 4\)"):
        trees.predict(np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kept": ["humidity"]}, "no feature 'humidity'"),
        ({"kept": [99]}, "no feature 99"),
        ({"weights": [-1.0] * 20}, "weights have shape|negative"),
        ({"weights": np.full(20, np.nan)}, "not finite"),
        ({"weights": np.zeros(20)}, "row 0 and 4 more meet no background"),
        ({"strata": ([1, 1, 1, 1, 2], [1] * 20)}, "row 4 and 0 more meet no background"),
        ({"strata": ([1], [1] * 20)}, "strata have shape"),
        ({"window": ([1] * 5, [100] * 20, 30)}, "meet no background"),
        ({"window": ([0] * 5, [100] * 20, 30)}, "days of the year from 0"),
        ({"window": ([1] * 5, [100] * 20, -1)}, "window of -1 days"),
    ],
)
def test_wrong_arguments_are_named(options, words):
    model, values = CASES["boosted"](0)
    with pytest.raises(ValueError, match=words):
        marginal(ensemble(model), values[:5], values[:20], **{"kept": [0], **options})


def test_wrong_games_are_named():
    model, values = CASES["boosted"](0)
    trees = ensemble(model)
    with pytest.raises(ValueError, match=r"Column_1.*more than one group"):
        game(trees, values, values, {"a": [0, 1], "b": [1]})
    with pytest.raises(ValueError, match="more than one group"):
        game(trees, values, values, {"a": [0]}, kept=[0])
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_game(trees, values, values[1:], {"a": [0]})
    with pytest.raises(ValueError, match="3 coalitions"):
        shapley(np.zeros(3))


@pytest.mark.slow
def test_exact_is_eighty_times_as_fast_as_resampling():
    bench = Path(__file__).parent / "bench" / "marginal_speed.py"
    done = subprocess.run(
        [sys.executable, str(bench), "--rounds", "3"], capture_output=True, text=True, check=True, timeout=300
    )
    times = [int(found) for found in re.findall(r"(\d+) times faster", done.stdout)]
    assert len(times) == 2
    assert min(times) >= 80, done.stdout  # with reading the model, too
