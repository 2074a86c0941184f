"""Worlds of known truth: laws of their tables, known answers of their physics, plausible magnitudes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ContractError
from pipeline.worlds.benchmark_worlds import WorldSpec, build, worlds
from pipeline.worlds.climates import CLIMATES, NORTH_CHINA
from pipeline.worlds.emissions import (
    EMISSION_HISTORIES,
    EmissionHistory,
    Intervention,
    flat,
    lockdown,
    with_intervention,
)
from pipeline.worlds.pairing import periods, same_days_of, swapped
from pipeline.worlds.physics import (
    O3_PHYSICS,
    PM25_PHYSICS,
    Physics,
    Unobserved,
    VentilatedBox,
    air,
    relative_humidity,
)
from pipeline.worlds.weather import VARIABLES, Drift, from_frame, simulate
from pipeline.worlds.world import World, create

PHYSICS: dict[str, Physics] = {**{f"pm25 {name}": model for name, model in PM25_PHYSICS.items()},
           **{f"o3 {name}": model for name, model in O3_PHYSICS.items()}}  # fmt: skip
LOCAL_BOX = VentilatedBox(clean_background=0.0, dirty_background=0.0)


@pytest.fixture(scope="module")
def weather() -> pd.DataFrame:
    return simulate(NORTH_CHINA, pd.date_range("2015-01-01", "2018-12-31", name="day"), seed=3)


@pytest.fixture(scope="module")
def built() -> list[tuple[WorldSpec, World]]:
    return [(spec, build(spec)) for spec in worlds()]


def one_place(weather: pd.DataFrame, history: EmissionHistory, **physics: Physics) -> World:
    models: dict[str, Physics] = physics or {"pm25": PM25_PHYSICS["box"], "o3": O3_PHYSICS["isopleth"]}
    return create("world", {"city": weather}, {"city": history}, models, seed=11)


def columns(weather: pd.DataFrame) -> dict[str, np.ndarray]:
    return {name: weather[name].to_numpy()[:, None] for name in VARIABLES}


def calm(days: int, draws: int = 1) -> Unobserved:
    return Unobserved(np.zeros((days, draws)), np.zeros((days, draws)))


# --- the table and the index


def test_the_diagonal_is_the_mean_of_a_run_with_the_years_own_weather(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    place = world._each("pm25")[0]
    rows = slice(365 - 20, 365 + 366)  # 2016 and the twenty days before it
    hidden = place.hidden("truth", 366 + 20, 16)
    simulated = place.physics.run(columns(weather[rows]), place.emissions[rows][:, None], hidden)
    expected = simulated[20:].mean()
    assert world.truth("pm25").sel(emission_period="2016-01-01", weather_period="2016-01-01").item() == (
        pytest.approx(expected, rel=1e-12)
    )


def test_what_happened_is_one_of_the_draws_the_truth_averages(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    for pollutant in ("pm25", "o3"):
        alone = [float(world.truth(pollutant, draws=1, among=[year])[0, 0, 0]) for year in world.years()]
        yearly = world.actual[pollutant].isel(place=0).groupby("day.year").mean().values
        # a year's mean of an AR(1) factor of log-size 0.2 and persistence 0.75 varies by 0.2 * sqrt(7 / 365)
        assert np.abs(yearly / np.array(alone) - 1).max() < 5 * np.sqrt(2) * 0.2 * np.sqrt(7 / 365)


def test_weather_that_repeats_leaves_nothing_to_swap(weather: pd.DataFrame) -> None:
    days = pd.date_range("2013-01-01", "2015-12-31", name="day")
    repeated = pd.DataFrame(np.tile(weather[:365].to_numpy(), (3, 1)), index=days, columns=weather.columns)
    world = one_place(repeated, EmissionHistory(days, np.ones(len(days))))
    for pollutant in ("pm25", "o3"):
        later = world.truth(pollutant).isel(place=0).values[1:, 1:]
        np.testing.assert_allclose(later, later[0, 0], rtol=1e-12)
        index = world.true_index(pollutant, base=world.years()[1])  # before the first year days are mirrored
        np.testing.assert_allclose(index[0, 1:], 100, rtol=1e-12)


@pytest.mark.parametrize("frequency", ["year", "month", "week"])
def test_the_index_is_100_throughout_its_base(weather: pd.DataFrame, frequency: str) -> None:
    world = one_place(weather, lockdown(pd.DatetimeIndex(weather.index)))
    for base in (None, world.years()[2]):
        index = world.true_index("o3", frequency, base=base, draws=2).isel(place=0)  # type: ignore[arg-type]
        year = "2015" if base is None else "2017"
        first, last = pd.Timestamp(f"{year}-01-01"), pd.Timestamp(f"{year}-12-25")
        starts = pd.DatetimeIndex(index["period"].values)
        np.testing.assert_allclose(index.values[(starts >= first) & (starts <= last)], 100, rtol=1e-12)
        assert np.ptp(index.values) > 1


def test_the_yearly_index_reads_the_tables_reference_row(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    row = world.truth("pm25", draws=64).isel(place=0, emission_period=0).values
    index = world.true_index("pm25", draws=64).isel(place=0).values
    # different draws stand behind the two: 0.2 * sqrt(7 / 365 / 64) each, hardly felt by a ratio
    np.testing.assert_allclose(index, 100 * row / row[0], rtol=5 * 0.2 * np.sqrt(7 / 365 / 64))


def test_flat_emissions_make_every_row_of_the_table_the_same(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    table = world.truth("pm25").isel(place=0).values
    # weekdays fall on other weather: 4 % on two days of seven
    np.testing.assert_allclose(table, np.broadcast_to(table[0], table.shape), rtol=0.01)


def test_months_of_other_seasons_do_not_meet(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    table = world.truth("o3", "p90", periods(world.days, "month"), draws=1).isel(place=0)
    months = pd.DatetimeIndex(table["emission_period"].values).month.to_numpy()
    same = months[:, None] == months[None, :]
    assert (np.isfinite(table.values) == same).all()


@given(emission=st.integers(2013, 2020), weather=st.integers(2013, 2020))
def test_days_meet_the_same_calendar_day_and_29_february_the_28th(emission: int, weather: int) -> None:
    days = pd.date_range("2013-01-01", "2020-12-31")
    years = {first.year: (first, last) for first, last in periods(days, "year")}
    met = swapped(days, years[emission], years[weather], spin_up=0)
    assert met is not None
    ours, theirs = days[days.year == emission], days[met]
    assert (theirs.year == weather).all()
    assert (ours.month == theirs.month).all()
    leap_day = (ours.month == 2) & (ours.day == 29)
    moved = (ours.day - theirs.day).to_numpy()
    assert (moved == (leap_day & (weather % 4 != 0))).all()


def test_a_base_that_starts_in_march_reaches_into_the_next_year() -> None:
    days = pd.date_range("2013-01-01", "2016-12-31")
    base = (pd.Timestamp("2014-03-01"), pd.Timestamp("2015-02-28"))
    matched = days[same_days_of(days, base)]
    assert matched.min() == base[0]
    assert matched.max() == base[1]
    assert (matched.month == days.month).all()


def test_weeks_meet_weeks_at_most_three_days_off() -> None:
    days = pd.date_range("2013-01-01", "2016-12-31")
    weeks = periods(days, "week")
    assert all(first.day_of_week == 0 and (last - first).days == 6 for first, last in weeks)
    partners = [swapped(days, weeks[10], other, spin_up=3) is not None for other in weeks]
    assert sum(partners) == 4


def test_a_winter_does_not_meet_one_the_record_has_not_seen() -> None:
    days = pd.date_range("2013-01-01", "2016-12-31")
    winters = [(pd.Timestamp(f"{year}-12-01"), pd.Timestamp(f"{year + 1}-02-28")) for year in (2013, 2014, 2016)]
    assert swapped(days, winters[0], winters[1], spin_up=5) is not None
    assert swapped(days, winters[0], winters[2], spin_up=5) is None


def test_a_period_outside_the_days_is_named(weather: pd.DataFrame) -> None:
    world = one_place(weather, flat(pd.DatetimeIndex(weather.index)))
    with pytest.raises(ContractError, match="2019-01-01 to 2019-12-31"):
        world.truth("pm25", among=[(pd.Timestamp("2019-01-01"), pd.Timestamp("2019-12-31"))])


# --- interventions


def test_a_cut_of_local_emissions_cuts_a_linear_box_by_as_much(weather: pd.DataFrame) -> None:
    days = pd.DatetimeIndex(weather.index)
    whole_record = Intervention(days[0], days[-1], 0.7)
    world = one_place(weather, with_intervention(flat(days), whole_record), pm25=LOCAL_BOX)
    assert world.intervention_effect("pm25", whole_record).item() == pytest.approx(-30, abs=1e-9)


def test_an_intervention_changes_its_days_and_no_others() -> None:
    days = pd.date_range("2015-01-01", "2020-12-31")
    history = lockdown(days)
    (event,) = history.interventions
    ratio = history.values / history.without_interventions()
    inside = (days >= event.start) & (days <= event.end)
    assert inside.sum() == 70
    np.testing.assert_allclose(ratio, np.where(inside, 0.7, 1.0))


def test_memory_and_background_make_an_intervention_smaller_than_its_cut(
    built: list[tuple[WorldSpec, World]],
) -> None:
    sizes = {
        (spec.name, len(world.interventions)): world.intervention_effect("pm25", world.interventions[0]).item()
        for spec, world in built
        if world.interventions
    }
    assert len(sizes) >= 8
    for (name, _), size in sizes.items():
        cut = -30 if "lockdown" in name else -40
        assert cut < size < cut / 2


# --- physics


def test_fast_and_slow_ventilated_box_agree(weather: pd.DataFrame) -> None:
    days, model = 60, LOCAL_BOX
    fast = model.run(columns(weather[:days]), np.ones((days, 1)), calm(days))[:, 0]
    blh, rain = weather["blh"].to_numpy(), weather["tp"].to_numpy()
    wind = np.hypot(np.hypot(weather["u10"], weather["v10"]), 0.6).to_numpy()
    removal = 86400 * wind / model.box_length + 0.0011 * 86400 / (blh + 150) + 0.32 * rain**0.55
    target = model.sources(air(columns(weather[:days])))[:, 0] / removal[:days]
    level = target[0]
    for day in range(days):
        steps = np.linspace(0, 1, 2001)
        path = target[day] + (level - target[day]) * np.exp(-removal[day] * steps)
        assert fast[day] == pytest.approx(np.trapezoid(path, steps), rel=1e-5)  # (removal / 2000)^2 / 12
        level = path[-1]


def test_a_linear_box_doubles_with_its_emissions(weather: pd.DataFrame) -> None:
    once = LOCAL_BOX.run(columns(weather), np.ones((len(weather), 1)), calm(len(weather)))
    twice = LOCAL_BOX.run(columns(weather), np.full((len(weather), 1), 2.0), calm(len(weather)))
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-12)


@pytest.mark.parametrize("name", PHYSICS)
def test_yesterday_is_remembered_for_days_not_weeks(name: str, weather: pd.DataFrame) -> None:
    days = 40
    pulse = np.ones((days, 2))
    pulse[10, 1] = 2.0
    usual, pulsed = PHYSICS[name].run(columns(weather[200 : 200 + days]), pulse, calm(days)).T
    change = np.abs(pulsed - usual)
    assert change[:10].max() == 0
    assert change[11] > 1e-3 * change[10] > 0
    assert change[-1] < 1e-3 * change[10]


@pytest.mark.parametrize("name", O3_PHYSICS)
def test_ozone_peaks_at_a_middling_emission_level(name: str, weather: pd.DataFrame) -> None:
    summer = weather["2015-06-01":"2015-08-31"]  # type: ignore[misc]
    levels = np.geomspace(0.05, 6, 25)
    emissions = np.ones((len(summer), 1)) * levels
    ozone = O3_PHYSICS[name].run(columns(summer), emissions, calm(len(summer))).mean(axis=0)
    peak = int(ozone.argmax())
    assert 0.3 < levels[peak] < 3
    assert ozone[0] < 0.9 * ozone[peak]
    assert ozone[-1] < 0.9 * ozone[peak]


@pytest.mark.parametrize("name", O3_PHYSICS)
def test_ozone_is_titrated_in_winter(name: str, weather: pd.DataFrame) -> None:
    winter = weather["2015-12-01":"2016-01-31"]  # type: ignore[misc]
    emissions = np.ones((len(winter), 1)) * np.array([1.0, 1.5])
    less, more = O3_PHYSICS[name].run(columns(winter), emissions, calm(len(winter))).mean(axis=0)
    assert more < less


@pytest.mark.parametrize("name", PHYSICS)
def test_chunks_of_counterfactuals_change_nothing(name: str, weather: pd.DataFrame) -> None:
    days = 50
    rows = {key: values[:days, :, None] for key, values in columns(weather).items()}
    emissions = np.linspace(0.5, 1.5, 4)[None, :, None] * np.ones((days, 1, 1))
    rng = np.random.default_rng(0)
    hidden = Unobserved(rng.standard_normal((days, 1, 3)), rng.standard_normal((days, 1, 3)))
    together = PHYSICS[name].run(rows, emissions, hidden)
    apart = np.concatenate([PHYSICS[name].run(rows, emissions[:, [k]], hidden) for k in range(4)], axis=1)
    assert together.shape == (days, 4, 3)
    np.testing.assert_allclose(together, apart, rtol=1e-12)


def test_relative_humidity_is_1_at_the_dew_point_and_half_at_a_known_one() -> None:
    assert relative_humidity(np.array([280.0]), np.array([280.0])) == pytest.approx(1)
    # 20 C with a dew point of 9.26 C is 50 % (Magnus)
    assert relative_humidity(np.array([293.15]), np.array([282.41])) == pytest.approx(0.5, abs=0.002)


# --- weather


@pytest.mark.parametrize("climate", CLIMATES)
def test_weather_is_possible(climate: str) -> None:
    days = pd.date_range("2013-01-01", "2020-12-31", name="day")
    frame = simulate(CLIMATES[climate], days, seed=1)
    assert list(frame.columns) == list(VARIABLES)
    assert frame.notna().all().all()
    assert (frame["tmin"] <= frame["t2m"]).all()
    assert (frame["t2m"] <= frame["tmax"]).all()
    assert (frame["d2m"] < frame["t2m"]).all()
    assert frame["tcc"].between(0, 1).all()
    assert (frame["tp"] >= 0).all()
    assert frame["blh"].between(30, 4000).all()
    assert frame["ssrd"].between(5, 400).all()
    assert (frame["sp"] < frame["msl"]).all()
    assert 300 < 365.25 * frame["tp"].mean() < 2500  # mm a year
    assert 0.03 < (frame["tp"] > 0).mean() < 0.6


def test_weather_persists_and_its_parts_belong_together(weather: pd.DataFrame) -> None:
    anomaly = weather - weather.groupby(weather.index.month).transform("mean")  # type: ignore[attr-defined]
    wind = np.log(np.hypot(weather["u10"], weather["v10"]) + 0.6)
    assert anomaly["t2m"].autocorr(1) > 0.5
    assert anomaly["msl"].autocorr(1) > 0.4
    assert anomaly["t2m"].corr(anomaly["msl"]) < -0.1
    assert anomaly["ssrd"].corr(anomaly["tcc"]) < -0.6
    assert wind.corr(np.log(weather["blh"])) > 0.2
    assert weather["tcc"][weather["tp"] > 1].mean() > weather["tcc"].mean() + 0.1


def test_weather_belongs_to_its_seed(weather: pd.DataFrame) -> None:
    days = pd.DatetimeIndex(weather.index)
    pd.testing.assert_frame_equal(weather, simulate(NORTH_CHINA, days, seed=3))
    assert not np.allclose(weather["t2m"], simulate(NORTH_CHINA, days, seed=4)["t2m"])


def test_trends_and_calm_years_are_as_asked() -> None:
    days = pd.date_range("2011-01-01", "2020-12-31", name="day")
    plain = Drift(warming=0, temperature_years=0, wind_years=0, mixing_height_years=0)
    usual = simulate(NORTH_CHINA, days, seed=5, drift=plain)
    warmer = simulate(NORTH_CHINA, days, seed=5, drift=replace(plain, warming=2.0))
    calmer = simulate(NORTH_CHINA, days, seed=5, drift=replace(plain, calm_years={2014: 0.2}))
    gained = (warmer["t2m"] - usual["t2m"]).groupby(days.year).mean()
    assert gained[2020] - gained[2011] == pytest.approx(1.8, abs=1e-2)  # nine years of 2 K a decade
    speed = (np.hypot(calmer["u10"], calmer["v10"]) / np.hypot(usual["u10"], usual["v10"])).groupby(days.year).mean()
    assert speed[2014] == pytest.approx(0.8)
    assert speed[2015] == pytest.approx(1.0)


def test_real_weather_drives_a_world(weather: pd.DataFrame) -> None:
    shuffled = weather[list(reversed(VARIABLES))].assign(station="A")
    pd.testing.assert_frame_equal(from_frame(shuffled), weather)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (lambda frame: frame.drop(columns="blh"), "blh"),
        (lambda frame: frame.drop(index=frame.index[5]), "gap"),
        (lambda frame: frame.assign(tp=frame["tp"].where(frame["tp"] > 0)), "tp"),
    ],
)
def test_weather_that_cannot_drive_a_world_is_refused(broken, named: str, weather: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError, match=named):
        from_frame(broken(weather))


# --- the benchmark's worlds


def test_the_benchmark_has_thirty_worlds_of_every_kind() -> None:
    specs = worlds()
    assert len(specs) >= 30
    assert len({spec.name for spec in specs}) == len({spec.seed for spec in specs}) == len(specs)
    assert {spec.emissions for spec in specs} == set(EMISSION_HISTORIES)
    assert {spec.climate for spec in specs} == set(CLIMATES)
    assert {(spec.pm25, spec.o3) for spec in specs} == {(p, o) for p in PM25_PHYSICS for o in O3_PHYSICS}
    assert {spec.years for spec in specs} <= set(range(6, 11))


def test_magnitudes_are_those_of_chinese_cities(built: list[tuple[WorldSpec, World]]) -> None:
    for spec, world in built:
        pm25, o3 = world.series("city", "pm25"), world.series("city", "o3")
        assert pm25.notna().all(), spec.name
        assert o3.notna().all(), spec.name
        assert min(pm25.min(), o3.min()) >= 0, spec.name
        assert 20 < pm25.mean() < 100, spec.name
        assert pm25.max() < 1000, spec.name
        assert 70 < o3.mean() < 120, spec.name
        assert 120 < o3.quantile(0.9) < 200, spec.name
        monthly = o3.groupby(world.days.month).mean()
        assert monthly[[6, 7, 8]].mean() > monthly[[12, 1, 2]].mean(), spec.name


def test_weather_moves_years_by_percents_and_plants_no_more_than_it_should(
    built: list[tuple[WorldSpec, World]],
) -> None:
    spread = []
    for _, world in built:
        for pollutant in ("pm25", "o3"):
            index = world.true_index(pollutant, draws=2).isel(place=0).values
            spread.append(index.std() / index.mean())
    assert 0.02 < np.median(spread) < 0.08
    assert max(spread) < 0.15


def test_a_specification_always_gives_the_same_world(built: list[tuple[WorldSpec, World]]) -> None:
    spec, world = built[5]
    again = build(spec)
    xr.testing.assert_identical(world.observed, again.observed)
    xr.testing.assert_identical(world.weather, again.weather)
    xr.testing.assert_identical(world.truth("o3", "p90"), again.truth("o3", "p90"))


def test_a_place_is_the_same_alone_and_in_company(weather: pd.DataFrame) -> None:
    days = pd.DatetimeIndex(weather.index)
    physics = {"pm25": PM25_PHYSICS["reservoir"]}
    frames, histories = {"a": weather, "b": weather}, {"a": flat(days), "b": flat(days)}
    both = create("both", frames, histories, physics, seed=1)
    alone = create("alone", {"b": weather}, {"b": flat(days)}, physics, seed=1)
    np.testing.assert_array_equal(both.observed["pm25"].sel(place="b"), alone.observed["pm25"].sel(place="b"))
    assert not np.allclose(both.observed["pm25"].sel(place="a"), both.observed["pm25"].sel(place="b"))


def test_places_may_share_what_is_unobserved(weather: pd.DataFrame) -> None:
    days = pd.DatetimeIndex(weather.index)
    frames, histories = {"a": weather, "b": weather}, {"a": flat(days), "b": flat(days)}
    physics = {"pm25": replace(PM25_PHYSICS["box"], daily=0.0)}

    def difference(shared: float) -> float:
        world = create("both", frames, histories, physics, seed=1, shared=shared)
        return float(np.abs(np.log(world.actual["pm25"]).diff("place")).mean())

    assert difference(1.0) < 1e-12
    assert difference(0.8) < 0.6 * difference(0.0)
