"""Before and after: a planted lockdown, windows on which nothing happened, and the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_world
import yaml
from small_world import tianbang

from models.basis import Drivers
from models.business_as_usual import Comparison, Window, compared, placebo_p_value, placebo_windows
from models.separation import Settings
from pipeline.business_as_usual import COLUMNS, event_of
from pipeline.config import load
from pipeline.errors import ConfigError
from pipeline.worlds.benchmark_worlds import build, worlds
from pipeline.worlds.world import World

DAYS = pd.date_range("2015-01-01", "2019-12-31")
EVENT = Window("event", pd.Timestamp("2019-02-01"), pd.Timestamp("2019-04-11"))
ROLES = Drivers(("wind", "temperature"), {}, ("wind", "temperature"))


def planted(*, effect: float = 0.0, decline: float = 0.0, seed: int = 0) -> tuple[pd.Series, pd.DataFrame]:
    """Five years whose event changes the concentrations by ``effect``."""
    rng = np.random.default_rng(seed)
    years = np.arange(len(DAYS)) / 365.25
    table = pd.DataFrame(rng.standard_normal((len(DAYS), 2)), DAYS, ["wind", "temperature"])
    log = 3 - decline * years + 0.3 * np.cos(2 * np.pi * years) - 0.5 * table["wind"] + 0.2 * table["temperature"]
    inside = (EVENT.start <= DAYS) & (EVENT.end >= DAYS)
    expected = np.exp(log) * np.where(inside, 1 + effect, 1.0)
    return expected * rng.gamma(30, 1 / 30, len(DAYS)), table


def found(target: pd.Series, table: pd.DataFrame, window: Window = EVENT, **changes: Any) -> Comparison | None:
    return compared(target, table, window, drivers=ROLES, settings=Settings(members=10, **changes))


def test_a_planted_effect_is_found_within_its_interval():
    ones = [found(*planted(effect=-0.3, seed=seed)) for seed in range(1, 6)]
    inside = [low < -30 < high for low, high in (one.percent_interval for one in ones)]
    assert sum(inside) >= 3  # of five at 90 %, less happens once in a hundred
    # 70 days of 18 % noise know a mean to 2 %, the level before them is known as well: 3 % each, 1.3 % for five
    assert np.mean([one.percent for one in ones]) == pytest.approx(-30, abs=3)
    assert all(one.days == 70 for one in ones)


def test_nothing_after_the_event_begins_enters_what_is_expected():
    target, table = planted(effect=-0.3)
    changed = target.where(target.index < EVENT.start, 5 * target)
    one, other = found(target, table), found(changed, table)
    assert (one.expected == other.expected).all()
    assert other.observed == pytest.approx(5 * one.observed)
    short = slice(None, EVENT.end)
    assert (found(target[short], table[short]).expected == one.expected).all()


def test_the_last_level_is_held_and_no_trend_is_extrapolated():
    # a fall of a tenth a year, left alone: fourteen months on, the same season is expected at the level of the end
    target, table = planted(decline=0.1)
    early = Window("event", pd.Timestamp("2018-02-01"), pd.Timestamp("2019-12-31"))
    one = found(target, table, early)
    # two years of -10 % a year: on average -10 % below what the held level gives
    assert one.percent == pytest.approx(100 * (np.exp(-0.1) - 1), abs=5)


def test_an_intervention_of_the_event_itself_does_not_enter_its_model():
    target, table = planted(effect=-0.3)
    dated = ((EVENT.start, EVENT.end),)
    assert (found(target, table, interventions=dated).expected == found(target, table).expected).all()


def test_too_few_days_make_no_comparison():
    target, table = planted()
    assert found(target.mask((EVENT.start <= DAYS) & (DAYS.day > 10)), table) is None
    assert found(target, table, Window("event", pd.Timestamp("2015-06-01"), pd.Timestamp("2015-06-30"))) is None


def test_placebos_lie_before_the_event_as_long_as_it_and_clear_of_what_is_known():
    known = Window("event", pd.Timestamp("2017-06-01"), pd.Timestamp("2017-06-30"))
    windows = placebo_windows(DAYS, EVENT, avoid=[known], seed=1)
    assert [window.start for window in windows if window.kind == "same dates"] == [
        pd.Timestamp("2018-02-01"),
        pd.Timestamp("2017-02-01"),
    ]
    assert sum(window.kind == "random dates" for window in windows) > 10
    for window in windows:
        assert len(window.days) == len(EVENT.days)
        assert DAYS[0] + pd.Timedelta(days=730) <= window.start
        assert window.end < EVENT.start
        assert not window.overlaps(known)
    assert windows == placebo_windows(DAYS, EVENT, avoid=[known], seed=1)
    assert windows != placebo_windows(DAYS, EVENT, avoid=[known], seed=2)


def test_a_short_record_has_no_placebos_and_no_p_value():
    assert placebo_windows(DAYS[-700:], EVENT) == []
    assert np.isnan(placebo_p_value(-30, []))


def test_the_p_value_counts_the_event_among_the_placebos():
    assert placebo_p_value(-30, [1.0, -5.0, 31.0]) == 0.5
    assert placebo_p_value(-30, [1.0] * 19) == 0.05


# --- worlds of known truth, and the command


def lockdown_world() -> World:
    return build(next(spec for spec in worlds() if spec.emissions == "lockdown" and spec.climate == "yangtze_delta"))


def write(folder: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """The lockdown's world as files with one station; returns the path of the config."""
    world = lockdown_world()
    (event,) = world.interventions
    frames = {"observations": world.series("city", "pm25").to_frame(), "weather": world.weather_frame("city")}
    for name, frame in frames.items():
        frame.round(4).rename_axis("time").assign(station="S").to_csv(folder / f"{name}.csv")
    content = {
        "name": "lockdown",
        "period": [f"{world.days[0]:%Y-%m-%d}", f"{world.days[-1]:%Y-%m-%d}"],
        "base_period": [f"{world.days[0]:%Y}-01-01", f"{world.days[0]:%Y}-12-31"],
        "pollutants": ["pm25"],
        "observations": {"reader": "table", "path": "observations.csv", "resolution": "day"},
        "weather": {"source": "table", "path": "weather.csv", "resolution": "day"},
        "regions": {"R": ["S"]},
        "levels": ["region", "city"],
        "interventions": [{"name": "lockdown", "start": f"{event.start:%Y-%m-%d}", "end": f"{event.end:%Y-%m-%d}"}],
        "languages": ["en", "zh"],
        "model": {"members": 10},
        **(changes or {}),
    }
    (folder / "config.yml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return folder / "config.yml"


@pytest.mark.slow
def test_the_lockdown_of_a_world_is_found_beside_its_placebos(tmp_path: Path) -> None:
    config = write(tmp_path)
    outcome = tianbang("bau", config, "--event", "lockdown", "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip() == str(tmp_path / "run" / "tables" / "bau-lockdown.csv")
    table = pd.read_csv(outcome.out.strip())
    assert list(table.columns) == list(COLUMNS)
    world = lockdown_world()
    truth = float(world.intervention_effect("pm25", world.interventions[0])[0])
    events = table[table["kind"] == "event"]
    assert list(events["level"]) == ["region", "city"]
    for row in events.to_dict("records"):
        assert row["effect_low"] < truth < row["effect_high"]
        assert row["effect_percent"] == pytest.approx(truth, abs=10)
        assert row["placebos"] > 10
        assert row["p_value"] < 0.15
        assert row["placebo_low"] < 0 < row["placebo_high"]
    # a region of one city is that city
    region, city = (table[table["level"] == level].drop(columns=["level", "name"]) for level in ("region", "city"))
    pd.testing.assert_frame_equal(region.reset_index(drop=True), city.reset_index(drop=True))
    for language in ("en", "zh"):
        assert (tmp_path / "run" / "figures" / language / "bau-lockdown.svg").stat().st_size > 1000
    again = tianbang("bau", config, "--event", "lockdown", "--out", tmp_path / "run")
    assert "nothing to do" in again.err


def one_city(folder: Path) -> Path:
    """The small world with the observations of its western station alone."""
    config = small_world.write(folder, {"pollutants": ["benzene"], "levels": ["city"], "languages": ["en"]})
    frame = pd.read_csv(folder / "observations.csv")
    frame[frame["station"] == "W1"].to_csv(folder / "observations.csv", index=False)
    return config


def test_dates_of_ones_own_are_taken_and_a_short_record_says_that_it_has_no_placebos(tmp_path: Path) -> None:
    config = one_city(tmp_path)
    arguments = ("--from", "2023-01-10", "--to", "2023-02-20", "--out", tmp_path / "run")
    outcome = tianbang("bau", config, *arguments)
    assert outcome.code == 0, outcome.err
    (row,) = pd.read_csv(outcome.out.strip()).to_dict("records")
    assert (row["kind"], row["name"], row["start"], row["end"]) == ("event", "Westham", "2023-01-10", "2023-02-20")
    assert abs(row["effect_percent"]) < 20
    assert row["placebos"] == 0
    assert np.isnan(row["p_value"])
    early = tianbang("bau", config, "--from", "2021-01-10", "--to", "2021-02-20", "--out", tmp_path / "run")
    assert early.code == 5
    assert "no place has enough days in 2021-01-10/2021-02-20" in early.err


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Any:
    events = [{"name": "works", "start": "2022-01-01", "end": "2022-02-01"}]
    return load(small_world.write(tmp_path_factory.mktemp("world"), {"interventions": events}))


def test_an_event_is_named_or_dated(config):
    assert event_of(config, "works", "", "").name == "works"
    assert event_of(config, "", "2022-03-01", "2022-03-31").name == "2022-03-01--2022-03-31"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("", "", ""), "give either"),
        (("works", "2022-01-01", ""), "give either"),
        (("other", "", ""), "found 'other'; allowed: works"),
        (("", "2022-01-01", ""), "two dates"),
        (("", "2022-02-30", "2022-03-01"), "two dates"),
        (("", "2022-03-02", "2022-03-01"), "in order"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(config, given, said):
    with pytest.raises(ConfigError, match=said) as caught:
        event_of(config, *given)
    assert "\n" not in str(caught.value)
