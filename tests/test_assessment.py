"""Assessment by hand and by a slow second reading: windows, validity, percentiles, dust, panels, grades, the step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.assessment import AQI_DAYS, ASSESSMENT, ATTAINMENT, GUIDELINES, OZONE_WAYS, PARTICULATE_STEP
from pipeline.assessment.cities import city_days, city_days_of_hours, constant_stations, only
from pipeline.assessment.days_by_grade import aqi_days
from pipeline.assessment.dust import DustEvent
from pipeline.assessment.guidelines import guidelines, levels_of, reached
from pipeline.assessment.network import Network
from pipeline.assessment.options import AssessmentOptions
from pipeline.assessment.particulate_step import particulate_step, verdict
from pipeline.assessment.products import network_of, products
from pipeline.assessment.statistics import of_days, over_windows, valid_windows
from pipeline.assessment.tables import assessment, attainment, ozone_two_ways
from pipeline.assessment.windows import Window, custom, needed_days, parts, windows
from pipeline.errors import ConfigError
from pipeline.regions.means import city_mean
from pipeline.standards import standard
from pipeline.standards.rounding import rounded_decimal

YEAR = Window("year", "2023", pd.Timestamp("2023-01-01"), pd.Timestamp("2023-12-31"))
ANNUAL = AssessmentOptions(windows=("year",), panels=("all",))


def dataset(start: str, **values: np.ndarray) -> xr.Dataset:
    """Days (station, time) from ``start``; stations S0, S1 ..."""
    first = next(iter(values.values()))
    coordinates = {
        "station": np.array([f"S{number}" for number in range(first.shape[0])], dtype=object),
        "time": pd.date_range(start, periods=first.shape[1], unit="ns"),
    }
    units = {"co": "mg m-3"}
    arrays = {
        name: xr.DataArray(found, coordinates, ("station", "time"), name, attrs={"units": units.get(name, "ug m-3")})
        for name, found in values.items()
    }
    return xr.Dataset(arrays, attrs={"resolution": "day"})


def network(days: xr.Dataset, cities: dict[str, Sequence[str]] | None = None, **regions: Sequence[str]) -> Network:
    """Each station its own city, and all cities the region R, unless said otherwise."""
    cities = cities or {str(name).replace("S", "C"): [str(name)] for name in days["station"].to_numpy()}
    return Network(days, cities, regions or {"R": list(cities)})


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    """The one row of ``frame`` with these values."""
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def place(values: np.ndarray, start: str = "2023-01-01") -> xr.DataArray:
    """One place's days."""
    return dataset(start, pm25=values[None])["pm25"].rename(station="place")


# --- windows


def labels(start: str, end: str, kind: str, **options: str) -> list[str]:
    found = windows((pd.Timestamp(start), pd.Timestamp(end)), kinds=(kind,), **options)  # type: ignore[arg-type]
    return [window.label for window in found]


def test_a_partial_year_is_compared_with_the_same_months_of_the_others() -> None:
    assert labels("2023-01-01", "2025-09-30", "months_to_date") == [
        "2023-01/2023-09",
        "2024-01/2024-09",
        "2025-01/2025-09",
    ]
    # September has not ended on the 29th
    assert labels("2024-01-01", "2025-09-29", "months_to_date") == ["2024-01/2024-08", "2025-01/2025-08"]
    assert labels("2023-01-01", "2025-09-30", "trailing_twelve_months") == [
        "2022-10/2023-09",
        "2023-10/2024-09",
        "2024-10/2025-09",
    ]


def test_a_whole_last_year_and_one_without_a_whole_month_have_no_months_to_date() -> None:
    assert labels("2023-01-01", "2025-12-31", "months_to_date") == []
    assert labels("2023-01-01", "2025-01-30", "months_to_date") == []
    assert labels("2023-01-01", "2025-01-31", "trailing_twelve_months")[-1] == "2024-02/2025-01"


def test_years_may_begin_in_march_and_are_labelled_by_their_start() -> None:
    found = windows((pd.Timestamp("2013-03-01"), pd.Timestamp("2017-02-28")), kinds=("year",), year_start="03-01")
    assert [window.label for window in found] == ["2013", "2014", "2015", "2016"]
    assert (found[-2].end, found[-1].end) == (pd.Timestamp("2016-02-29"), pd.Timestamp("2017-02-28"))
    assert all(needed_days(window) == 324 for window in found)


def test_months_and_other_windows() -> None:
    assert labels("2024-01-15", "2024-03-02", "month") == ["2024-01", "2024-02", "2024-03"]
    found = custom(pd.Timestamp("2024-01-30"), pd.Timestamp("2024-03-10"))
    assert found.label == "2024-01-30/2024-03-10"
    # 90 % of two and of ten days, rounded up, around a whole February
    assert [part.needed for part in parts(found)] == [2, 25, 9]
    assert needed_days(found) == 0


# --- validity, exactly


def known(missing: dict[int, int], *, start: str = "2023-01-01", days: int = 365) -> np.ndarray:
    """Days that are all 10 but for the first ``missing[month]`` of each month."""
    time = pd.date_range(start, periods=days)
    limit = np.array([missing.get(month, 0) for month in time.month])
    return np.where(time.day <= limit, np.nan, 10.0)


@pytest.mark.parametrize(
    ("missing", "days", "valid"),
    [
        # every month but February may lose 3 or 4 days: 41 days in all
        ({1: 4, 3: 4, 4: 3, 5: 4, 6: 3, 7: 4, 8: 4, 9: 3, 10: 4, 11: 3, 12: 4, 2: 1}, 324, True),
        ({1: 4, 3: 4, 4: 3, 5: 4, 6: 3, 7: 4, 8: 4, 9: 3, 10: 4, 11: 3, 12: 4, 2: 2}, 323, False),
        ({4: 3}, 362, True),  # 27 of 30
        ({4: 4}, 361, False),  # 26 of 30
        ({1: 4}, 361, True),  # 27 of 31
        ({1: 5}, 360, False),
        ({2: 3}, 362, True),  # 25 of 28
        ({2: 4}, 361, False),
    ],
)
def test_a_year_needs_324_days_27_in_each_month_and_25_in_february(
    missing: dict[int, int], days: int, valid: bool
) -> None:
    values = place(known(missing))
    assert np.isfinite(values).sum() == days
    found = over_windows(values, [YEAR], ["mean"])
    assert bool(found["valid"].item()) is valid
    assert int(found["days"].item()) == days
    # what is not valid is missing, not estimated
    assert np.isfinite(found["value"].item()) is np.bool_(valid)


def test_a_leap_february_needs_25_days_too() -> None:
    month = Window("month", "2024-02", pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-29"))
    for missing, valid in ((4, True), (5, False)):
        assert (
            bool(valid_windows(place(known({2: missing}, start="2024-02-01", days=29), "2024-02-01"), [month])) is valid
        )


def test_days_outside_the_record_are_days_not_observed() -> None:
    found = over_windows(place(np.full(200, 10.0)), [YEAR], ["mean"])
    assert not found["valid"].item()


# --- percentiles


def test_the_percentile_of_365_days_by_hand() -> None:
    days = np.random.default_rng(0).permutation(np.arange(1.0, 366.0))
    # k = 1 + 364 * 0.9 = 328.6; 1 + 364 * 0.95 = 346.8; 1 + 364 * 0.98 = 357.72: of 1 ... 365 the value is k itself
    found = of_days(days, ["p90", "p95", "p98", "mean"])
    np.testing.assert_allclose(found, [328.6, 346.8, 357.72, 183.0], rtol=1e-14)
    assert of_days(np.array([7.0]), ["p90"])[0] == 7.0


def test_the_percentile_lies_between_the_neighbours_of_its_place() -> None:
    # n = 11: k = 1 + 10 * 0.95 = 10.5, half way from the tenth to the eleventh
    assert of_days(np.array([*range(10), 100.0]), ["p95"])[0] == (9 + 100) / 2


@given(values=st.lists(st.none() | st.floats(0, 500), min_size=1, max_size=40), share=st.sampled_from([90, 95, 98]))
def test_the_fast_percentile_is_the_slow_one_and_numpys(values: list[float | None], share: int) -> None:
    days = np.array([np.nan if value is None else value for value in values])
    there = sorted(value for value in values if value is not None)
    found = of_days(days, [f"p{share}"])[0]
    if not there:
        assert math.isnan(found)
        return
    k = 1 + (len(there) - 1) * share / 100
    s = math.floor(k)
    slow = there[s - 1] + (there[min(s, len(there) - 1)] - there[s - 1]) * (k - s)
    assert found == pytest.approx(slow, rel=1e-12)
    assert found == pytest.approx(np.percentile(there, share, method="linear"), rel=1e-12)


# --- the table


def world(seed: int = 0, *, stations: int = 6, days: int = 730) -> xr.Dataset:
    """Two years of six stations with gaps."""
    rng = np.random.default_rng(seed)
    shape = (stations, days)
    values = {
        "pm25": rng.gamma(2, 25, shape),
        "pm10": rng.gamma(2, 40, shape),
        "o3": rng.gamma(5, 22, shape),
        "no2": rng.gamma(4, 10, shape),
        "so2": rng.gamma(2, 6, shape),
        "co": rng.gamma(4, 0.3, shape),
    }
    gaps = rng.uniform(size=(6, *shape)) < 0.01
    return dataset(
        "2022-01-01",
        **{name: np.where(gap, np.nan, found) for (name, found), gap in zip(values.items(), gaps, strict=True)},
    )


CITIES = {"A": ["S0", "S1"], "B": ["S2", "S3"], "C": ["S4", "S5"]}


def slow_statistic(values: list[float], statistic: str) -> float:
    ordered = sorted(values)
    if statistic == "mean":
        return math.fsum(ordered) / len(ordered)
    k = (len(ordered) - 1) * int(statistic[1:]) / 100
    low = math.floor(k)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (k - low)


def slow_city_day(days: pd.DataFrame, stations: Sequence[str], day: pd.Timestamp) -> float | None:
    """Two stations in service: one of them is enough."""
    found = [float(days.at[day, station]) for station in stations]
    there = [value for value in found if not math.isnan(value)]
    return math.fsum(there) / len(there) if there else None


def test_every_number_is_that_of_a_slow_second_reading() -> None:
    days = world()
    found = assessment(network(days, CITIES, R=["A", "B", "C"]), ANNUAL)
    time = days.get_index("time")
    columns = {name: days[name].to_pandas().T for name in ("pm25", "so2", "co", "o3")}
    for name in columns:
        for statistic in found.loc[found["pollutant"] == name, "statistic"].unique():
            of_cities = []
            for city, stations in CITIES.items():
                year = [day for day in time if day.year == 2023]
                values = [v for day in year if (v := slow_city_day(columns[name], stations, day)) is not None]
                of_cities.append(slow_statistic(values, statistic))
                row = one(found, name=city, pollutant=name, statistic=statistic, period="2023")
                assert row["value"] == pytest.approx(of_cities[-1], rel=1e-12)
                assert row["days"] == len(values)
                assert row["printed"] == str(rounded_decimal(of_cities[-1], 1 if name == "co" else 0))
            region = one(found, name="R", pollutant=name, statistic=statistic, period="2023")
            assert region["value"] == pytest.approx(math.fsum(of_cities) / 3, rel=1e-12)
            assert region["members"] == 3


def test_the_columns_and_statistics_are_those_agreed() -> None:
    found = assessment(network(world(), CITIES), ANNUAL, stations=True)
    assert tuple(found.columns) == ASSESSMENT
    statistics = found.groupby("pollutant")["statistic"].unique().map(list).to_dict()
    assert statistics == {
        "co": ["p95"], "no2": ["mean", "p98"], "o3": ["p90"], "pm10": ["mean", "p95"], "pm25": ["mean", "p95"],
        "so2": ["mean", "p98"],
    }  # fmt: skip
    assert set(found["level"]) == {"region", "city", "station"}
    assert set(found["panel"]) == {"all"}
    assert set(found.loc[found["pollutant"] == "co", "units"]) == {"mg m-3"}


def test_ozone_of_a_region_is_the_mean_of_percentiles_not_the_percentile_of_the_mean() -> None:
    high_in_summer = np.where(np.arange(365) < 200, 50.0, 150.0)
    days = dataset("2023-01-01", o3=np.array([high_in_summer, high_in_summer[::-1]]))
    row = one(assessment(network(days), ANNUAL), level="region", pollutant="o3")
    # both cities have 165 days of 150, so a percentile of 150; the mean of both is 100 but on 35 days
    assert (row["value"], row["printed"], row["attains"]) == (150.0, "150", True)
    assert np.percentile(days["o3"].mean("station"), 90) == 100.0


def test_a_limit_is_met_by_the_rounded_value_and_by_the_standard_of_the_windows_end() -> None:
    levels = np.array([35.5, 34.5, 35.4, 30.5, 25.0])  # 36, 34, 35, 30, 25
    days = dataset("2023-01-01", pm25=np.repeat(levels[:, None], 365, axis=1))
    rows = assessment(network(days), ANNUAL).query("level == 'city' and statistic == 'mean'")
    assert rows["printed"].tolist() == ["36", "34", "35", "30", "25"]
    assert rows["attains"].tolist() == [False, True, True, True, True]
    assert set(rows["standard"]) == {"gb_3095_2012"}
    fixed = ANNUAL.model_copy(update={"standard": "gb_3095_2026_transition"})
    rows = assessment(network(days), fixed).query("level == 'city' and statistic == 'mean'")
    assert rows["attains"].tolist() == [False, False, False, True, True]
    later = days.assign_coords(time=pd.date_range("2026-01-01", periods=365, unit="ns"))
    rows = assessment(network(later), ANNUAL).query("level == 'city' and statistic == 'mean'")
    assert set(rows["limit"]) == {30.0}


def test_the_ministry_prints_a_decimal_which_judges_nothing() -> None:
    days = dataset("2025-01-01", pm25=np.full((1, 365), 35.4))
    row = one(
        assessment(network(days), ANNUAL.model_copy(update={"printing": "ministry"})), level="city", statistic="mean"
    )
    assert (row["printed"], row["attains"]) == ("35.4", True)


def test_months_have_no_limit_and_what_is_invalid_attains_nothing() -> None:
    days = dataset("2023-01-01", pm25=np.full((1, 100), 10.0))
    found = assessment(network(days), AssessmentOptions(windows=("year", "month"), panels=("all",)))
    month = one(found, level="city", window="month", period="2023-01", statistic="mean")
    assert month["value"] == 10
    assert math.isnan(month["limit"])
    assert pd.isna(month["attains"])
    year = one(found, level="city", window="year", statistic="mean")
    assert (year["days"], year["valid"], year["printed"]) == (100, False, "")
    assert pd.isna(year["attains"])
    assert math.isnan(year["value"])


def test_months_to_date_hold_the_same_months_of_every_year() -> None:
    time = pd.date_range("2024-01-01", "2025-09-30")
    values = np.where(time.month <= 9, 20.0, 80.0) + (time.year == 2025)
    found = assessment(
        network(dataset("2024-01-01", pm25=values[None])),
        AssessmentOptions(panels=("all",), windows=("year", "months_to_date", "trailing_twelve_months")),
    ).query("level == 'city' and statistic == 'mean'")
    value = found.set_index("period")["value"]
    assert (value["2024-01/2024-09"], value["2025-01/2025-09"]) == (20.0, 21.0)
    assert math.isnan(value["2025"])
    assert value["2024"] == pytest.approx((274 * 20 + 92 * 80) / 366)
    assert value["2024-10/2025-09"] == pytest.approx((92 * 80 + 273 * 21) / 365)


def test_three_year_means_are_of_unrounded_years_and_need_all_three() -> None:
    days = dataset(
        "2021-01-01",
        pm25=np.concatenate([np.full(365, 30.4), np.full(365, 31.4), np.full(365, 33.4), np.full(366, np.nan)])[None],
    )
    rows = assessment(network(days), ANNUAL).query(
        "window == 'three_years' and level == 'city' and statistic == 'mean'"
    )
    assert rows["period"].tolist() == ["2021-2023", "2022-2024"]
    assert rows["value"].iloc[0] == pytest.approx((30.4 + 31.4 + 33.4) / 3)
    assert rows["printed"].tolist() == ["32", ""]
    assert rows["days"].tolist() == [3 * 365, 2 * 365]


def test_three_years_of_a_region_are_of_its_own_years() -> None:
    # the second city has no first year, so the region has none either, and no mean over three
    values = np.array([[40.0, 40.0, 40.0], [np.nan, 20.0, 20.0]]).repeat(365, axis=1)
    cities = {"A": ["S0"], "B": ["S1"]}
    of = {"R": ["A", "B"], "Q": ["A"]}
    found = assessment(Network(dataset("2021-01-01", pm25=values), cities, of), ANNUAL)
    rows = found.query("level == 'region' and statistic == 'mean'").set_index(["name", "period"])
    assert math.isnan(rows["value"]["R", "2021"])
    assert math.isnan(rows["value"]["R", "2021-2023"])
    assert rows["value"]["Q", "2021-2023"] == pytest.approx(40.0)
    assert rows["members"]["R", "2022"] == 2


def test_a_region_needs_three_quarters_of_its_cities() -> None:
    values = np.full((4, 365), 10.0)
    for broken, valid in ((1, True), (2, False)):
        days = dataset("2023-01-01", pm25=np.where(np.arange(4)[:, None] < broken, np.nan, values))
        row = one(assessment(network(days), ANNUAL), level="region", statistic="mean")
        assert (row["valid"], row["members"]) == (valid, 4 - broken)
        assert np.isfinite(row["value"]) == valid


@given(factor=st.floats(0.1, 10))
def test_statistics_scale_with_the_concentrations(factor: float) -> None:
    values = np.random.default_rng(1).gamma(2, 20, (3, 365))
    plain, scaled = (
        over_windows(dataset("2023-01-01", pm25=found)["pm25"].rename(station="place"), [YEAR], ["mean", "p95", "p98"])
        for found in (values, values * factor)
    )
    np.testing.assert_allclose(scaled["value"], plain["value"] * factor, rtol=1e-12)


@settings(max_examples=3)
@given(order=st.permutations(range(6)))
def test_the_order_of_stations_changes_nothing(order: list[int]) -> None:
    days = world(days=365)
    shuffled = days.isel(station=order)
    chosen = AssessmentOptions(windows=("year",))
    for made in (assessment, aqi_days):
        pd.testing.assert_frame_equal(
            made(network(days, CITIES), chosen), made(network(shuffled, CITIES), chosen), rtol=1e-12
        )


# --- panels


def test_a_constant_panel_holds_the_stations_valid_in_every_year() -> None:
    values = np.full((3, 730), 10.0)
    values[1, :365] = np.nan  # opened in the second year
    values[2] = 40.0
    values[2, 365:369] = np.nan  # 27 days of January are enough
    days = dataset("2022-01-01", pm25=values)
    found = network(days, {"A": ["S0", "S1", "S2"], "B": ["S1"]})
    years = windows((pd.Timestamp("2022-01-01"), pd.Timestamp("2023-12-31")), kinds=("year",))
    assert constant_stations(days["pm25"], years) == ["S0", "S2"]
    assert found.panel("pm25", "constant") == {"A": ["S0", "S2"]}
    rows = assessment(found, AssessmentOptions(windows=("year",))).query("name == 'A' and statistic == 'mean'")
    value = rows.set_index(["panel", "period"])["value"]
    assert value["constant", "2022"] == value["all", "2022"] == 25.0
    assert value["constant", "2023"] == pytest.approx((4 * 10 + 361 * 25) / 365)
    assert value["all", "2023"] == pytest.approx((4 * 10 + 361 * 20) / 365)
    assert rows.set_index(["panel", "period"])["members"]["constant", "2023"] == 2


def test_an_unfinished_year_is_judged_by_its_days() -> None:
    days = dataset("2022-01-01", pm25=np.full((1, 365 + 60), 10.0))
    years = windows((pd.Timestamp("2022-01-01"), pd.Timestamp("2023-03-01")), kinds=("year",))
    assert constant_stations(days["pm25"], years) == ["S0"]


def test_a_panel_without_stations_gives_no_city_and_an_invalid_region() -> None:
    days = dataset("2022-01-01", pm25=np.where(np.arange(730) < 300, np.nan, 10.0)[None])
    found = assessment(network(days), AssessmentOptions(windows=("year",), panels=("constant",)))
    assert set(found["level"]) == {"region"}
    assert not found["valid"].any()
    assert only({"A": ["S0"]}, []) == {}


# --- dust


EVENT = DustEvent(name="spring storm", start=date(2023, 3, 10), end=date(2023, 3, 12))


def dusty() -> xr.Dataset:
    """One year of 20 with three days of 500 in March."""
    time = pd.date_range("2023-01-01", periods=365)
    storm = (time >= "2023-03-10") & (time <= "2023-03-12")
    return dataset("2023-01-01", pm10=np.where(storm, 500.0, 20.0)[None], o3=np.where(storm, 90.0, 80.0)[None])


def test_dust_is_deducted_from_particles_and_both_are_printed() -> None:
    found = assessment(network(dusty()), ANNUAL.model_copy(update={"dust": (EVENT,)}))
    rows = found.query("level == 'city' and statistic == 'mean' and pollutant == 'pm10'").set_index("dust")
    assert rows["value"]["excluded"] == 20.0
    assert rows["value"]["kept"] == pytest.approx((362 * 20 + 3 * 500) / 365)
    assert rows["days"].to_dict() == {"kept": 365, "excluded": 362}
    assert set(found.loc[found["pollutant"] == "o3", "dust"]) == {"kept"}


def test_days_that_are_deducted_were_measured() -> None:
    # 15 days of March deducted leave 16: the month was measured all the same
    month = DustEvent(name="a long one", start=date(2023, 3, 1), end=date(2023, 3, 15))
    found = assessment(network(dusty()), ANNUAL.model_copy(update={"dust": (month,)}))
    assert one(found, level="city", statistic="mean", pollutant="pm10", dust="excluded")["valid"]


def test_ratios_are_printed_with_dust_days_as_cnemc_does_and_without() -> None:
    rows = (
        aqi_days(network(dusty()), ANNUAL.model_copy(update={"dust": (EVENT,)}))
        .query("level == 'city'")
        .set_index("dust")
    )
    # PM10 of 500 is an AQI of 400
    assert rows[["severe", "excellent", "days"]].loc["kept"].tolist() == [3, 362, 365]
    assert rows[["severe", "excellent", "days"]].loc["excluded"].tolist() == [0, 362, 362]
    assert rows["heavy_days_percent"].to_dict() == {"kept": pytest.approx(300 / 365), "excluded": 0.0}
    assert rows["primary_pm10"].to_dict() == {"kept": 3, "excluded": 0}


def test_an_event_may_hold_for_a_region_or_a_city_alone() -> None:
    days = xr.concat([dusty(), dusty().assign_coords(station=["S1"])], dim="station")
    for places, touched in ((("C1",), ["C1"]), (("R",), ["C0", "C1"]), ((), ["C0", "C1"])):
        event = EVENT.model_copy(update={"places": places})
        found = assessment(network(days), ANNUAL.model_copy(update={"dust": (event,)}))
        rows = found.query("level == 'city' and statistic == 'mean' and pollutant == 'pm10' and dust == 'excluded'")
        assert rows.loc[rows["value"] == 20.0, "name"].tolist() == touched


def test_an_event_of_a_place_that_is_not_there_is_refused() -> None:
    event = EVENT.model_copy(update={"places": ("Atlantis",)})
    with pytest.raises(ConfigError, match=r"'spring storm' names 'Atlantis'; allowed: .*R, C0"):
        assessment(network(dusty()), ANNUAL.model_copy(update={"dust": (event,)}))


# --- grades


def test_days_by_grade_of_a_day_each() -> None:
    # PM2.5 of 2012: AQI 50, 100, 102, 150, 152, 200, 201, 300, 301 and up
    levels = np.array([35, 75, 76, 115, 116, 150, 150.4, 151, 250, 251, 600])
    days = dataset("2023-01-01", pm25=levels[None])
    window = (date(2023, 1, 1), date(2023, 1, 11))
    options = AssessmentOptions(windows=("month",), periods=(window,), panels=("all",))
    row = one(aqi_days(network(days), options), level="city", window="custom")
    assert tuple(row.index) == AQI_DAYS
    assert row[["excellent", "good", "light", "moderate", "heavy", "severe"]].tolist() == [1, 1, 2, 3, 2, 2]
    assert row["days"] == 11
    assert row["good_days_percent"] == pytest.approx(100 * 2 / 11)
    assert row["heavy_days_percent"] == row["heavy_days_pm25_percent"] == pytest.approx(100 * 4 / 11)
    assert row["primary_pm25"] == 10
    assert row["indicators"] == "pm25"


def test_days_are_judged_by_the_table_in_force_or_by_one() -> None:
    days = dataset("2026-02-27", pm25=np.full((1, 4), 70.0))  # 2 days before 2026-03-01, 2 after
    window = (date(2026, 2, 27), date(2026, 3, 2))
    options = AssessmentOptions(windows=("month",), periods=(window,), panels=("all",))
    then = one(aqi_days(network(days), options), level="city", window="custom")
    assert (then["good"], then["light"], then["standard"]) == (2, 2, "in_force")
    fixed = options.model_copy(update={"standard": "gb_3095_2012"})
    assert one(aqi_days(network(days), fixed), level="city", window="custom")["good"] == 4


def slow_grades(days: xr.Dataset, key: str) -> dict[str, int]:
    """Days of each grade and primary pollutants, day by day in plain Python."""
    table, counts = standard(key).index, dict.fromkeys(AQI_DAYS, 0)
    for t in range(days.sizes["time"]):
        indices: dict[str, float] = {}
        for name in ("pm25", "pm10", "o3", "no2", "so2", "co"):
            value = float(days[name][0, t])
            if math.isnan(value):
                break
            at, levels = float(rounded_decimal(value, 1 if name == "co" else 0)), table.breakpoints[name]
            i = next((i for i in range(len(levels) - 1) if at <= levels[i + 1]), None)
            assert i is not None
            slope = (table.points[i + 1] - table.points[i]) / (levels[i + 1] - levels[i])
            indices[name] = math.ceil(round(slope * (at - levels[i]) + table.points[i], 9))
        if len(indices) < 6:
            continue
        aqi = max(indices.values())
        bounds = {"excellent": 50, "good": 100, "light": 150, "moderate": 200, "heavy": 300, "severe": 500}
        counts[next(name for name, bound in bounds.items() if aqi <= bound)] += 1
        for name, index in indices.items():
            counts[f"primary_{name}"] += aqi > 50 and index == aqi
    return counts


@pytest.mark.parametrize("key", ["gb_3095_2012", "gb_3095_2026"])
def test_grades_are_those_of_a_slow_second_reading(key: str) -> None:
    days = world(days=365).isel(station=[0])
    row = one(aqi_days(network(days), ANNUAL.model_copy(update={"standard": key})), level="city", period="2022")
    slow = slow_grades(days, key)
    columns = [
        name
        for name in AQI_DAYS
        if name in ("excellent", "good", "light", "moderate", "heavy", "severe") or "primary" in name
    ]
    assert row[columns].to_dict() == {name: slow[name] for name in columns}
    assert row["days"] == sum(slow[name] for name in columns[:6])


def test_the_highest_hour_of_ozone_is_an_indicator_of_2012_where_it_is_known() -> None:
    days = dataset("2023-01-01", o3=np.full((1, 365), 90.0), o3_1h=np.full((1, 365), 250.0))
    row = one(aqi_days(network(days), ANNUAL), level="city", period="2023")
    # one hour of 250 is an AQI of 125
    assert (row["light"], row["primary_o3"], row["indicators"]) == (365, 365, "o3")
    assert math.isnan(row["heavy_days_pm25_percent"])
    later = ANNUAL.model_copy(update={"standard": "gb_3095_2026"})
    assert one(aqi_days(network(days), later), level="city", period="2023")["excellent"] == 365


def test_a_regions_percentages_are_the_mean_of_its_cities() -> None:
    days = dataset("2023-01-01", pm25=np.array([np.full(365, 20.0), np.where(np.arange(365) < 73, 200.0, 20.0)]))
    row = one(aqi_days(network(days), ANNUAL), level="region")
    assert row["heavy_days_percent"] == pytest.approx((0 + 20) / 2)
    assert (row["excellent"], row["heavy"], row["members"]) == (365 + 292, 73, 2)


def test_a_run_without_indicators_has_no_grades() -> None:
    found = aqi_days(network(dataset("2023-01-01", nox=np.full((1, 365), 20.0))), ANNUAL)
    assert tuple(found.columns) == AQI_DAYS
    assert found.empty


# --- attainment


def test_cities_attaining_each_limit_and_the_change_since_the_first_year() -> None:
    before, after = [36.0, 33.0, 28.0, 24.0], [34.0, 29.0, 24.0, 5.0]
    values = np.concatenate([np.repeat(np.array(level)[:, None], 365, axis=1) for level in (before, after)], axis=1)
    regions = {"R": ["C0", "C1", "C2", "C3"], "Q": ["C0"]}
    found = attainment(assessment(network(dataset("2022-01-01", pm25=values), **regions), ANNUAL), regions)
    assert tuple(found.columns) == ATTAINMENT
    rows = found.query("region == 'R' and statistic == 'mean'").set_index(["limit", "period"])
    assert rows["attaining"].to_dict() == {
        (35, "2022"): 3, (35, "2023"): 4, (30, "2022"): 2, (30, "2023"): 3, (25, "2022"): 1, (25, "2023"): 2,
        (5, "2022"): 0, (5, "2023"): 1,
    }  # fmt: skip
    assert rows["change"].to_dict() == {key: 0 if key[1] == "2022" else 1 for key in rows.index}
    assert set(rows["cities"]) == {4}
    assert rows["standard"][35].iloc[0] == "gb_3095_2012"
    assert rows["standard"][5].iloc[0] == "who_2021"
    assert set(found.query("region == 'Q'")["cities"]) == {1}


def test_whos_guideline_judges_as_measured_in_both_tables_and_chinas_limits_rounded_values() -> None:
    # 5.4 rounds to 5 and 35.4 to 35; one third of 15 in floats stands a hair above 5 and is 5
    values = np.repeat(np.array([5.4, 5.0 + 1e-14, 35.4])[:, None], 365, axis=1)
    seen, cities = network(dataset("2023-01-01", pm25=values)), ["C0", "C1", "C2"]
    counted = attainment(assessment(seen, ANNUAL), {"R": cities}).query("statistic == 'mean'").set_index("limit")
    assert counted["attaining"][[35, 5]].tolist() == [3, 1]
    levels = guidelines(seen, ANNUAL).query("level == 'city' and statistic == 'mean'").set_index("name")["reached"]
    assert levels[cities].tolist() == ["it4", "aqg", "none"]


def test_a_base_year_that_is_not_there_leaves_the_change_missing() -> None:
    found = assessment(network(dataset("2023-01-01", pm25=np.full((1, 365), 20.0))), ANNUAL)
    assert attainment(found, {"R": ["C0"]}, since=2015)["change"].isna().all()
    assert attainment(found.iloc[:0], {"R": ["C0"]}).empty


# --- ozone two ways


def test_the_two_ways_of_a_citys_ozone_and_their_gap() -> None:
    # one site peaks in the morning, the other in the afternoon: each has an MDA8 of 100, their mean hours of 50 + 50/2
    hours = np.full((2, 31 * 24), 50.0)
    day = np.arange(31 * 24) % 24
    hours[0, (day >= 4) & (day < 12)] = 100.0
    hours[1, (day >= 13) & (day < 21)] = 100.0
    time = pd.date_range("2023-01-01 01:00", periods=31 * 24, freq="h", unit="ns")
    at = {"station": np.array(["S0", "S1"], dtype=object), "time": time}
    hourly = xr.DataArray(hours, at, ("station", "time"), "o3", attrs={"units": "ug m-3"})
    days = dataset("2023-01-01", o3=np.full((2, 31), 100.0))
    cities = {"A": ["S0", "S1"]}
    of_hours = city_days_of_hours(hourly, cities)
    options = AssessmentOptions(windows=("month",), panels=("all",))
    found = ozone_two_ways(network(days, cities), of_hours, options)
    assert tuple(found.columns) == OZONE_WAYS
    assert found[["of_sites", "of_city_hours", "gap"]].iloc[0].tolist() == [100.0, 75.0, 25.0]


def test_a_city_without_enough_stations_has_no_day() -> None:
    values = np.full((4, 10), 10.0)
    values[:2, 5] = np.nan  # two of four on one day: less than 75 %
    found = city_days(dataset("2023-01-01", pm25=values)["pm25"], {"A": ["S0", "S1", "S2", "S3"]})
    assert np.isnan(found.to_numpy()[0]).tolist() == [number == 5 for number in range(10)]


@given(seed=st.integers(0, 10**6), stations=st.integers(1, 6))
def test_the_fast_city_mean_is_that_of_regions(seed: int, stations: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.uniform(size=(stations, 12)) < 0.4, np.nan, rng.uniform(0, 100, (stations, 12)))
    days = dataset("2023-01-01", pm25=values)["pm25"]
    names = [str(name) for name in days["station"].to_numpy()]
    fast, (slow, _) = city_days(days, {"A": names}), city_mean(days)
    np.testing.assert_allclose(fast[0], slow, rtol=1e-14)


# --- the step of 2018-09-01


def stepped(*, archive_in_standard_state: bool, stations: int = 60) -> tuple[xr.Dataset, xr.Dataset, dict[str, str]]:
    """Four years about the change at stations from the coast to 4,000 m, with a decline and shared weather."""
    rng = np.random.default_rng(3)
    time = pd.date_range("2016-09-01", "2020-08-31", unit="ns")
    height = rng.uniform(0, 4000, stations)
    names = np.array([f"S{number}" for number in range(stations)], dtype=object)
    season = np.cos(2 * np.pi * np.asarray(time.day_of_year) / 365.25)
    t2m = 295 - 0.0065 * height[:, None] - 12 * season[None]
    sp = 101325 * np.exp(-height / 8000)[:, None] * np.ones(len(time))
    months = np.asarray(time.year * 12 + time.month)
    of_month = {month: rng.normal(0, 0.2) for month in np.unique(months)}
    weather = np.array([of_month[month] for month in months])
    own = rng.normal(0, 0.4, (stations, len(time)))
    level = 3.5 - 0.05 * np.arange(len(time)) / 365 + 0.4 * season + weather
    ambient = np.exp(level[None] + own)
    old = (np.asarray(time) < np.datetime64("2018-09-01"))[None] & archive_in_standard_state
    pm25 = np.where(old, ambient / (sp / 101325 * 273.15 / t2m), ambient)
    no2 = np.exp(level[None] + rng.normal(0, 0.3, (stations, len(time))))
    at = {"station": names, "time": time}
    days = xr.Dataset({"pm25": (("station", "time"), pm25), "no2": (("station", "time"), no2)}, at)
    air = xr.Dataset({"t2m": (("station", "time"), t2m), "sp": (("station", "time"), sp)}, at)
    return days, air, {str(name): f"G{number // 4}" for number, name in enumerate(names)}


@pytest.mark.parametrize(("planted", "says"), [(True, "ambient"), (False, "as_reported")])
def test_the_step_is_found_when_planted_and_only_then(planted: bool, says: str) -> None:
    found = particulate_step(*stepped(archive_in_standard_state=planted))
    assert tuple(found.columns) == PARTICULATE_STEP
    step = one(found, kind="step")
    assert step["date"] == "2018-09-01"
    assert step["slope_low"] <= float(planted) <= step["slope_high"]
    assert step["slope_high"] - step["slope_low"] < 1
    assert step["verdict"].startswith(says)
    placebos = found[found["kind"] == "placebo"]
    assert placebos["date"].tolist() == ["2017-09-01", "2019-09-01"]
    assert (placebos["slope"].abs() < 0.5).all()
    assert (step["stations"], step["groups"]) == (60, 15)
    # the highest station loses a third and more, the lowest less than a tenth
    assert step["predicted_lowest"] < -0.4 < -0.1 < step["predicted_highest"]


def test_stations_of_one_height_decide_nothing() -> None:
    days, air, groups = stepped(archive_in_standard_state=True)
    flat = air.assign(sp=air["sp"] * 0 + 101325.0, t2m=air["t2m"].isel(station=0) + 0 * air["t2m"])
    rng = np.random.default_rng(0)
    flat["sp"] = flat["sp"] + xr.DataArray(rng.normal(0, 100, flat.sizes["station"]), dims="station")
    assert one(particulate_step(days, flat, groups), kind="step")["verdict"].startswith("undecided")


def test_a_record_of_one_side_has_no_step() -> None:
    days, air, groups = stepped(archive_in_standard_state=True)
    later = slice("2018-09-01", None)
    assert particulate_step(days.sel(time=later), air.sel(time=later), groups).empty


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(-0.3, 0.4, "as_reported"), (0.6, 1.3, "ambient"), (-0.2, 1.2, "undecided"), (0.3, 0.7, "undecided")],
)
def test_the_verdict_follows_the_interval(low: float, high: float, says: str) -> None:
    assert verdict(low, high).startswith(says)
    assert "\n" not in verdict(low, high)


# --- options


def test_one_standard_for_all_dates_is_an_option() -> None:
    given = {"standard": "gb_3095_2012", "periods": [["2023-01-01", "2023-02-01"]], "dust": [EVENT.model_dump()]}
    found = AssessmentOptions.model_validate(given)
    assert (found.standard, found.dust) == ("gb_3095_2012", (EVENT,))
    assert AssessmentOptions().standard == "in_force"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"standard": "gb2012"}, "found 'gb2012'; allowed: in_force, gb_3095_2012"),
        ({"periods": [["2023-02-01", "2023-01-01"]]}, "starts 2023-02-01 and ends 2023-01-01"),
        ({"dust": [{"name": "x", "start": "2023-02-01", "end": "2023-01-01"}]}, "starts 2023-02-01 after it ends"),
        ({"dusts": []}, "Extra inputs"),
    ],
)
def test_options_that_are_not_agreed_are_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        AssessmentOptions.model_validate(given)


# --- from a run


def test_a_run_is_assessed_by_the_stations_that_count() -> None:
    days = dataset("2023-01-01", pm25=np.array([[10.0], [20.0], [90.0]]).repeat(365, axis=1))
    stations = {
        "S1": {"city": "A", "assessed": True},
        "S0": {"city": "A", "assessed": True},
        "S2": {"city": "A", "assessed": False},
        "S9": {"city": "A", "assessed": True},  # listed, never observed
    }
    found = network_of(days, stations, {"R": ["A"]})
    assert found.cities == {"A": ["S0", "S1"]}
    made = products(found, ANNUAL)
    assert list(made) == ["assessment", "aqi_days", "attainment", "guidelines", "ozone_two_ways"]
    assert made["ozone_two_ways"].empty
    assert one(made["assessment"], level="city", statistic="mean")["value"] == 15.0
    assert made["attainment"].query("limit == 35")["attaining"].tolist() == [1]


# --- WHO's guidelines


def test_the_peak_season_is_the_highest_six_months_in_a_row_by_hand() -> None:
    # months of 10, 20 ... 120: the last six have the most, weighted by their days
    time = pd.date_range("2023-01-01", "2023-12-31", freq="D")
    days = dataset("2023-01-01", o3=(10.0 * time.month.to_numpy(dtype=float))[None])
    found = guidelines(network(days, {"A": ["S0"]}, R=["A"]), ANNUAL)
    peak = found.query("level == 'city' and statistic == 'peak_season'")
    by_hand = (70 * 31 + 80 * 31 + 90 * 30 + 100 * 31 + 110 * 30 + 120 * 31) / 184
    assert peak["value"].tolist() == pytest.approx([by_hand])
    assert peak["guideline"].tolist() == [60.0]
    assert peak["reached"].tolist() == ["it1"]  # 95.2: above 70, not above 100


def test_a_season_across_the_new_year_is_seen_by_years_that_begin_in_july() -> None:
    time = pd.date_range("2022-07-01", "2023-06-30", freq="D")
    warm = np.isin(time.month, [10, 11, 12, 1, 2, 3])
    days = dataset("2022-07-01", o3=np.where(warm, 90.0, 30.0)[None])
    found = guidelines(Network(days, {"A": ["S0"]}, {"R": ["A"]}, "07-01"), ANNUAL)
    assert found.query("statistic == 'peak_season'")["value"].tolist() == [90.0, 90.0]


def test_the_99th_percentile_and_the_strictest_level_it_meets() -> None:
    # 365 days of 1 ... 365 in tenths: k = 1 + 364 x 0.99 = 361.36, so 36.136
    days = dataset("2023-01-01", pm25=(np.arange(1.0, 366) / 10)[None])
    found = guidelines(network(days, {"A": ["S0"]}, R=["A"]), ANNUAL).query("level == 'city'").set_index("statistic")
    assert found.loc["p99", "value"] == pytest.approx(36.136)
    assert found.loc["p99", "reached"] == "it3"
    assert found.loc["mean", "value"] == pytest.approx(18.3)
    assert found.loc["mean", "reached"] == "it2"
    assert tuple(guidelines(network(days, {"A": ["S0"]}, R=["A"]), ANNUAL).columns) == GUIDELINES


def test_a_year_that_is_not_valid_reaches_nothing() -> None:
    days = dataset("2023-01-01", o3=np.where(np.arange(365) < 60, np.nan, 50.0)[None])
    found = guidelines(network(days, {"A": ["S0"]}, R=["A"]), ANNUAL)
    assert found["value"].isna().all()
    assert set(found["reached"]) == {""}


@pytest.mark.parametrize(("value", "says"), [(5.0, "aqg"), (5.01, "it4"), (35.0, "it1"), (35.01, "none")])
def test_a_level_is_met_up_to_its_value(value: float, says: str) -> None:
    assert reached(value, levels_of("pm25")["mean"]) == says
