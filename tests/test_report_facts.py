"""Facts of the annual report: every number once, like compared with like, and what is not known is not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_example import REGIONS, example, monthly, readings, scope, tables, weather

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.report.facts import FACTS, LIMITS, facts, read_readings, read_tables
from pipeline.report.scope import Scope, last_month, scope_of


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return example()


def of(frame: pd.DataFrame, **where: object) -> pd.DataFrame:
    """Rows with these values."""
    return frame[np.logical_and.reduce([frame[name] == value for name, value in where.items()])]


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    """The one row with these values."""
    rows = of(frame, **where)
    assert len(rows) == 1, (where, rows["fact"].tolist())
    return rows.iloc[0]


def test_facts_have_the_agreed_columns_and_every_number_its_own_id(found: pd.DataFrame) -> None:
    assert tuple(found.columns) == FACTS
    assert found["fact"].is_unique
    assert found["fact"].is_monotonic_increasing
    assert np.isfinite(found["value"]).all()
    assert set(found["name"]) == set(REGIONS[:4])


def test_an_observed_change_is_weather_and_emissions_and_residual_and_what_was_not_observed(
    found: pd.DataFrame,
) -> None:
    keys = ["name", "pollutant", "statistic", "window", "period_from", "period_to"]
    wide = found[found["window"].str.match("shared_days|season")].pivot_table(
        index=keys, columns="quantity", values="value", dropna=False
    )
    wide = wide.dropna(subset="observed_change")
    parts = wide["weather"] + wide["emissions"] + wide["residual"] + wide["unobserved"]
    assert len(wide) > 100
    np.testing.assert_allclose(wide["observed_change"], parts, atol=1e-9)


def test_the_index_of_the_base_year_is_100_in_every_window(found: pd.DataFrame) -> None:
    base = found[(found["quantity"] == "mci") & found["period_to"].str.startswith("2020")]
    assert set(base["window"]) > {"year", "months_to_date", "season JJA"}
    assert np.allclose(base[["value", "low", "high"]], 100)


def test_the_index_is_against_any_base_year() -> None:
    other = example(base_year=2022)
    nation = {"name": "nation", "pollutant": "o3", "quantity": "mci", "window": "year"}
    assert one(other, **nation, period_to="2022")["value"] == pytest.approx(100)
    expected = 100 * weather("nation", "o3", 2024) / weather("nation", "o3", 2022)
    assert one(other, **nation, period_to="2024")["value"] == pytest.approx(expected)


def test_the_index_is_compared_with_the_mean_of_the_five_years_before(found: pd.DataFrame) -> None:
    row = one(found, name="nation", pollutant="o3", quantity="mci_recent_change_percent", window="months_to_date")
    five = np.mean([weather("nation", "o3", year) for year in range(2020, 2025)])
    assert row["value"] == pytest.approx(100 * (weather("nation", "o3", 2025) / five - 1))
    assert row["period_from"] == "2020-2024"
    assert "years=5" in row["marks"]


def test_a_part_of_a_year_is_compared_with_the_same_months(found: pd.DataFrame) -> None:
    where = {"name": "nation", "pollutant": "pm25", "quantity": "change", "window": "months_to_date"}
    row = one(found, **where, period_from="2020-01/2020-09", period_to="2025-01/2025-09")
    means = [monthly("nation", "pm25", year)[:9].mean() for year in (2020, 2025)]
    assert row["value"] == pytest.approx(means[1] - means[0])
    same = found[found["window"] == "months_to_date"]
    changes = same[(same["period_from"].str.len() == 15)]
    assert (changes["period_from"].str[4:8] == changes["period_to"].str[4:8]).all()
    assert (changes["period_from"].str[12:] == changes["period_to"].str[12:]).all()


def test_a_part_of_a_year_against_a_whole_one_is_marked_and_has_a_window_of_its_own(found: pd.DataFrame) -> None:
    rows = of(found, window="partial_with_year", quantity="change_percent", name="nation")
    assert set(rows["period_from"]) == {"2020", "2024"}
    assert set(rows["period_to"]) == {"2025-01/2025-09"}
    assert (rows["marks"] == "partial").all()
    assert not (of(found, window="year")["period_to"] == "2025").any()


def test_a_whole_year_has_no_window_of_a_part(found: pd.DataFrame) -> None:
    whole = example(year=2024, months=12)
    assert set(whole["window"]) >= {"year", "three_years", "shared_days"}
    assert not set(whole["window"]) & {"months_to_date", "trailing_twelve_months", "partial_with_year"}
    assert not whole["marks"].str.contains("partial").any()
    assert not whole["period_to"].str.contains("2025").any()
    assert found["marks"].str.contains("partial").any()


def test_percents_are_of_the_unrounded_values(found: pd.DataFrame) -> None:
    where = {"name": "nation", "pollutant": "pm25", "window": "year", "period_from": "2020", "period_to": "2024"}
    before = one(found, name="nation", quantity="concentration", pollutant="pm25", window="year", period_to="2020")
    change, percent = one(found, quantity="change", **where), one(found, quantity="change_percent", **where)
    assert percent["value"] == pytest.approx(100 * change["value"] / before["value"])


def test_cities_attaining_are_counted_for_each_limit_and_against_the_base_year(found: pd.DataFrame) -> None:
    for pollutant, limits in LIMITS.items():
        for limit in limits:
            own = of(found, pollutant=pollutant, name="nation", marks=f"limit={limit:g};partial")
            own = of(own, window="months_to_date")
            counts = of(own, quantity="cities_attaining").set_index("period_to")["value"]
            change = one(
                own, quantity="cities_attaining_change", period_from="2020-01/2020-09", period_to="2025-01/2025-09"
            )
            assert change["value"] == counts["2025-01/2025-09"] - counts["2020-01/2020-09"]


def test_changes_of_shares_are_in_percentage_points_with_and_without_dust(found: pd.DataFrame) -> None:
    rows = of(found, quantity="heavy_days_percent_change", name="nation", window="year", period_from="2020")
    assert (rows["units"] == "percentage points").all()
    assert {"dust=excluded" in marks for marks in rows["marks"]} == {True, False}


def test_the_residual_has_the_width_of_weather_and_emissions_together(found: pd.DataFrame) -> None:
    rows = of(found, quantity="residual", window="shared_days")
    assert (rows["high"] > rows["low"]).all()
    np.testing.assert_allclose((rows["high"] + rows["low"]) / 2, rows["value"])


def test_the_order_of_regions_and_tables_changes_nothing(found: pd.DataFrame) -> None:
    backwards = list(reversed(REGIONS[:4]))
    shuffled = {name: frame.sample(frac=1, random_state=2) for name, frame in reversed(tables(backwards).items())}
    again = facts(shuffled, readings(backwards), scope(backwards))
    pd.testing.assert_frame_equal(again, found)


@pytest.mark.parametrize("absent", ["assessment", "aqi_days", "attainment", "attribution", "attribution_months"])
def test_a_table_that_is_absent_takes_its_own_numbers_with_it_alone(found: pd.DataFrame, absent: str) -> None:
    left = facts({name: frame for name, frame in tables().items() if name != absent}, readings(), scope())
    gone = found[found["source"] == f"tables/{absent}.csv"]
    assert len(gone) > 0
    assert set(left["fact"]) == set(found["fact"]) - set(gone["fact"])


def test_a_year_a_region_and_a_pollutant_that_are_absent_give_no_row(found: pd.DataFrame) -> None:
    own = tables(REGIONS[:3])
    own["assessment"] = own["assessment"].query("not period.str.startswith('2022') and pollutant != 'o3'")
    left = facts(own, readings(REGIONS[:3]), scope())
    concentrations = left[left["quantity"] == "concentration"]
    assert "yrd_31" in set(found["name"])
    assert "yrd_31" not in set(left["name"])
    assert set(concentrations["pollutant"]) == {"pm25"}
    assert "2022" not in set(of(concentrations, window="year")["period_to"])


def test_nothing_at_all_is_an_empty_table_of_the_agreed_columns() -> None:
    assert list(facts({}, [], scope()).columns) == list(FACTS)


def config(**changes: object) -> Config:
    return Config.model_construct(
        **{
            "period": (pd.Timestamp("2020-01-01").date(), pd.Timestamp("2025-12-31").date()),
            "base_period": (pd.Timestamp("2020-01-01").date(), pd.Timestamp("2020-12-31").date()),
            "pollutants": ("o3",),
            "year_start": "01-01",
            **changes,
        }
    )


def test_a_scope_puts_the_nation_first_and_names_the_pollutants_a_report_needs() -> None:
    asked = scope_of(config(), ["fwp_13", "nation"], year=2025)
    assert asked == Scope(2025, 2020, ("nation", "fwp_13"), pollutants=("pm25", "o3"))
    assert asked.years == (2020, 2021, 2022, 2023, 2024, 2025)
    assert not asked.partial
    assert asked.headline_pairs == ((2020, 2025), (2024, 2025))


def test_a_scope_through_a_month_has_the_whole_months_until_then() -> None:
    asked = scope_of(config(), ["nation"], year=2025, through="2025-09")
    assert (asked.months, asked.partial, asked.to_date(2020)) == (9, True, "2020-01/2020-09")
    assert asked.trailing(2025) == "2024-10/2025-09"


def test_a_scope_of_years_that_begin_in_march_keeps_their_labels() -> None:
    days = (pd.Timestamp("2013-03-01").date(), pd.Timestamp("2017-01-15").date())
    asked = scope_of(config(period=days, base_period=days, year_start="03-01"), ["Beijing"], year=2016)
    assert (asked.base_year, asked.months, asked.to_date(2016)) == (2013, 10, "2016-03/2016-12")
    assert asked.year_of(pd.Timestamp("2017-02-28")) == 2016


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"year": 2031}, "no whole month of 2031"),
        ({"year": 2019}, "no whole month of 2019"),
        ({"year": 2025, "through": "2025-13"}, "allowed: a month YYYY-MM"),
        ({"year": 2025, "through": "2024-09"}, "outside the year 2025"),
    ],
)
def test_a_scope_outside_the_period_is_refused_in_one_line(asked: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        scope_of(config(), ["nation"], **asked)
    assert "\n" not in str(refused.value)


def test_the_last_month_of_the_year_is_the_last_with_observed_days() -> None:
    months = pd.DataFrame(
        {
            "frequency": ["month", "month", "month", "year"],
            "period": ["2025-08", "2025-09", "2025-10", "2025"],
            "start": ["2025-08-01", "2025-09-01", "2025-10-01", "2025-01-01"],
            "days": [31, 4, 0, 35],
        }
    )
    assert last_month(months, scope(months=12)) == "2025-09"
    assert last_month(months.head(0), scope(months=12)) is None


def test_facts_of_a_run_folder_are_those_of_its_tables_and_readings(found: pd.DataFrame, tmp_path: Path) -> None:
    for name, frame in tables().items():
        (tmp_path / "tables").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / "tables" / f"{name}.csv", index=False, float_format="%.6g")
    (tmp_path / "readings").mkdir()
    for place in readings():
        city = place.attrs["name"] + "0"
        path = tmp_path / "readings" / f"city-{city}-{place.attrs['pollutant']}.nc"
        place.assign_attrs(level="city", name=city).to_netcdf(path)
    regions = {region: [f"{region}0"] for region in REGIONS[:4]}
    (tmp_path / "daily").mkdir()
    (tmp_path / "daily" / "places.json").write_text(json.dumps({"stations": {}, "regions": regions}), encoding="utf-8")
    again = facts(read_tables(tmp_path), read_readings(tmp_path, scope()), scope())
    regional = again[again["level"] == "region"].reset_index(drop=True)
    assert regional["fact"].tolist() == found["fact"].tolist()
    np.testing.assert_allclose(regional["value"], found["value"], rtol=1e-5, atol=1e-3)
    assert set(again.loc[again["level"] == "city", "quantity"]) == {
        "mci", "mci_change_percent", "mci_recent_change_percent",
    }  # fmt: skip
    assert read_tables(tmp_path / "nowhere") == {}
