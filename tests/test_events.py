"""Events of weather: known answers of every criterion, planted episodes, laws of what fixed emissions give on them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import Calendar, calendar
from models.separation import Separation
from pipeline.config import load
from pipeline.daily import daily
from pipeline.errors import ConfigError
from pipeline.events import (
    EVENTS,
    at_fixed_emissions,
    criteria,
    episodes,
    episodes_of_places,
    event_in,
    events,
    flags,
    left_out,
)
from pipeline.events.concentrations import ALL
from pipeline.events.criteria import NEEDS, read
from pipeline.events.flags import calendar_percentile, lasting, warm_season
from pipeline.events.tables import cities_and_stations, of_interest, weather_of
from pipeline.figures import event_differences, style
from pipeline.page import cells
from pipeline.page.sentences import event_sentence
from pipeline.readings import mean_of
from pipeline.vocabulary import POLLUTANTS, WEATHER
from pipeline.weekly.event_days import judged
from pipeline.wording import Language

DAYS = pd.date_range("2018-01-01", "2020-12-31", name="time")
"""Three years: 45 days in the window of a calendar day, more than a percentile needs."""
DAY = pd.Timestamp("2019-07-15")
QUIET = {
    "wind_speed": 5.0,
    "u500": 20.0,
    "v500": 5.0,
    "tp": 0.0,
    "t2m": 288.15,
    "tmax": 293.15,
    "tmin": 283.15,
    "t850": 280.0,
    "t925": 284.0,
    "ssrd": 200.0,
    "sp": 100_000.0,
}
"""Weather of no event but that of its day of the year: warm and bright in summer."""


def quiet(**changes: float) -> pd.DataFrame:
    """Quiet weather on all days; temperature and radiation change by month, so that the window of a day may differ."""
    season = -np.cos(2 * np.pi * (np.asarray(DAYS.month) - 0.5) / 12)
    frame = pd.DataFrame({**QUIET, **changes}, index=DAYS, dtype=float)
    return frame.assign(tmax=frame["tmax"] + 5 * season, ssrd=frame["ssrd"] + 60 * season)


def on(day: pd.Timestamp, event: str, weather: pd.DataFrame) -> float:
    """The flag of a day."""
    return float(flags(weather).loc[day, event])


# --- known answers


def test_quiet_weather_has_no_event_and_all_of_it_is_judged() -> None:
    found = flags(quiet()).drop(columns="stagnation_partial")
    assert (found.iloc[3:] == 0).all(axis=None)
    assert found["cold_surge"].iloc[:3].isna().all()


@pytest.mark.parametrize(
    ("event", "weather", "flag"),
    [
        ("stagnation", {"wind_speed": 3.19, "u500": 12.9, "v500": 0.0, "tp": 0.99}, 1),
        ("stagnation", {"wind_speed": 3.2, "u500": 12.9, "v500": 0.0, "tp": 0.99}, 0),
        ("stagnation", {"wind_speed": 3.19, "u500": 13.0, "v500": 0.0, "tp": 0.99}, 0),
        ("stagnation", {"wind_speed": 3.19, "u500": 5.0, "v500": -12.0, "tp": 0.0}, 0),  # 5, 12, 13
        ("stagnation", {"wind_speed": 3.19, "u500": 12.9, "v500": 0.0, "tp": 1.0}, 0),
        ("inversion_850", {"t850": 288.16}, 1),
        ("inversion_850", {"t850": 288.15}, 0),
        ("inversion_925", {"t925": 288.16}, 1),
        ("inversion_925", {"t925": 288.15}, 0),
        ("precipitation_day", {"tp": 0.1}, 1),
        ("precipitation_day", {"tp": 0.09}, 0),
        ("wet_day", {"tp": 1.0}, 1),
        ("wet_day", {"tp": 0.99}, 0),
        ("moderate_rain", {"tp": 10.0}, 1),
        ("moderate_rain", {"tp": 9.99}, 0),
    ],
)
def test_criteria_of_one_day_by_hand(event: str, weather: dict[str, float], flag: int) -> None:
    found = quiet()
    found.loc[DAY, list(weather)] = list(weather.values())
    assert on(DAY, event, found) == flag
    assert flags(found)[event].drop(DAY).eq(1).sum() == 0


@pytest.mark.parametrize(
    ("celsius", "flag"), [([35.0, 35.0, 35.0], 1), ([35.0, 34.9, 35.0], 0), ([40.0, 40.0], 0), ([35.0] * 5, 1)]
)
def test_a_heatwave_has_three_days_of_at_least_35_degrees(celsius: list[float], flag: int) -> None:
    weather = quiet()
    days = pd.date_range(DAY, periods=len(celsius))
    weather.loc[days, "tmax"] = np.array(celsius) + 273.15
    assert flags(weather)["heatwave_35"].sum() == flag * len(days)


@pytest.mark.parametrize(("event", "quantity"), [("heatwave_p90", "tmax"), ("strong_radiation", "ssrd")])
def test_spells_above_the_percentile_are_of_three_days_in_the_warm_months(event: str, quantity: str) -> None:
    """Three in July are one, two in August and four in January are none: quiet days equal their percentile."""
    weather = quiet()
    july, august, january = (
        pd.date_range(start, periods=days) for start, days in (("2019-07-15", 3), ("2019-08-15", 2), ("2019-01-15", 4))
    )
    for days in (july, august, january):
        weather.loc[days, quantity] += 1
    found = flags(weather)[event]
    assert list(found.index[found == 1]) == list(july)


@pytest.mark.parametrize(
    ("celsius", "flag"),
    [
        ([12.0, 12.0, 12.0, 4.0], 1),  # 8 in a day, to 4
        ([12.1, 12.1, 12.1, 4.1], 0),  # to 4.1
        ([11.9, 11.9, 11.9, 4.0], 0),  # 7.9
        ([8.0, 8.0, 3.0, -2.0], 1),  # 10 in two days
        ([8.0, 7.9, 3.0, -2.0], 0),  # 9.9 in two, 10 in three days
        ([6.0, 2.0, -2.0, -6.0], 1),  # 12 in three days
        ([5.9, 2.0, -2.0, -6.0], 0),
    ],
)
def test_a_cold_surge_falls_by_8_10_or_12_degrees_to_4(celsius: list[float], flag: int) -> None:
    weather = quiet()
    days = pd.date_range(end=DAY, periods=4)
    weather.loc[: days[0], "tmin"] = celsius[0] + 273.15
    weather.loc[days, "tmin"] = np.array(celsius) + 273.15
    weather.loc[DAY:, "tmin"] = celsius[-1] + 273.15
    found = flags(weather)["cold_surge"]
    assert found[DAY] == flag
    assert found.drop(DAY).sum() == 0


def test_without_the_wind_at_500_hpa_stagnation_is_judged_in_part_under_another_name() -> None:
    weather = quiet(wind_speed=3.0)
    whole, part = flags(weather.assign(u500=5.0)), flags(weather.drop(columns=["u500", "v500"]))
    assert whole["stagnation"].eq(1).all()
    assert whole["stagnation_partial"].isna().all()
    assert part["stagnation"].isna().all()
    assert part["stagnation_partial"].eq(1).all()


@pytest.mark.parametrize(
    ("event", "level", "sp"), [("inversion_850", "t850", 85_000), ("inversion_925", "t925", 92_500)]
)
def test_a_level_below_the_ground_tells_nothing(event: str, level: str, sp: float) -> None:
    weather = quiet(**{level: 300.0})
    assert flags(weather.assign(sp=float(sp)))[event].isna().all()
    assert flags(weather.assign(sp=sp + 1.0))[event].eq(1).all()
    assert flags(weather.drop(columns="sp"))[event].eq(1).all()


def test_the_percentile_is_that_of_all_days_within_the_window_counted_one_by_one() -> None:
    values = np.random.default_rng(0).normal(0, 1, len(DAYS))
    values[::7] = np.nan
    found = calendar_percentile(values, DAYS, 90, 15)
    place = np.array([date.replace(year=2000).day_of_year for date in DAYS])  # among the 366 days of the calendar
    for day in ("2018-01-03", "2019-07-15", "2020-12-28"):
        apart = np.abs(place - pd.Timestamp(day).replace(year=2000).day_of_year)
        near = np.minimum(apart, 366 - apart) <= 7
        assert found[DAYS.get_loc(day)] == pytest.approx(np.nanpercentile(values[near], 90)), day


def test_a_percentile_of_too_few_days_is_not_known() -> None:
    weather = quiet().loc["2018":"2019"]
    assert np.isfinite(calendar_percentile(weather["tmax"].to_numpy(), weather.index, 90, 15)).all()
    one = weather.loc["2018"]
    assert np.isnan(calendar_percentile(one["tmax"].to_numpy(), one.index, 90, 15)).all()
    assert flags(one)["heatwave_p90"].isna().all()


@pytest.mark.parametrize(("warmest", "season"), [(7, [5, 6, 7, 8, 9]), (1, [1, 2, 3, 11, 12])])
def test_the_warm_months_are_those_of_either_hemisphere(warmest: int, season: list[int]) -> None:
    warmth = np.cos(2 * np.pi * (np.asarray(DAYS.month) - warmest) / 12)
    assert sorted(set(DAYS.month[warm_season(warmth, DAYS)])) == season


# --- days that are not known


@pytest.mark.parametrize("event", [key for key in criteria() if key != "stagnation_partial"])
def test_a_day_without_what_a_criterion_needs_is_neither(event: str) -> None:
    for name in criteria()[event].needs:
        weather = quiet()
        weather.loc[DAY, name] = np.nan
        assert np.isnan(on(DAY, event, weather)), name
        assert flags(weather)[event].drop(DAY).eq(1).sum() == 0


def test_a_run_beside_an_unknown_day_is_unknown_where_it_might_be_long_enough() -> None:
    nan = np.nan
    met = np.array([1, 1, nan, 0, 1, nan, 0, 1, 1, 1, nan, 0, 1, 0], dtype=float)
    expected = [nan, nan, nan, 0, 0, nan, 0, 1, 1, 1, nan, 0, 0, 0]
    np.testing.assert_array_equal(lasting(met, 3), expected)
    np.testing.assert_array_equal(lasting(met, 1), met)


@pytest.mark.parametrize("missing", sorted({name for one in criteria().values() for name in one.needs}))
def test_a_quantity_that_the_weather_lacks_leaves_its_events_out_and_they_are_told(missing: str) -> None:
    weather = quiet().drop(columns=missing)
    found = flags(weather)
    (said,) = left_out(list(weather))
    for key, criterion in criteria().items():
        if missing in criterion.needs:
            assert found[key].isna().all()
            assert criterion.instead_of or re.search(rf"\b{key} \(no .*{missing}", said)


def test_nothing_is_told_where_nothing_is_left_out() -> None:
    assert left_out(list(QUIET)) == []
    (said,) = left_out(sorted(set(QUIET) - {"v500"}))
    assert said.endswith("stagnation (no v500; stagnation_partial instead)")


# --- episodes


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=8))
def test_planted_episodes_are_found_exactly(plan: list[tuple[int, int]]) -> None:
    flag, planted, day = [], [], pd.Timestamp("2020-02-20")
    for length, gap in plan:
        planted.append((day, day + pd.Timedelta(days=length - 1), length))
        flag += [1.0] * length + [0.0 if gap % 2 else np.nan] * gap
        day += pd.Timedelta(days=length + gap)
    found = episodes(pd.Series(flag, index=pd.date_range("2020-02-20", periods=len(flag))))
    assert list(found.itertuples(index=False, name=None)) == planted


def test_planted_stagnation_is_listed_for_its_city_alone() -> None:
    spell = pd.date_range("2019-12-28", "2020-01-03")
    bad = quiet()
    bad.loc[spell, ["wind_speed", "u500", "v500"]] = 1.0
    stations = ["a", "b"]
    weather = xr.Dataset(
        {name: (("station", "time"), np.stack([bad[name], quiet()[name]])) for name in QUIET},
        coords={"station": stations, "time": DAYS},
    )
    facts = {name: {"city": name.upper(), "assessed": True} for name in stations}
    found = episodes_of_places(weather, cities_and_stations(facts, ("city", "region")))
    assert found.to_dict("records") == [
        {"level": "city", "name": "A", "event": "stagnation", "start": spell[0], "end": spell[-1], "days": 7}
    ]
    many = [("city", str(number), ("a",)) for number in range(51)]
    assert episodes_of_places(weather, many).empty


# --- the concentration at fixed emissions

CALENDAR = calendar(DAYS)
BASE = np.asarray(DAYS.year == 2018)
MEMBERS = 4
RAISED = 1.5
"""What an event multiplies the concentration by, in the planted world."""


def flag_of(days: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"planted": days.astype(float)}, index=DAYS)


def world(event: np.ndarray, *, trend: float = 0.0, scale: float = 1.0) -> Separation:
    """Emissions fall by ``trend`` a year; weather knows the month and the event; members are multiples of both."""
    emissions = np.log(scale * 40.0) - trend * (np.asarray(DAYS.year) - 2018)
    weather = np.log(1 + 0.1 * np.asarray(DAYS.month)) + np.log(RAISED) * event
    more = 0.02 * np.arange(MEMBERS)[:, None]
    return Separation(DAYS, np.exp(emissions + weather), emissions + more, weather + more, np.ones(len(DAYS)))


def of(found: xr.Dataset, name: str, year: str = ALL) -> float:
    values = found[f"event_{name}"].sel(event="planted", event_year=year)
    return float(values.isel(member=0) if "member" in values.dims else values)


def random_days(seed: int = 0, *, unknown: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    days = (rng.random(len(DAYS)) < 0.25 + 0.3 * (np.asarray(DAYS.month) > 6)).astype(float)
    return np.where(rng.random(len(DAYS)) < 0.05, np.nan, days) if unknown else days


def test_days_that_only_the_season_makes_are_no_difference_within_months() -> None:
    """Events come with the warm half, the concentration too: plainly they differ, within months they do not."""
    days = random_days()
    calm = world(np.zeros(len(DAYS)))
    found = at_fixed_emissions(calm, CALENDAR, BASE, flag_of(days))
    assert of(found, "difference") > 5
    assert of(found, "matched") == pytest.approx(0, abs=1e-4)  # single precision


def test_what_an_event_adds_is_found_within_months_whatever_the_emissions_did() -> None:
    days = random_days()
    found = at_fixed_emissions(world(days, trend=0.3), CALENDAR, BASE, flag_of(days))
    month = np.asarray(DAYS.month)
    weights = np.array([(days[month == m] == 1).sum() for m in range(1, 13)])
    added = (RAISED - 1) * 40.0 * (1 + 0.1 * np.arange(1, 13))
    both = [
        (days[(month == m) & (DAYS.year == y)] == 1).any() and (days[(month == m) & (DAYS.year == y)] == 0).any()
        for m in range(1, 13)
        for y in (2018, 2019, 2020)
    ]
    assert all(both)
    assert of(found, "matched") == pytest.approx((weights * added).sum() / weights.sum(), rel=1e-5)
    assert of(found, "matched_days") == days.sum()


def test_by_year_and_in_all_the_days_add_up_and_so_do_the_means() -> None:
    days = random_days(1, unknown=True)
    separation = world(np.nan_to_num(days))
    found = at_fixed_emissions(separation, CALENDAR, BASE, flag_of(days))
    concentration = np.exp(separation.emissions[0, :365])[0] * np.exp(separation.weather[0])
    for year in ("2018", "2019", "2020", ALL):
        inside = np.ones(len(DAYS), dtype=bool) if year == ALL else np.asarray(DAYS.year == int(year))
        judged = inside & np.isfinite(days)
        assert of(found, "judged", year) == judged.sum()
        assert of(found, "days", year) == (days[judged] == 1).sum()
        whole = of(found, "days", year) * of(found, "on", year)
        whole += (judged.sum() - of(found, "days", year)) * of(found, "otherwise", year)
        assert whole == pytest.approx(concentration[judged].sum(), rel=1e-5)
    for name in ("judged", "days", "episodes"):
        assert sum(of(found, name, year) for year in ("2018", "2019", "2020")) == of(found, name)


def test_an_episode_over_the_new_year_counts_once_where_it_began() -> None:
    days = np.asarray((pd.Timestamp("2018-12-29") <= DAYS) & (pd.Timestamp("2019-01-02") >= DAYS)).astype(float)
    found = at_fixed_emissions(world(days), CALENDAR, BASE, flag_of(days))
    assert [of(found, "days", year) for year in ("2018", "2019", "2020", ALL)] == [3, 2, 0, 5]
    assert [of(found, "episodes", year) for year in ("2018", "2019", "2020", ALL)] == [1, 0, 0, 1]
    assert [of(found, "longest", year) for year in ("2018", "2019", "2020", ALL)] == [5, 0, 0, 5]


def test_twice_the_emissions_are_twice_of_everything() -> None:
    days = random_days(2)
    once, twice = (at_fixed_emissions(world(days, scale=scale), CALENDAR, BASE, flag_of(days)) for scale in (1.0, 2.0))
    for name in ("event_on", "event_otherwise", "event_difference", "event_matched"):
        np.testing.assert_allclose(twice[name], 2 * once[name], rtol=1e-5)


def test_without_days_of_the_event_or_without_others_nothing_is_compared() -> None:
    for value in (0.0, 1.0):
        found = at_fixed_emissions(world(np.zeros(len(DAYS))), CALENDAR, BASE, flag_of(np.full(len(DAYS), value)))
        assert of(found, "days") == value * len(DAYS)
        assert all(np.isnan(of(found, name)) for name in ("on", "otherwise", "difference", "matched"))


def test_a_year_that_starts_in_summer_has_its_own_days() -> None:
    from_july: Calendar = calendar(DAYS, year_start="07-01")
    days = np.asarray(DAYS == DAY).astype(float)
    found = at_fixed_emissions(world(days), from_july, BASE, flag_of(days))
    assert list(found["event_year"].to_numpy()) == ["2017", "2018", "2019", "2020", ALL]
    assert [of(found, "days", year) for year in ("2018", "2019")] == [0, 1]


# --- tables

CITIES = ("A", "B", "C")


def readings_of(seed: int, name: str, pollutant: str = "pm25") -> xr.Dataset:
    """A city with its own quiet weather, rain and calm, as a run reads it off."""
    rng = np.random.default_rng(seed)
    weather = quiet().assign(tp=rng.gamma(0.2, 5, len(DAYS)), wind_speed=rng.gamma(3, 1.2, len(DAYS)))
    weather["u500"] = rng.normal(0, 12, len(DAYS))
    weather.loc[DAYS[rng.integers(0, len(DAYS), 40)], "tp"] = np.nan
    found = at_fixed_emissions(world(weather["tp"].fillna(0).to_numpy() > 1), CALENDAR, BASE, flags(weather))
    attributes = {"level": "city", "name": name, "pollutant": pollutant, "units": "ug m-3"}
    return found.assign(reporting=("time", np.ones(len(DAYS)))).assign_attrs(attributes)


@pytest.fixture(scope="module")
def cities() -> list[xr.Dataset]:
    return [readings_of(seed, name) for seed, name in enumerate(CITIES)]


def test_shares_are_days_of_judged_days_and_lie_between_none_and_all(cities: list[xr.Dataset]) -> None:
    frame = events(cities)
    assert len(frame)
    assert frame["share"].between(0, 1).all()
    np.testing.assert_allclose(frame["days"], frame["share"] * frame["judged_days"])
    for part in ("on_event", "otherwise", "difference", "difference_season_matched"):
        known = frame[frame[part].notna()]
        assert (known[f"{part}_low"] <= known[part]).all()
        assert (known[part] <= known[f"{part}_high"]).all()


def test_a_region_is_the_mean_of_its_cities_in_any_order(cities: list[xr.Dataset]) -> None:
    region = [events([mean_of(order).assign_attrs(level="region", name="R")]) for order in (cities, cities[::-1])]
    key = ["event", "year"]
    pd.testing.assert_frame_equal(region[0], region[1], rtol=1e-5)
    own = events(cities).groupby(key)[["days", "difference", "difference_season_matched"]].mean()
    joined = region[0].set_index(key)[own.columns].loc[own.index]
    pd.testing.assert_frame_equal(joined, own, rtol=1e-4, check_dtype=False)
    known = region[0].dropna(subset=["difference"])
    np.testing.assert_allclose(known["on_event"] - known["otherwise"], known["difference"], atol=1e-3)


def test_events_that_cannot_be_judged_have_no_rows() -> None:
    weather = quiet().drop(columns=["t850", "u500"])
    found = at_fixed_emissions(world(np.zeros(len(DAYS))), CALENDAR, BASE, flags(weather))
    frame = events([found.assign_attrs(level="city", name="A", pollutant="o3", units="ug m-3")])
    assert set(frame["event"]) == set(criteria()) - {"inversion_850", "stagnation"}


def test_a_pollutant_has_the_events_that_matter_for_it_and_one_unknown_has_all() -> None:
    frames = {name: events([readings_of(1, "A", name)]) for name in ("o3", "pm25", "benzene")}
    shown = {name: set(of_interest(frame)["event"]) for name, frame in frames.items()}
    assert shown["benzene"] == {"stagnation", "precipitation_day", "wet_day", "moderate_rain"}
    assert shown["o3"] == shown["pm25"] == shown["benzene"]
    cold = frames["pm25"].query("event == 'wet_day'").assign(event="cold_surge")
    assert len(of_interest(cold)) == 1
    assert of_interest(cold.assign(pollutant="o3")).empty
    assert of_interest(frames["o3"].iloc[:0]).empty


# --- figure and page


def frame_of(**changes: object) -> pd.DataFrame:
    """The table of one place with two events over all years, made by hand."""
    row = {"level": "region", "name": "R", "pollutant": "o3", "year": ALL, "units": "ug m-3", "judged_days": 1000.0}
    row |= {"episodes": 9.0, "longest": 7.0, "on_event": 120.0, "otherwise": 90.0, "difference": 30.0}
    row |= {f"{part}{end}": 30.0 for part in ("difference", "on_event", "otherwise") for end in ("_low", "_high")}
    first = {"event": "heatwave_p90", "days": 40.0, "share": 0.04, "matched_days": 40.0}
    first |= dict(zip(MATCHED, (12.34, 10.0, 14.0), strict=True))
    second = {"event": "wet_day", "days": 300.0, "share": 0.3, "matched_days": 280.0}
    second |= dict(zip(MATCHED, (-5.0, -7.0, 2.0), strict=True))
    return pd.DataFrame([{**row, **first, **changes}, {**row, **second, **changes}])[list(EVENTS)]


MATCHED = [f"difference_season_matched{end}" for end in ("", "_low", "_high")]


def test_the_page_speaks_of_the_largest_difference_within_months() -> None:
    assert event_sentence(frame_of(), "en") == (
        "On days of heatwave (P90) (4.0 % of days) the concentration at fixed emissions differs by +12.3 µg m⁻³ "
        "(+10.0 to +14.0) from that of other days of the same months."
    )
    assert "+12.3" in event_sentence(frame_of(), "zh")
    small = frame_of()
    small.loc[0, "matched_days"] = 29  # less than a month
    assert "wet day (1 mm)" in event_sentence(small, "en")
    assert "holds zero" in event_sentence(small, "en")
    assert event_sentence(frame_of(matched_days=np.nan), "en") == ""
    assert event_sentence(frame_of(pollutant="co"), "en") == ""


def test_the_page_prints_both_differences_and_says_which_criteria_are_unverified() -> None:
    found = cells.events(frame_of(), "en")
    first = found.rows[0]
    assert first[1:4] == ("heatwave (P90)", "4.0 %", "7")
    assert first[4:] == ("120.0", "90.0", "+30.0 [+30.0, +30.0]", "+12.3 [+10.0, +14.0]")
    assert "could not" not in found.note
    doubtful = frame_of(event="stagnation")
    assert cells.events(doubtful, "en").note.endswith("published text: air stagnation.")
    assert cells.events(doubtful, "zh").note.endswith("静稳。")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_has_a_row_for_each_event_with_both_differences(language: Language) -> None:
    subject = SimpleNamespace(events=frame_of(), units="ug m-3", pollutant="o3")
    low, high = event_differences.limits([subject])
    assert low < -7
    assert high > 30
    with matplotlib.rc_context(style.settings(language)):
        (axes,) = event_differences.paint(subject, (low, high), language, title="t", source="s").axes
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            event_in(language, key) for key in ("heatwave_p90", "wet_day")
        ]
    drawn = [list(line.get_xdata()) for line in axes.lines]
    assert [30.0, 30.0] in drawn
    assert [12.34, -5.0] in drawn
    assert event_differences.summary(subject, language).count("+12.3") == 1


# --- real weather


@pytest.mark.slow
def test_beijings_cold_surge_of_november_2016_and_its_heatwaves_are_found(shared_data: Path) -> None:
    """Read off the weather of its sites: minima of 22 November 2016 and maxima of July 2013 and 2016."""
    config = load(Path(__file__).parents[1] / "configs" / "beijing.yml")
    found = daily(config)
    flagged = flags(weather_of(found.weather, list(found.places.stations.index)))
    surges, heat = episodes(flagged["cold_surge"]), episodes(flagged["heatwave_35"])
    assert surges["end"].iloc[-1] == pd.Timestamp("2016-11-22")
    assert list(heat["start"]) == [pd.Timestamp("2013-07-02"), pd.Timestamp("2016-07-09")]
    assert flagged["stagnation"].isna().all()
    assert flagged["stagnation_partial"].sum() == 1163
    assert any("stagnation (no u500, v500; stagnation_partial instead)" in note for note in found.notes)


# --- the data


def test_every_criterion_is_named_in_both_languages_and_says_where_it_is_from() -> None:
    for key, one in criteria().items():
        assert one.english.isprintable()
        assert re.search(r"[一-鿿]", one.chinese), key
        assert re.search(r"doi 10\.|GB/T|Atlas|Administration|without|same", one.source), key
        assert one.remark
        assert set(one.matters_for) <= set(POLLUTANTS)
        assert set(one.needs) <= set(WEATHER)
    assert set(NEEDS) <= {condition.quantity for one in criteria().values() for condition in one.conditions}


WRITTEN = (
    "events: {x: {english: x, chinese: x, matters_for: [o3], source: x, verified: true, remark: x, "
    "conditions: [{quantity: tmax, at_least: 308.15, units: K}]}}"
)


def test_a_criterion_reads_as_it_is_written() -> None:
    assert read(WRITTEN)["x"].conditions[0].threshold == 308.15


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("quantity: tmax", "quantity: heat", "event x: found the quantity 'heat'; known: .*tmax"),
        ("units: K", "units: degC", "event x: found tmax in 'degC'; agreed 'K'"),
        ("at_least: 308.15", "over: 308.15", "agreed one of below, above, at_least, at_most"),
        ("remark: x,", "remark: x, season: monsoon,", "event x: found season 'monsoon'; agreed all, warm"),
    ],
)
def test_what_is_not_agreed_of_a_criterion_is_refused(found: str, instead: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(WRITTEN.replace(found, instead))


def test_a_week_is_judged_beside_the_same_dates_of_other_years() -> None:
    days = pd.date_range("2019-01-01", "2022-06-30")
    weather = pd.DataFrame({"tp": 0.0}, index=days)
    for year, wet in ((2019, 1), (2020, 2), (2021, 6), (2022, 4)):
        weather.loc[pd.date_range(f"{year}-06-20", periods=wet), "tp"] = 5.0
    asked = pd.date_range("2022-06-20", "2022-06-26")
    found = judged(weather, asked).loc["wet_day"]
    assert found.to_dict() == {"days": 4, "judged_days": 7, "usual_days": 3, "years": 3}
    # of other years only the dates that are judged this year, and for as many days
    weather.loc["2022-06-22":"2022-06-26", "tp"] = np.nan
    weather.loc["2021-06-20":"2021-06-21", "tp"] = np.nan
    found = judged(weather, asked).loc["wet_day"]
    assert found.to_dict() == {"days": 2, "judged_days": 2, "usual_days": 1.5, "years": 2}


def test_a_spell_that_may_go_on_after_the_last_day_is_not_judged_yet() -> None:
    days = pd.date_range("2021-01-01", "2022-07-10")
    weather = pd.DataFrame({"tmax": 290.0}, index=days)
    weather.loc["2022-07-09":, "tmax"] = 310.0
    found = judged(weather, pd.date_range("2022-07-04", "2022-07-10")).loc["heatwave_35"]
    assert (found["days"], found["judged_days"]) == (0, 5)
    later = weather.reindex(days.append(pd.date_range("2022-07-11", periods=2))).fillna({"tmax": 310.0})
    found = judged(later, pd.date_range("2022-07-04", "2022-07-10")).loc["heatwave_35"]
    assert (found["days"], found["judged_days"]) == (2, 7)
