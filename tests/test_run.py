"""Whole runs from the command line: what comes out, what is done again, and that nothing else counts."""

from __future__ import annotations

import datetime
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_world
import xarray as xr
from small_world import content, tianbang

from pipeline import __version__
from pipeline.attribution import twins
from pipeline.config import WHERE, Config, load
from pipeline.stages import ASSESSMENT_TABLES, TABLES, keys, tasks
from pipeline.store import Run, file_digest

# The public contract: names and order of columns are those of METHODS.md and of the issue that agreed them.
COLUMNS = {
    "attribution": "level name pollutant statistic period_from period_to observed_from observed_to observed_change "
    "meteorology meteorology_low meteorology_high emissions emissions_low emissions_high interaction residual "
    "unobserved days days_observed units",
    "index": "level name pollutant frequency period start end mci mci_low mci_high change_percent days "
    "stations_reporting",
    "concentrations": "level name pollutant statistic frequency period start end value days valid stations_reporting "
    "units",
    "skill": "level name pollutant r2 rmse bias slope protocol outside_percent",
    "attribution_months": "level name pollutant statistic frequency period period_from period_to observed_from "
    "observed_to observed_change meteorology meteorology_low meteorology_high emissions emissions_low emissions_high "
    "interaction residual unobserved days days_observed units",
    "counterfactual": "level name pollutant statistic frequency period emission_year weather_year concentration "
    "concentration_low concentration_high units",
    "methods": "level name pollutant statistic period_from period_to method meteorology emissions units",
    "drivers": "level name pollutant statistic period_from period_to group share share_low share_high units",
    "trends": "level name pollutant series start end slope slope_low slope_high p_value units",
    "interventions": "level name pollutant intervention start end effect_percent effect_low effect_high",
    "changepoints": "level name pollutant date date_low date_high size size_low size_high percent percent_low "
    "percent_high units",
    "dependence": "level name pollutant driver value value_units concentration concentration_low concentration_high "
    "units",
    "events": "level name pollutant event year days judged_days share episodes longest on_event on_event_low "
    "on_event_high otherwise otherwise_low otherwise_high difference difference_low difference_high "
    "difference_season_matched difference_season_matched_low difference_season_matched_high matched_days units",
    "joint_dependence": "level name pollutant first_driver first_value first_units second_driver second_value "
    "second_units days concentration units",
}
PLACES = [
    ("region", "Plain"),
    ("city", "Eastham"),
    ("city", "Westham"),
    ("station", "E1"),
    ("station", "E2"),
    ("station", "W1"),
]
STATISTICS = {"o3": ["mean", "p90"]}
PRINTED = 5e-6
"""Relative rounding of the tables, which print six digits."""
MANIFESTS = "manifests"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of the small world."""
    return small_world.write(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run."""
    folder = tmp_path_factory.mktemp("run") / "small"
    outcome = tianbang("run", world, "--out", folder)
    assert outcome.code == 0, outcome.err
    assert outcome.out.strip() == str(folder / "index.html")
    return folder


@pytest.fixture(scope="module")
def tables(run: Path) -> dict[str, pd.DataFrame]:
    """The public tables by name."""
    return {path.stem: pd.read_csv(path) for path in (run / "tables").glob("*.csv")}


def lines(folder: Path, table: str, *beginnings: str) -> list[str]:
    """The lines of a table, as bytes of text, that begin with any of ``beginnings``."""
    text = (folder / "tables" / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    return [line for line in text if line.startswith(beginnings)]


def seconds_of_processes() -> float:
    """CPU time of the processes that have ended: what they would take where nobody else works."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kept(before: dict[str, tuple[int, bytes]], after: dict[str, tuple[int, bytes]], beginning: str) -> bool:
    """Whether the files of that name were neither written nor touched."""
    names = [name for name in before if name.startswith((beginning, f"{MANIFESTS}/{beginning}"))]
    assert names
    return all(after[name] == before[name] for name in names)


# --- what comes out


def test_all_files_are_there(run: Path) -> None:
    files = {name for name in content(run) if not name.startswith(MANIFESTS)}
    assert set(COLUMNS) <= set(TABLES)
    tables = {f"tables/{name}.csv" for name in TABLES}
    daily = {f"daily/{name}" for name in ("observations.nc", "weather.nc", "ozone_of_city_hours.nc", "places.json")}
    readings = {
        f"readings/{level}-{name}-{pollutant}.nc"
        for level, name in PLACES
        for pollutant in STATISTICS
        if level != "region"
    }
    models = {
        f"models/{level}-{name}-{pollutant}.npz"
        for level, name in PLACES
        if level == "city"
        for pollutant in STATISTICS
    }
    figures = {name for name in files if name.startswith("figures/")}
    assert files - figures == {
        "index.html",
        "counterfactual.nc",
        "normalized.nc",
        *tables,
        *daily,
        *readings,
        *models,
    } | {
        "tables/stations.csv",
        "tables/quality.csv",
        "tables/rejected.csv",
        "tables/particulate_step.csv",
        "tables/episodes.csv",
        *(f"tables/{name}.csv" for name in ASSESSMENT_TABLES),
    }
    for kind in ("trend", "index", "bars"):
        assert {name for name in figures if f"/{kind}-region-Plain-o3." in name} == {
            f"figures/en/{kind}-region-Plain-o3.{suffix}" for suffix in ("png", "svg")
        }


def test_events_of_a_run_are_judged_by_the_weather_it_has_and_the_rest_is_told(
    run: Path, tables: dict[str, pd.DataFrame]
) -> None:
    frame = tables["events"]
    assert set(frame["event"]) == {"stagnation_partial", "precipitation_day", "wet_day", "moderate_rain"}
    assert set(frame["year"].astype(str)) == {"2021", "2022", "2023", "all"}
    assert frame["share"].between(0, 1).all()
    city = frame.query("level == 'city' and name == 'Westham' and year == 'all'").set_index("event")
    listed = tables["episodes"].query("level == 'city' and name == 'Westham'").groupby("event")["days"]
    assert listed.sum().to_dict() == city["days"].astype(int).to_dict()
    assert listed.max().to_dict() == city["longest"].astype(int).to_dict()
    notes = Run(run).manifest("tables/events.csv")["notes"]  # type: ignore[index]
    (said,) = [note for note in notes if note.startswith("events:")]
    assert "stagnation (no u500, v500; stagnation_partial instead)" in said
    assert "cold_surge (no tmin)" in said


def test_every_station_is_listed_with_the_way_to_its_city(tables: dict[str, pd.DataFrame]) -> None:
    found = tables["stations"]
    assert " ".join(found.columns) == (
        "station name city city_name city_chinese city_by county region latitude longitude closed background assessed"
    )
    assert found["station"].tolist() == ["E1", "E2", "W1"]
    assert set(found["city_by"]) == {"list"}
    assert set(found["region"]) == {"Plain"}


def test_nothing_half_written_is_left(run: Path) -> None:
    assert not [name for name in content(run) if ".part" in name]


def test_every_file_has_a_manifest_that_says_what_made_it(run: Path, world: Path) -> None:
    files = [name for name in content(run) if not name.startswith(MANIFESTS)]
    inputs = {name: file_digest(world.parent / name) for name in ("observations.csv", "stations.csv", "weather.csv")}
    for name in files:
        manifest = json.loads((run / MANIFESTS / f"{name}.json").read_text(encoding="utf-8"))
        assert manifest["artefact"] == name
        assert manifest["sha256"] == file_digest(run / name)
        assert manifest["tianbang"] == __version__
        assert len(manifest["key"]) == 64
        if not name.startswith("daily/places"):
            assert manifest["seed"] == 1
        if not name.startswith(("readings/", "models/")):
            assert len(manifest["config"]) == 64
            assert {Path(path).name: digest for path, digest in manifest["inputs"].items()} == inputs


def test_the_columns_of_the_tables_are_the_public_contract(tables: dict[str, pd.DataFrame]) -> None:
    assert {name: " ".join(tables[name].columns) for name in COLUMNS} == COLUMNS


def test_every_place_pollutant_statistic_and_pair_of_years_has_its_row(tables: dict[str, pd.DataFrame]) -> None:
    keys = ["level", "name", "pollutant", "statistic", "period_from", "period_to"]
    found = [tuple(row) for row in tables["attribution"][keys].itertuples(index=False)]
    expected = {
        (level, name, pollutant, statistic, first, second)
        for level, name in PLACES
        for pollutant, statistics in STATISTICS.items()
        for statistic in statistics
        for first, second in [(2021, 2022), (2021, 2023), (2022, 2023)]
    }
    assert len(found) == len(expected)
    assert set(found) == expected


def test_every_place_has_its_years_months_and_weeks(tables: dict[str, pd.DataFrame]) -> None:
    counts = tables["index"].groupby(["level", "name", "pollutant"])["frequency"].value_counts().unstack()
    assert len(counts) == len(PLACES) * len(STATISTICS)
    days = small_world.DAYS
    weeks = len({tuple(day.isocalendar())[:2] for day in days})
    assert (counts == {"month": 27, "week": weeks, "year": 3}).all(axis=None)
    assert tables["index"].groupby(["level", "name", "pollutant", "frequency"])["days"].sum().eq(len(days)).all()


def test_annual_and_monthly_concentrations_and_three_year_means_are_there(tables: dict[str, pd.DataFrame]) -> None:
    counts = tables["concentrations"]["frequency"].value_counts()
    series = len(PLACES) * len(STATISTICS["o3"])
    assert dict(counts) == {"month": 27 * series, "year": 3 * series, "three_year": series}


def test_skill_is_scored_for_every_place_on_held_out_months(tables: dict[str, pd.DataFrame]) -> None:
    skill = tables["skill"]
    assert len(skill) == len(PLACES) * len(STATISTICS)
    assert skill["protocol"].str.contains("held-out whole months").all()
    # the noise that was planted is a tenth of the concentration: no model can know it, and a good one knows the rest
    assert skill["r2"].between(0.5, 0.99).all()


def test_the_datasets_are_cf_with_units(run: Path) -> None:
    for name, dims in {
        "counterfactual.nc": {"name", "pollutant", "statistic", "emission_period", "weather_period", "month", "week"}
        | {"pair", "emissions_of", "weather_of"},
        "normalized.nc": {"name", "pollutant", "time"},
    }.items():
        with xr.open_dataset(run / name) as data:
            assert data.attrs["Conventions"].startswith("CF-")
            assert set(data.sizes) == dims
            assert sorted(data["name"].values) == sorted(f"{level}:{place}" for level, place in PLACES)
            units = {label: values.attrs["units"] for label, values in data.items()}
            assert units == {label: "d" if label == "month_days" else "ug m-3" for label in data}
            assert all(values.attrs["long_name"] for values in data.values())
    with xr.open_dataset(run / "normalized.nc") as data:
        assert set(data.data_vars) == {"observed", "predicted", "normalized"}


def test_the_page_asks_nothing_of_the_network(run: Path) -> None:
    page = (run / "index.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert "url(http" not in page
    assert '<link rel="stylesheet' not in page
    assert "Plain" in page
    assert "fog" in page  # the note on the column that is in no vocabulary


def test_notes_are_told_in_the_manifests(run: Path) -> None:
    manifest = json.loads((run / MANIFESTS / "tables" / "attribution.csv.json").read_text(encoding="utf-8"))
    assert "weather: column 'fog' is not in the vocabulary; used as a driver of the group 'other'" in manifest["notes"]


# --- identities


def test_the_parts_and_the_residual_add_up_to_the_observed_change(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["attribution"]
    size = rows["observed_from"].abs() + rows["observed_to"].abs()
    change = rows["observed_to"] - rows["observed_from"]
    parts = rows["meteorology"] + rows["emissions"] + rows["unobserved"] + rows["residual"]
    assert ((change - rows["observed_change"]).abs() <= 2 * PRINTED * size).all()
    assert ((parts - rows["observed_change"]).abs() <= 5 * PRINTED * size).all()


def test_intervals_hold_their_estimates(tables: dict[str, pd.DataFrame]) -> None:
    for frame, names in ((tables["attribution"], ("meteorology", "emissions")), (tables["index"], ("mci",))):
        for name in names:
            assert frame[name].between(frame[f"{name}_low"], frame[f"{name}_high"]).all()


def test_the_index_of_the_base_period_is_100_at_every_frequency(tables: dict[str, pd.DataFrame]) -> None:
    index = tables["index"]
    base = index[(index["start"] >= "2021-01-01") & (index["end"] <= "2021-12-31")]
    assert dict(base["frequency"].value_counts()) == {
        name: count * len(PLACES) * len(STATISTICS) for name, count in {"week": 52, "month": 12, "year": 1}.items()
    }
    np.testing.assert_allclose(base[["mci", "mci_low", "mci_high"]], 100, rtol=PRINTED)
    assert (index["change_percent"] - (index["mci"] - 100)).abs().max() <= 100 * 2 * PRINTED
    assert index.loc[index["start"] > "2021-12-31", "change_percent"].abs().max() > 1


def test_a_region_is_the_mean_of_its_cities(tables: dict[str, pd.DataFrame]) -> None:
    parts = ["observed_from", "observed_to", "observed_change", "meteorology", "emissions", "interaction", "residual"]
    for table, alike, values in (
        ("attribution", ["pollutant", "statistic", "period_from", "period_to"], parts),
        ("concentrations", ["pollutant", "statistic", "frequency", "period"], ["value"]),
    ):
        by_level = {
            level: frame.groupby(alike)[values].mean()
            for level, frame in tables[table].groupby("level")
            if level != "station"
        }
        size = tables[table][values].abs().max()
        assert ((by_level["region"] - by_level["city"]).abs().max() <= 4 * PRINTED * size).all()


def test_a_city_of_one_station_is_that_station(tables: dict[str, pd.DataFrame]) -> None:
    for table in COLUMNS:
        frame = tables[table]
        alone = [frame[frame["name"] == name].drop(columns=["level", "name"]) for name in ("Westham", "W1")]
        pd.testing.assert_frame_equal(*(part.reset_index(drop=True) for part in alone), check_exact=True)


def parts_of(table: np.ndarray) -> dict[str, np.ndarray]:
    """Parts of a change, from concentrations (emissions of, weather of, ...) of its two years."""
    (pp, pq), (qp, qq) = table
    return {
        "meteorology": ((pq - pp) + (qq - qp)) / 2,
        "emissions": ((qp - pp) + (qq - pq)) / 2,
        "interaction": (qq - qp) - (pq - pp),
    }


def test_a_series_is_separated_once_for_a_city_and_its_only_station(run: Path, world: Path) -> None:
    with (
        xr.open_dataset(run / "readings" / "city-Westham-o3.nc") as city,
        xr.open_dataset(run / "readings" / "station-W1-o3.nc") as station,
    ):
        assert (station.attrs["level"], station.attrs["name"]) == ("station", "W1")
        xr.testing.assert_equal(city, station)
    config, store = load(world), Run(run)
    planned = tasks(config, store, keys(config))
    repeated = {artefact: twin.artefact for artefact, twin in twins(planned).items()}
    assert repeated == {"readings/station-W1-o3.nc": "readings/city-Westham-o3.nc"}


def test_the_counterfactual_file_gives_back_the_attribution(run: Path, tables: dict[str, pd.DataFrame]) -> None:
    with xr.open_dataset(run / "counterfactual.nc") as data:
        for row in tables["attribution"].to_dict("records"):  # a partial year's too
            place = data.sel(
                name=f"{row['level']}:{row['name']}", pollutant=row["pollutant"], statistic=row["statistic"]
            )
            four = place["pair_concentration"].sel(pair=f"{row['period_from']}-{row['period_to']}").values
            for name, value in parts_of(four).items():
                assert row[name] == pytest.approx(value, rel=PRINTED, abs=1e-9)
            change = four[1, 1] - four[0, 0]
            without = row["observed_change"] - row["residual"] - row["unobserved"]
            assert without == pytest.approx(change, abs=5 * PRINTED * four[0, 0])
            years = [str(row["period_from"]), str(row["period_to"])]
            table = place["concentration"].sel(emission_period=years, weather_period=years).values
            assert (table[0, 1], table[1, 0]) == (four[0, 1], four[1, 0])
            if row["period_to"] == 2022:  # both years have all their days: the diagonal is the same too
                np.testing.assert_allclose(table, four, rtol=1e-12)


def test_the_printed_counterfactual_table_is_the_files(run: Path, tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["counterfactual"]
    assert dict(rows["frequency"].value_counts()) == {
        "year": 9 * len(PLACES) * len(STATISTICS["o3"]),
        # the whole years with each other; 2023 with them and itself in January and February, of March it has 15 days
        "month": (12 * 4 + 2 * 5) * len(PLACES),
    }
    assert list(rows[["level", "name"]].drop_duplicates().itertuples(index=False, name=None)) == PLACES
    with xr.open_dataset(run / "counterfactual.nc") as data:
        for row in rows[rows["frequency"] == "month"].sample(50, random_state=0).to_dict("records"):
            at = {"month": int(row["period"]), "emission_period": str(row["emission_year"])}
            place = data.sel(
                name=f"{row['level']}:{row['name']}", pollutant="o3", weather_period=str(row["weather_year"])
            )
            for end in ("", "_low", "_high"):
                value = float(place[f"month_concentration{end}"].sel(at))
                assert row[f"concentration{end}"] == pytest.approx(value, rel=2 * PRINTED)


def test_the_parts_by_month_and_season_add_up_to_the_years(tables: dict[str, pd.DataFrame]) -> None:
    keys = ["level", "name", "period_from", "period_to"]
    months = tables["attribution_months"].query("period_to == 2022")
    year = tables["attribution"].query("period_to == 2022 and statistic == 'mean'").set_index(keys)
    for frequency, count in (("month", 12), ("season", 4)):
        own = months[months["frequency"] == frequency]
        assert len(own) == count * len(PLACES)
        for name in ("meteorology", "emissions", "interaction", "observed_change"):
            total = (own[name] * own["days"]).groupby([own[key] for key in keys]).sum() / 365
            # a mean observed change is over days that were observed, 98 % of them: not the same ones in each month
            tolerance = 0.01 if name == "observed_change" else 1e-5
            level = year["observed_from"].mean()
            np.testing.assert_allclose(total.loc[year.index], year[name], atol=tolerance * level)


def test_weeks_add_up_to_the_year(run: Path) -> None:
    days = np.array([7] * 51 + [8])
    with xr.open_dataset(run / "counterfactual.nc") as data:
        years = {"emission_period": ["2021", "2022"], "weather_period": ["2021", "2022"]}
        found = data.sel(**years, pollutant="o3")
        whole = found["concentration"].sel(statistic="mean").transpose("name", ...).values
        weeks = found["week_concentration"].transpose("name", "emission_period", "weather_period", "week").values
        np.testing.assert_allclose((weeks * days).sum(axis=-1) / 365, whole, rtol=1e-6)  # single precision
        months = (found["month_concentration"] * found["month_days"]).sum("month").transpose("name", ...).values / 365
        np.testing.assert_allclose(months, whole, rtol=1e-6)


def test_every_method_has_its_row_beside_ours(tables: dict[str, pd.DataFrame]) -> None:
    rows, ours = tables["methods"], tables["attribution"].query("statistic == 'mean' and period_to == 2022")
    names = ["tianbang", "additive", "regression", "boosting"]
    assert list(rows["method"]) == names * len(PLACES)  # 2023 is not whole: no method is asked for it
    alike = rows[rows["method"] == "tianbang"].reset_index(drop=True)
    for name in ("level", "name", "meteorology", "emissions"):
        assert list(alike[name]) == list(ours[name])
    # emissions that fall by a tenth, found by each within what a third of it and weather by chance allow
    planted = (np.exp(-0.1) - 1) * float(ours["observed_from"].iloc[0])
    assert (rows["emissions"] / planted).between(0.3, 1.7).all()
    cities = rows[rows["level"] == "city"].groupby("method")[["meteorology", "emissions"]].mean()
    region = rows[rows["level"] == "region"].set_index("method")[["meteorology", "emissions"]]
    np.testing.assert_allclose(cities.loc[names], region.loc[names], rtol=1e-4)


def test_daily_files_hold_what_was_read(run: Path, world: Path) -> None:
    given = pd.read_csv(world.parent / "observations.csv", parse_dates=["time"]).set_index(["station", "time"])
    with xr.open_dataset(run / "daily" / "observations.nc") as data:
        found = data.to_dataframe().loc[given.index]
        np.testing.assert_array_equal(found["o3"], given["o3"])
    with xr.open_dataset(run / "normalized.nc") as data:
        westham = data["observed"].sel(name="city:Westham", pollutant="o3").to_series()
        np.testing.assert_array_equal(westham, given.loc["W1", "o3"])


def test_what_was_planted_is_found(tables: dict[str, pd.DataFrame]) -> None:
    # emissions fall by a tenth a year; over whole years the region's part is 1 - exp(-0.1) of what was there
    rows = tables["attribution"].set_index(["level", "pollutant", "statistic", "period_from", "period_to"])
    for pollutant in STATISTICS:
        row = rows.loc[("region", pollutant, "mean", 2021, 2022)]
        planted = (np.exp(-0.1) - 1) * row["observed_from"]
        # 365 days of 10 % noise in each year, at three stations of which two share a city, and weather as strong
        assert row["emissions"] == pytest.approx(planted, abs=0.02 * row["observed_from"])


# --- what is done again


def test_a_second_run_does_nothing_and_says_so_at_once(run: Path, world: Path) -> None:
    started = seconds_of_processes()
    small_world.own_process("run", "--help", cwd=world.parent).communicate(timeout=60)
    at_least = seconds_of_processes() - started
    before, started = content(run), seconds_of_processes()
    process = small_world.own_process("run", world, "--out", run, cwd=world.parent)
    out, err = process.communicate(timeout=60)
    assert seconds_of_processes() - started < 10 * at_least
    assert process.returncode == 0
    assert out.strip() == str(run / "index.html")
    assert err == f"nothing has changed since {run / 'index.html'} was made; nothing to do\n"
    assert content(run) == before


@pytest.mark.slow
def test_an_interrupted_run_continues_to_the_same_tables(run: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "interrupted"
    arguments = ("run", world, "--out", folder, "--set", "languages=[zh]")
    process = small_world.own_process(*arguments, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list((folder / MANIFESTS / "readings").glob("[!.]*.json")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = {
        name: file
        for name, file in content(folder).items()
        if name.startswith(f"{MANIFESTS}/readings") and ".part" not in name
    }
    assert 0 < len(done) < 5  # of three stations and two cities
    outcome = tianbang(*arguments)
    assert outcome.code == 0
    assert "daily: unchanged" in outcome.err
    assert f"readings: {len(done)} of 5 unchanged" in outcome.err
    assert {name: content(folder)[name] for name in done} == done
    for table in TABLES:
        assert (folder / "tables" / f"{table}.csv").read_bytes() == (run / "tables" / f"{table}.csv").read_bytes()


# which stages a key of the config concerns; every stage also makes anew what stands on it
CONCERNS = {
    "daily": {
        "name": "other",
        "period": ["2021-01-01", "2023-03-14"],
        "utc_offset": 7,
        "pollutants": ["benzene"],
        "observations": {**small_world.CONFIG["observations"], "units": {"o3": "ppb"}},
        "weather": {**small_world.CONFIG["weather"], "drivers": ["t2m"]},
        "stations": None,
        "regions": {"Plain": ["Eastham"], "Hills": ["Westham"]},
        "mixed_definitions": True,
        "quality": {"stuck_hours": 24},
    },
    "readings": {
        "model": {"members": 5},
        "base_period": ["2021-01-01", "2021-06-30"],
        "year_start": "03-01",
        "interventions": [{"name": "x", "start": "2022-01-01", "end": "2022-02-01"}],
    },
    "products": {
        "levels": ["region"],
        "languages": ["zh"],
        "assessment": {"standard": "gb_3095_2012"},
        "panel": "constant",  # which readings are taken; each has a key of its own: tests/test_sensitivity.py
    },
}


def test_every_key_of_the_config_concerns_a_stage() -> None:
    assert {name for concerned in CONCERNS.values() for name in concerned} == set(Config.model_fields) - {
        "archive",  # its ledger is an input: tests/test_archive.py
        "weekly",  # `tianbang index` alone reads it: tests/test_weekly_command.py
        *WHERE,  # where work is done, and who is told
    }


@pytest.mark.parametrize("stage", CONCERNS)
def test_a_key_makes_anew_what_it_concerns_and_no_more(world: Path, stage: str) -> None:
    def digests(changes: dict[str, Any]) -> list[str]:
        found = keys(load(small_world.write_config(world.parent, changes, name="changed.yml")))
        return [found.daily, found.readings, found.products]

    before = digests({})
    first = ["daily", "readings", "products"].index(stage)
    for name, value in CONCERNS[stage].items():
        changed = [one != other for one, other in zip(digests({name: value}), before, strict=True)]
        assert changed == [number >= first for number in range(3)], name


def test_a_changed_input_makes_everything_anew(world: Path, tmp_path: Path) -> None:
    shutil.copytree(world.parent, tmp_path / "world")
    config = load(tmp_path / "world" / "config.yml")
    before = keys(config)
    with (tmp_path / "world" / "weather.csv").open("a") as file:
        file.write("E1,2023-03-16,280,50,1,1,500,0,0\n")
    after = keys(config)
    assert len({before.daily, after.daily, before.readings, after.readings, before.products, after.products}) == 6


def test_other_levels_are_printed_from_the_same_readings(run: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)  # with its times of change
    before = content(folder)
    outcome = tianbang("run", world, "--out", folder, "--set", "levels=[region]", "--set", "languages=[zh]")
    assert outcome.code == 0
    after = content(folder)
    assert kept(before, after, "daily/")
    assert kept(before, after, "readings/")
    assert lines(folder, "attribution", "region,") == lines(run, "attribution", "region,")
    assert len(lines(folder, "attribution", "")) == 1 + len(lines(run, "attribution", "region,"))


def test_what_earlier_runs_left_is_swept_and_nothing_else(run: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    store = Run(folder)
    foreign = [folder / "figures" / "en" / name for name in ("mine.png", ".trend-mine-12345678.part.png")]
    foreign += [folder / "readings" / "city-Mine-o3.nc", folder / ".index-notours.part.html"]
    for path in foreign:
        path.write_text("mine")
    gone = [
        "readings/city-Gone-o3.nc",
        "models/city-Gone-o3.npz",
        "figures/zh/trend-city-Gone-o3.png",
        "tables/gone.csv",
    ]
    others = ["tables/bau-lockdown.csv", "figures/en/bau-lockdown.png", "weekly/index.csv"]
    replaced = "figures/en/trend-city-Replaced-o3.png"
    for artefact in (*gone, *others, replaced):
        store.path(artefact).parent.mkdir(exist_ok=True)
        store.path(artefact).write_text(artefact)
        store.record(artefact, "earlier", {})
    store.path(replaced).write_text("mine")
    halves = [folder / ".index-ab12_xyz.part.html", folder / MANIFESTS / "tables" / ".skill.csv-ab12_xyz.part.json"]
    for path in halves:
        path.write_text("half")
        os.utime(path, (0, 0))
    outcome = tianbang("run", world, "--out", folder, "--set", "levels=[region]")
    assert outcome.code == 0
    assert "removed " in outcome.err
    english = [f"figures/en/trend-city-Eastham-o3.{suffix}" for suffix in ("png", "svg")]
    for artefact in (*gone, *english):
        assert not store.path(artefact).exists()
        assert not store.manifest_path(artefact).exists()
    assert not any(path.exists() for path in halves)
    assert not (folder / "figures" / "zh").exists()
    assert all(path.exists() for path in (*foreign, store.path(replaced)))
    assert all(store.path(artefact).exists() for artefact in others)
    assert store.path("readings/station-W1-o3.nc").exists()  # of the same config for other levels


def test_no_other_method_is_asked_when_none_is_named(run: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ["levels=[city]", "model.methods=[]", "model.members=2"]
    outcome = tianbang("run", world, "--out", folder, *(part for one in settings for part in ("--set", one)))
    assert outcome.code == 0
    text = (folder / "tables" / "methods.csv").read_text(encoding="utf-8").splitlines()
    assert text == [COLUMNS["methods"].replace(" ", ",")]


@pytest.mark.slow
def test_another_seed_makes_the_readings_anew_from_the_same_days(run: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    before = content(folder)
    outcome = tianbang("run", world, "--out", folder, "--set", "model.seed=2", "--set", "levels=[region]")
    assert outcome.code == 0
    after = content(folder)
    assert kept(before, after, "daily/")
    assert not kept(before, after, "readings/city-")
    assert lines(folder, "attribution", "region,") != lines(run, "attribution", "region,")


@pytest.mark.slow
def test_a_distributed_scheduler_gives_the_same_tables_whatever_else_is_run(
    run: Path, world: Path, tmp_path: Path
) -> None:
    from distributed import LocalCluster

    folder = tmp_path / "run"
    with LocalCluster(
        n_workers=2, threads_per_worker=1, protocol="tcp://", host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        settings = ["pollutants=[benzene, o3]", "levels=[region]", "observations.units={benzene: ug m-3}"]
        outcome = tianbang(
            "run", world, "--out", folder, "--scheduler", address, *(p for one in settings for p in ("--set", one))
        )
    assert outcome.code == 0
    assert address.startswith("tcp://127.0.0.1:")
    for table in COLUMNS:
        # o3 is what it is alone, byte for byte; the pollutant of no vocabulary is there beside it
        assert lines(folder, table, "region,Plain,o3,") == lines(run, table, "region,Plain,o3,")
        # a short series may have no change point, a region has no dependence of its own
        assert table in ("changepoints", "interventions", "dependence", "joint_dependence") or lines(
            folder, table, "region,Plain,benzene,"
        )


def test_the_run_folder_is_named_after_the_config_by_default(
    run: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(run, tmp_path / "runs" / "small")
    monkeypatch.chdir(tmp_path)
    outcome = tianbang("run", world)
    assert outcome.out.strip() == str(tmp_path / "runs" / "small" / "index.html")
    assert "nothing to do" in outcome.err


def test_the_version_is_that_of_the_package() -> None:
    assert tianbang("--version").out == f"tianbang {__version__}\n"


def test_help_is_at_hand_at_once() -> None:
    started = seconds_of_processes()
    subprocess.run([sys.executable, "-c", "import pandas, xarray"], check=True)
    libraries = seconds_of_processes() - started
    process = small_world.own_process("--help", cwd=Path.cwd())
    out, _ = process.communicate(timeout=60)
    assert "run" in out
    assert "demo" in out
    assert seconds_of_processes() - started - libraries < libraries  # the libraries of data are not loaded for it


def test_today_is_of_no_consequence(run: Path) -> None:
    # no output says when it was made: the same inputs give the same bytes on any day
    today = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}"
    for name, (_, found) in content(run).items():
        assert name.startswith("figures/") or today.encode() not in found, name
