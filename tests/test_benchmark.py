"""The benchmark: its worlds, its scores on made-up answers, and a small run from end to end."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from models.separation import WEATHER_MODEL_ERROR
from pipeline.benchmark import Options, benchmark, page, real_weather
from pipeline.benchmark.cases import simulated, tasks
from pipeline.benchmark.contestants import OURS, WithLags, chosen, contestants
from pipeline.benchmark.scoring import _index, answers, scores
from pipeline.benchmark.summary import Answered, factors, interval_scores, long_table, ratio_to_forest
from pipeline.benchmark.truth import true_parts, truth
from pipeline.errors import ConfigError, InputError
from pipeline.worlds.weather import VARIABLES

FAST = ("ours", "forest", "kz")


def answer(error: float = 0.0, half: float | None = 1.0) -> dict:
    """Answers that miss the weather's part by ``error`` of it and hit the emissions' part."""
    rows = [
        [2013, 2014, 4.0 * (1 + error), half, 4.0, -1.0, half, -1.0],
        [2013, 2015, -2.0 * (1 + error), half, -2.0, 3.0, half, 3.0],
    ]
    event = {"days": 7, "true": -30.0, "unknown": -10.0, "told": -25.0, "told_half": half and 6.0}
    index = {"year": {"error": 1.0} | ({"coverage": 0.75, "width": 3.0} if half else {})}
    return {"pairs": {"mean": rows, "p90": rows}, "index": index, "events": [event], "level": 50.0, "seconds": 1.0}


def answered(error: float, half: str, *, method: str = OURS) -> Answered:
    found = {"pm25": answer(error), "o3": answer(error)}
    return Answered("made up", f"{half} {error}", half, method, found)


def test_there_are_thirty_worlds_and_each_half_has_every_emission_history():
    cases = simulated()
    assert len(cases) >= 30
    assert len({case.name for case in cases}) == len(cases)
    halves = {half: {case.spec.emissions for case in cases if case.half == half} for half in ("calibration", "check")}
    assert halves["calibration"] == halves["check"] == {case.spec.emissions for case in cases}
    counts = Counter(case.half for case in cases)
    assert abs(counts["calibration"] - counts["check"]) <= 2


def test_a_few_worlds_are_spread_over_all():
    assert [case.number for case in simulated(2)] == [0, len(simulated()) - 1]


def test_a_perfect_answer_has_no_error_slope_one_and_is_covered():
    found = scores(answer())
    assert found["weather error"] == found["emissions error"] == 0
    assert found["weather slope"] == pytest.approx(1)
    assert found["weather coverage"] == 1
    assert found["weather width of level"] == pytest.approx(100 * 2 / 50)


def test_an_answer_a_fifth_too_large_has_that_error_and_slope():
    found = scores(answer(0.2, None))
    assert found["weather error"] == pytest.approx(0.2)
    assert found["weather slope"] == pytest.approx(1.2)
    assert found["weather error of level"] == pytest.approx(100 * 0.6 / 50)
    assert "weather coverage" not in found
    assert found["one week, dates unknown"] == 20
    assert found["one week, dates told"] == 5


def test_intervals_of_index_percentile_and_events_are_scored_too():
    one, other = answered(0.2, "calibration"), answered(0.4, "check")
    found = interval_scores(long_table([one, other]), "made up").loc[("pm25", "all")]
    assert found["p90 weather coverage"] == 0.75  # half-widths of 1: misses of 0.8 and 0.4, of 1.6 and 0.8
    assert (found["index coverage by year"], found["index width by year"]) == (0.75, 3.0)
    assert found["one week coverage"] == 1
    assert np.isnan(found["ten weeks coverage"])
    text = page.results(long_table([one, other]), [one, other], {OURS: contestants()[OURS]})
    assert "index coverage by year" in text
    assert "nan" not in text


def test_an_index_is_judged_outside_its_base_year_only():
    case = simulated(1)[0]
    true = truth(case, draws=4)
    asked = tasks(case, case.world())["pm25"]
    base = asked.calendar.year == true["pm25"]["years"][0]
    members = np.array([1.0, 1.0, 1.1, 0.9])[:, None]

    class Guess:
        def index_days(self, _):
            ones = np.ones((4, len(base)))
            return np.where(base, ones, ones * members), ones

    found = _index(Guess(), asked, true["pm25"])
    half = 10 * 2.920  # spread of 100, 110 and 90 times Student's 95 % quantile of two degrees of freedom
    assert found["year"]["width"] == pytest.approx(2 * half, rel=1e-3)
    errors = np.abs(100 - np.array(true["pm25"]["index"]["year"]))[1:]
    assert found["year"]["coverage"] == pytest.approx((errors <= half).mean())


def test_factors_are_found_on_one_half_and_tried_on_the_other():
    # misses of 0.8 and 0.4 with half-widths of 1 at the factor in use: it takes 0.8 of that to cover both
    found = factors([answered(0.2, "calibration"), answered(0.4, "check")], "made up")
    row = found[(found["part"] == "weather") & (found["pollutant"] == "pm25")].iloc[0]
    assert row["factor for 90 %"] == pytest.approx(0.8 * WEATHER_MODEL_ERROR, abs=0.051)
    assert (row["calibration"], row["check"]) == (1.0, 0.5)
    assert (row["calibration with it"], row["check with it"]) == (1.0, 0.5)


def test_our_error_is_told_as_a_share_of_the_forests():
    table = long_table([answered(0.1, "check"), answered(0.5, "check", method="forest")])
    assert ratio_to_forest(table, "made up", "pm25") == pytest.approx(0.2)
    assert np.isnan(ratio_to_forest(table[table["method"] == OURS], "made up", "pm25"))


def test_true_parts_add_up_to_the_true_change():
    table = np.array([[50.0, 56.0], [40.0, 43.0]])
    assert sum(true_parts(table, 0, 1)) == pytest.approx(43 - 50)
    assert true_parts(table, 0, 1)[0] == pytest.approx((6 + 3) / 2)


def test_methods_are_shown_weather_of_the_day_and_memory_of_it():
    case = simulated(1)[0]
    asked = tasks(case, case.world())["pm25"]
    assert {"log_blh", "rh", "log_wind_speed", "diurnal_range"} <= set(asked.roles.main)
    assert not any("lag" in name or "mean" in name for name in asked.roles.main)
    assert {"log_blh_lag1", "rh_mean7"} <= set(asked.drivers)


@pytest.mark.parametrize("name", ["forest-lags", "boosting-lags", "gam-lags"])
def test_methods_of_the_field_may_be_shown_the_days_before_too(name):
    seen = []

    def method(task):
        seen.append(task)
        return contestants(trees=5)[name].method.method(task)

    case = simulated(1)[0]
    asked = tasks(case, case.world())["pm25"]
    result = WithLags(method)(asked)
    assert set(seen[0].roles.main) == set(asked.drivers)
    assert seen[0].weather.shape == asked.drivers.shape
    first, last = (int(asked.calendar.years[i]) for i in (0, -1))
    assert np.isfinite(result.parts(first, last).weather).all()
    own = contestants(trees=5)[name].method(asked)
    assert own.parts(first, last).weather == pytest.approx(result.parts(first, last).weather)


def test_the_truth_is_the_worlds_own():
    case = simulated(1)[0]
    world = case.world()
    found = truth(case, draws=4)["o3"]
    assert np.array(found["table"]["mean"]) == pytest.approx(world.truth("o3", draws=4)[0].values)
    assert found["index"]["year"][0] == pytest.approx(100)


def test_an_intervention_is_asked_for_with_and_without_its_dates():
    case = next(case for case in simulated() if case.spec.emissions == "week_intervention")
    true = truth(case, draws=4)
    found = scores(answers(case, contestants()["gam"], true)["pm25"])
    assert {"one week, dates unknown", "one week, dates told"} <= set(found)
    assert "one week, dates told" not in scores(answers(case, contestants()["kz"], true)["pm25"])


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"--methods: found \['oracle'\]; allowed: ours, "):
        chosen(["oracle"])


def test_all_methods_are_there_without_names():
    assert list(chosen([])) == list(contestants())


def in_this_process(function, items, *, scheduler=None):
    """Processes take longer to start than these few jobs; that they change nothing is tested with the workers."""
    return map(function, items)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    written = folder / "PAGE.md"
    written.write_text(f"before\n{page.BEGIN}\nof last year\n{page.END}\nafter\n", encoding="utf-8")
    options = Options(worlds=1, methods=FAST, draws=8, trees=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.benchmark.each", in_this_process)
        yield folder, options, benchmark(folder / "run", options, page_path=written)


def test_a_run_leaves_a_long_table_a_figure_and_the_page(run):
    folder, _, text = run
    table = pd.read_csv(folder / "run" / "tables" / "benchmark.csv")
    assert set(table["method"]) == set(FAST)
    assert list(table) == ["kind", "world", "half", "method", "pollutant", "score", "value"]
    assert (folder / "run" / "figures" / "benchmark.svg").stat().st_size > 1000
    assert (folder / "docs" / "benchmark.png").stat().st_size > 1000
    written = (folder / "PAGE.md").read_text(encoding="utf-8")
    assert text in written
    assert "of last year" not in written
    assert (written.startswith("before\n"), written.endswith("after\n")) == (True, True)


def test_ours_beats_the_forest_on_the_worlds_of_the_run(run):
    folder, _, _ = run
    table = pd.read_csv(folder / "run" / "tables" / "benchmark.csv")
    for pollutant in ("pm25", "o3"):
        assert ratio_to_forest(table, "simulated weather", pollutant) < 0.7


def test_a_second_run_computes_nothing_and_a_new_one_gives_the_same(run):
    folder, options, text = run
    stored = folder / "run" / "answers"
    stamps = {path: path.stat().st_mtime_ns for path in stored.iterdir()}
    assert benchmark(folder / "run", options) == text
    assert stamps == {path: path.stat().st_mtime_ns for path in stored.iterdir()}
    case, contestant = simulated(1)[0], chosen(FAST, 20)["forest"]
    true = json.loads((folder / "run" / "truth" / f"{case.name}.json").read_text())
    again = answers(case, contestant, true)
    kept = json.loads((stored / f"{case.name}-forest.json").read_text())
    for pollutant in again:
        assert again[pollutant]["pairs"] == kept[pollutant]["pairs"]


def test_a_page_without_its_marks_is_refused(tmp_path):
    (tmp_path / "PAGE.md").write_text("nothing\n")
    with pytest.raises(InputError, match="needs one line"):
        page.update(tmp_path / "PAGE.md", "text")


def test_a_folder_without_station_files_is_refused(tmp_path):
    with pytest.raises(InputError, match="PRSA"):
        real_weather.real(tmp_path)


@pytest.mark.shared_data
def test_real_weather_is_completed_to_what_a_world_needs(shared_data):
    case = real_weather.real(shared_data / "prsa", 1)[0]
    weather = real_weather.completed_weather(case.path)
    assert list(weather) == list(VARIABLES)
    assert not weather.isna().to_numpy().any()
    assert weather["tcc"].between(0, 1).all()
    # clear winter noon to overcast summer day; shallow to deep afternoon layers
    assert weather["ssrd"].between(20, 400).all()
    assert weather["blh"].between(50, 4000).all()


@pytest.mark.shared_data
def test_our_error_under_real_weather_is_below_the_forests(shared_data):
    case = real_weather.real(shared_data / "prsa", 2)[1]
    true = truth(case, draws=16)
    errors = {
        name: scores(answers(case, contestant, true)["pm25"])["weather error"]
        for name, contestant in chosen(["ours", "forest"], 20).items()
    }
    assert errors["ours"] < errors["forest"]
