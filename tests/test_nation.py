"""The generated nation: real cities, files as the real ones, and truth that closes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from pipeline import nation
from pipeline.config import load
from pipeline.daily import Daily, daily
from pipeline.errors import ConfigError, ContractError
from pipeline.known_truth import compared
from pipeline.regions import cities, definitions
from pipeline.worlds.nation_air import city_air, city_world, dust_of
from pipeline.worlds.nation_observations import CLEANER, station_days, station_factors, write_observations
from pipeline.worlds.nation_places import KEY_REGIONS, LEAST_CITIES, nation_places
from pipeline.worlds.nation_weather import blended, chance, city_days, climate_at, nation_weather

pytest.importorskip("frykit")

OPTIONS = nation.NationOptions(cities=LEAST_CITIES, first_year=2021, through="2023-02", seed=3, members=2, draws=2)
READ = pd.date_range("2022-05-01", "2022-08-31", name="day")
FEW_DAYS = pd.date_range("2022-05-30", "2022-07-10", name="day")
ROUNDING = 0.5  # files hold whole micrograms


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> nation.NationPaths:
    return nation.write(tmp_path_factory.mktemp("nation"), OPTIONS)


@pytest.fixture(scope="module")
def made() -> nation.Nation:
    return nation.nation(OPTIONS)


@pytest.fixture(scope="module")
def read(paths: nation.NationPaths) -> Daily:
    """Four months of the files, with the day on which stations move."""
    some = paths.config.parent / "some"
    some.mkdir()
    for path in paths.observations.iterdir():
        if "20220501" <= path.stem[-8:] <= "20220901":
            (some / path.name).symlink_to(path)
    period = f"[{READ[0]:%Y-%m-%d}, {READ[-1]:%Y-%m-%d}]"
    settings = [f"period={period}", f"base_period={period}", "observations.path=some", "model.minimum_days=90"]
    return daily(load(paths.config, settings))


@pytest.fixture(scope="module")
def truth(paths: nation.NationPaths) -> xr.Dataset:
    return xr.load_dataset(paths.truth)


# --- places


def test_the_nation_has_every_city_once_and_every_key_region_whole() -> None:
    places = nation_places()
    assert list(places.cities) == sorted(cities())
    for key in (*KEY_REGIONS, "nation"):
        assert sorted(places.regions[key]) == sorted(definitions()[key].cities)


@pytest.mark.parametrize("number", [LEAST_CITIES, 24, 100])
def test_a_smaller_nation_has_at_least_two_cities_of_each_region(number: int) -> None:
    places = nation_places(number)
    assert len(places.cities) == number
    assert min(map(len, places.regions.values())) >= 2


def test_stations_of_a_city_lie_in_its_cell() -> None:
    places = nation_places(60)
    for station in places.stations:
        city = places.cities[station.city]
        assert np.abs(places.latitude - station.latitude).argmin() == city.row
        assert np.abs(places.longitude - station.longitude).argmin() == city.column


def test_too_few_cities_and_too_short_a_record_are_refused() -> None:
    with pytest.raises(ContractError, match=r"nation: found 3 cities .* agreed 14 to 339"):
        nation_places(3)
    with pytest.raises(ConfigError, match="allowed: two years and more"):
        _ = nation.NationOptions(first_year=2024, through="2025-06").days


# --- weather


def test_a_city_is_the_same_in_whatever_company() -> None:
    small, large = nation_places(LEAST_CITIES), nation_places(2 * LEAST_CITIES)
    days = pd.date_range("2021-01-01", "2021-03-31", name="day")
    both = set(small.cities) & set(large.cities)
    assert len(both) > 3
    airs = []
    for places in (small, large):
        weather = nation_weather(places, days, seed=5)
        airs.append({city: city_world(places, weather, city, seed=5).actual["pm25"].to_numpy() for city in both})
    for city in both:
        np.testing.assert_array_equal(airs[0][city], airs[1][city])


def test_neighbours_share_their_weather_and_the_ends_of_the_country_do_not(made: nation.Nation) -> None:
    temperature = pd.DataFrame({city: city_days(made.places, made.weather, city)["t2m"] for city in made.places.cities})
    anomalies = temperature - temperature.groupby(temperature.index.month).transform("mean")
    together = anomalies.corr()
    points = {city: (about.latitude, about.longitude) for city, about in made.places.cities.items()}
    distance = {(a, b): np.hypot(*np.subtract(points[a], points[b])) for a in points for b in points if a < b}
    near = [together.loc[pair] for pair in distance if distance[pair] < 3]
    far = [together.loc[pair] for pair in distance if distance[pair] > 20]
    assert min(near) > 0.8
    assert np.mean(np.abs(far)) < 0.4


def test_what_is_blended_of_independent_chance_keeps_its_variance() -> None:
    days = pd.date_range("2001-01-01", "2012-12-31")
    drawn = [chance(climate_at(35, 110), days, seed=seed) for seed in range(4)]
    mixed = blended(drawn, np.array([1.0, 0.7, 0.4, 0.1]))
    # 12 years of states that persist for some days: the variance is known to about 3 %
    assert mixed.states.var(axis=0) == pytest.approx(np.ones(mixed.states.shape[1]), abs=0.12)


# --- files


def test_files_read_back_are_the_planted_days(read: Daily, made: nation.Nation) -> None:
    days, seed = OPTIONS.days, OPTIONS.seed
    air = {
        city: city_air(made.world(city), dust=dust_of(made.places, city, days, seed=seed))
        for city in made.places.cities
    }
    planted, chosen = station_days(made.places, air, seed=seed), days.isin(READ)
    for pollutant, tolerance in (("pm25", 1.0), ("o3", ROUNDING), ("no2", 1.0), ("co", 0.06)):
        found = read.observations[pollutant]
        codes = [str(code) for code in found["station"].to_numpy()]
        error = np.stack([found.sel(station=code).to_numpy() - planted[code][pollutant][chosen] for code in codes])
        # a day with lost hours has the mean of the others: the median day has none or one
        assert np.nanmedian(np.abs(error)) < tolerance
        assert np.isfinite(error).mean() > 0.85  # a fourteenth of the stations is not there, and holes
        assert abs(np.nanmean(error)) < 0.3 * tolerance


def test_the_weather_read_is_the_weather_the_physics_saw(read: Daily, made: nation.Nation) -> None:
    cities_of = {station.code: station.city for station in made.places.stations}
    for code in list(cities_of)[::5]:
        own = city_days(made.places, made.weather, cities_of[code]).loc[READ]
        for name, tolerance in (("t2m", 1e-3), ("blh", 1e-2), ("tp", 1e-3), ("ssrd", 1e-2)):
            found = read.weather[name].sel(station=code).to_numpy()
            np.testing.assert_allclose(found, own[name].to_numpy(), atol=tolerance)


def test_places_are_those_of_the_definitions(read: Daily, made: nation.Nation) -> None:
    assert {key: set(members) for key, members in read.places.regions.items()} == {
        key: set(members) for key, members in made.places.regions.items()
    }
    assert set(read.places.stations["city_by"]) == {"list"}
    closed = read.places.stations["closed"]
    assert set(closed[closed != ""]) == {"2022-07-01"}


def test_a_station_that_moved_is_there_before_or_after_and_sees_less() -> None:
    places = nation_places(24)
    factors = station_factors(places, seed=1)
    pairs = [
        (before, after) for before, after in zip(places.stations, places.stations[1:], strict=False) if after.opened
    ]
    assert pairs
    for before, after in pairs:
        assert before.city == after.city
        assert factors[after.code] == pytest.approx(CLEANER * factors[before.code])
        assert (before.stood(FEW_DAYS) ^ after.stood(FEW_DAYS)).all()
    for city in places.cities:
        first = [factors[one.code] for one in places.stations if one.city == city and one.opened is None]
        assert np.mean(first) == pytest.approx(1)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    places = nation_places(LEAST_CITIES)
    for name in ("one", "other"):
        weather = nation_weather(places, FEW_DAYS, seed=2)
        air = {
            city: city_air(city_world(places, weather, city, seed=2), dust=np.zeros(len(FEW_DAYS)))
            for city in places.cities
        }
        write_observations(places, air, tmp_path / name, days=FEW_DAYS, seed=2)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert len(one) >= len(FEW_DAYS) - 2
    assert one == other


# --- truth


def test_true_parts_add_up_to_the_true_change(truth: xr.Dataset) -> None:
    rows = pd.DataFrame(
        {
            "level": ["region", "region", "city"],
            "name": ["nation", "bth_2_36", str(truth["name"].values[0])],
            "pollutant": "pm25",
            "statistic": "mean",
            "period_from": 2021,
            "period_to": [2022, 2023, 2023],
            **dict.fromkeys(["meteorology", "emissions", "meteorology_low", "meteorology_high"], 0.0),
        }
    )
    found = compared(rows, truth)
    for row, table in zip(found.itertuples(), ("counterfactual", *["counterfactual_to_date"] * 2), strict=True):
        own = truth[table].sel(pollutant="pm25", statistic="mean")
        if row.level == "region":
            own = own.sel(name=truth["member"].sel(region=row.name).to_numpy()).mean("name")
        else:
            own = own.sel(name=row.name)
        change = own.sel(emission_period=row.period_to, weather_period=row.period_to) - own.sel(
            emission_period=row.period_from, weather_period=row.period_from
        )
        assert row.meteorology_true + row.emissions_true == pytest.approx(float(change), rel=1e-9)


def test_the_base_year_has_its_own_weather_and_whole_years_their_own_table(truth: xr.Dataset) -> None:
    base = truth.sel(year=2021)
    np.testing.assert_allclose(base["index_actual"], base["index_reference"])
    assert truth["counterfactual"].sel(emission_period=2023).isnull().all()
    mean = truth["counterfactual"].sel(statistic="mean", emission_period=[2021, 2022], weather_period=[2021, 2022])
    assert mean.notnull().all()
    assert truth["counterfactual_to_date"].sel(statistic="mean").notnull().all()


def test_claims_say_the_truth_of_every_region(paths: nation.NationPaths, truth: xr.Dataset) -> None:
    listed = yaml.safe_load(paths.claims.read_text(encoding="utf-8"))["claims"]
    ids = [claim["id"] for claim in listed]
    assert len(ids) == len(set(ids)) == 7 * 2 * 8  # regions, last whole year and part, parts and index
    claim = next(one for one in listed if one["id"] == "nation-pm25-mean-emissions-2022")
    own = truth["counterfactual"].sel(pollutant="pm25", statistic="mean").mean("name")
    (pp, pq), (qp, qq) = own.sel(emission_period=[2021, 2022], weather_period=[2021, 2022]).to_numpy()
    assert claim["value"] == pytest.approx(((qp - pp) + (qq - pq)) / 2, abs=claim["tolerance"] + 1e-9)
    assert {"en", "zh", "of", "value", "tolerance"} <= set(claim)
    to_date = next(one for one in listed if one["id"] == "nation-o3-mean-mci_change_percent-2023")
    assert to_date["of"]["period_to"] == "2023-01/2023-02"
    assert to_date["of"]["window"] == "months_to_date"
