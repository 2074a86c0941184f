"""The report's supplement: the netCDF file, checksums, provenance as an RO-Crate, and a zip that repeats."""

import datetime
import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rocrate.rocrate import ROCrate

from pipeline.report.gridded import gridded
from pipeline.report.supplement import (
    CHECKSUMS,
    CRATE,
    plain_config,
    provenance,
    ro_crate,
    without_paths,
    write_supplement,
    write_zip,
)
from tests import small_world

COLUMNS = (
    "level", "name", "pollutant", "statistic", "quantity", "window", "period_from", "period_to", "value", "low", "high",
    "units", "marks",
)  # fmt: skip
ROWS = [
    ("region", "Plain", "pm25", "mean", "concentration", "year", "", "2024", 31.5, np.nan, np.nan, "ug m-3", ""),
    ("region", "Plain", "co", "p95", "concentration", "year", "", "2024", 0.8, np.nan, np.nan, "mg m-3", ""),
    ("city", "Eastham", "pm25", "mean", "weather", "shared_days", "2020", "2024", -1.25, -2.0, -0.5, "ug m-3", ""),
    ("region", "Plain", "", "", "heavy_days_percent", "year", "", "2024", 1.5, np.nan, np.nan, "%", "dust=excluded"),
    (
        "region",
        "Plain",
        "pm25",
        "mean",
        "cities_attaining",
        "year",
        "",
        "2024",
        2,
        np.nan,
        np.nan,
        "cities",
        "limit=35",
    ),
    (
        "region",
        "Plain",
        "pm25",
        "mean",
        "cities_attaining",
        "year",
        "",
        "2024",
        1,
        np.nan,
        np.nan,
        "cities",
        "limit=30",
    ),
]
LAST_DAY = datetime.date(2024, 12, 31)


@pytest.fixture
def facts() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=list(COLUMNS))


@pytest.fixture
def origin(tmp_path):
    from pipeline.config import load

    config = load(small_world.write(tmp_path / "world"))
    made_of = {"config": "c0ffee", "inputs": {"weather.csv": "11", str(tmp_path / "b" / "air.csv"): "22"}}
    return provenance(config, made_of, LAST_DAY)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "report"
    (made / "tables").mkdir(parents=True)
    for name in ("facts.csv", "tables/change.csv", "config.yml", "inputs.csv"):
        (made / name).write_text(f"content of {name}\n", encoding="utf-8")
    return made


NAMES = ("facts.csv", "tables/change.csv", "config.yml", "inputs.csv")


def test_every_fact_stands_once_on_the_grid_with_its_bounds_and_units(facts):
    grid = gridded(facts, title="t", last_day="2024-12-31")
    cell = {"name": "city:Eastham", "pollutant": "pm25", "statistic": "mean", "comparison": "shared_days 2020 2024"}
    assert [grid[name].sel(cell).item() for name in ("weather", "weather_low", "weather_high")] == [-1.25, -2.0, -0.5]
    assert grid["weather"].attrs["units"] == "ug m-3"
    counts = [int(np.isfinite(grid[name]).sum()) for name in grid.data_vars if not name.endswith(("_low", "_high"))]
    assert sum(counts) == len(facts)


def test_what_has_two_units_or_two_limits_is_two_variables(facts):
    grid = gridded(facts, title="t", last_day="2024-12-31")
    assert {"concentration_ug_m_3", "concentration_mg_m_3"} <= set(grid.data_vars)
    assert {"cities_attaining_limit_35", "cities_attaining_limit_30"} <= set(grid.data_vars)
    assert "concentration_ug_m_3_low" not in grid.data_vars


def test_the_grid_comes_back_from_its_file_and_is_the_same_bytes_twice(facts, tmp_path):
    for name in ("a.nc", "b.nc"):
        gridded(facts, title="t", last_day="2024-12-31").to_netcdf(tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    with xr.open_dataset(tmp_path / "a.nc") as back:
        assert back.attrs["Conventions"] == "CF-1.11"
        assert "city:Eastham" in back["name"].values
        assert back["heavy_days_percent_dust_excluded"].max().item() == 1.5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/data/runs/air.csv: cut", "air.csv: cut"),
        ("found (/home/me/obs)", "found (obs)"),
        ("~/data/obs, C:\\Users\\me\\x.csv", "obs, x.csv"),
        ("see tables/rejected.csv", "see tables/rejected.csv"),
        ("https://example.org/a/b", "https://example.org/a/b"),
    ],
)
def test_paths_are_told_by_their_last_part_and_nothing_else_is_touched(text, shown):
    assert without_paths(text) == shown


def test_every_file_is_listed_with_the_digest_of_its_bytes(folder, origin):
    names = write_supplement(folder, NAMES, origin, title="t", about="a")
    assert sorted(names) == sorted([*NAMES, CRATE, CHECKSUMS])
    lines = dict(reversed(line.split("  ")) for line in (folder / CHECKSUMS).read_text().splitlines())
    assert set(lines) == {*NAMES, CRATE}
    for name, digest in lines.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_crate_says_what_made_what_of_what(folder, origin):
    write_supplement(folder, NAMES, origin, title="t", about="a")
    crate = ROCrate(folder)  # as others read it
    assert {one.id for one in crate.data_entities} == set(NAMES)
    action = crate.dereference("#report")
    assert action["instrument"]["name"] == "tianbang"
    assert {one.id for one in action["object"]} >= {"config.yml", "inputs.csv", "#seed"}
    assert {one.id for one in action["result"]} == {"facts.csv", "tables/change.csv"}
    assert crate.dereference("#seed")["value"] == origin.config.model.seed
    assert crate.dereference(f"pkg:pypi/numpy@{np.__version__}")["name"] == "numpy"


def test_no_identifier_of_the_crate_is_left_hanging(folder, origin):
    graph = ro_crate(folder, NAMES, origin, title="t", about="a")["@graph"]
    known = {one["@id"] for one in graph}
    assert len(known) == len(graph)

    def named(value):
        if isinstance(value, dict):
            yield from (
                [value["@id"]] if set(value) == {"@id"} else [one for part in value.values() for one in named(part)]
            )
        elif isinstance(value, list):
            yield from (one for part in value for one in named(part))

    assert {one for one in named(graph) if not one.startswith("http")} <= known


def test_nothing_in_the_provenance_names_a_folder_of_this_machine(folder, origin, tmp_path):
    write_supplement(folder, NAMES, origin, title="t", about="a")
    text = (folder / CRATE).read_text() + json.dumps(plain_config(origin.config)) + json.dumps(dict(origin.inputs))
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert "air.csv" in origin.inputs


def test_the_zip_is_the_same_bytes_whenever_and_in_whatever_order_it_is_packed(folder, tmp_path):
    write_zip(tmp_path / "a" / "x.zip", folder, NAMES, last_day=LAST_DAY)
    for name in NAMES:
        os.utime(folder / name, (1, 1))
        (folder / name).chmod(0o600)
    write_zip(tmp_path / "b" / "x.zip", folder, NAMES[::-1], last_day=LAST_DAY)
    assert (tmp_path / "a" / "x.zip").read_bytes() == (tmp_path / "b" / "x.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "x.zip") as packed:
        assert packed.testzip() is None
        assert {entry.date_time[:3] for entry in packed.infolist()} == {(2024, 12, 31)}
        assert packed.read("x/facts.csv") == (folder / "facts.csv").read_bytes()
