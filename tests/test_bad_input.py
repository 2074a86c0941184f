"""Bad input gets one clear line and a non-zero exit, and leaves what was there untouched."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_world
from small_world import CONFIG, content, tianbang

from pipeline.attribution import attribute
from pipeline.config import load
from pipeline.daily import daily
from pipeline.errors import ConfigError, ContractError, InputError, NothingToDo
from pipeline.stages import daily_stage, keys, tasks
from pipeline.store import Run

Spoil = Callable[[Path], Path | None]
"""Spoils a world in a folder; the path of another config where it is to be used."""

TABLE, WEATHER = CONFIG["observations"], CONFIG["weather"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of every file of a good world."""
    folder = tmp_path_factory.mktemp("world")
    small_world.write(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def world(files: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with a good world, to be spoiled, and a run of an earlier day in ``run``."""
    for name, found in files.items():
        (tmp_path / name).write_bytes(found)
    for artefact in ("daily/observations.nc", "tables/attribution.csv", "index.html", "manifests/index.html.json"):
        path = tmp_path / "run" / artefact
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of an earlier run")
    return tmp_path


def config(**changes: Any) -> Spoil:
    """A config with other keys."""
    return lambda folder: small_world.write_config(folder, changes)


def text(content: str | bytes, name: str = "config.yml") -> Spoil:
    """A file with other content."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return spoil


def frame(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "observations.csv") -> Spoil:
    """A table with other columns, rows or values."""

    def spoil(folder: Path) -> None:
        change(pd.read_csv(folder / name)).to_csv(folder / name, index=False)

    return spoil


def cell(value: object, column: str, row: int = 5) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """One other value in a table."""
    return lambda found: found.assign(**{column: found[column].astype(object).where(found.index != row, value)})


def half(name: str) -> Spoil:
    """A file that ends half way, within a row."""

    def spoil(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2].rstrip(b"\n"))

    return spoil


def packed_half(folder: Path) -> Path:
    packed = gzip.compress((folder / "observations.csv").read_bytes())
    (folder / "observations.csv.gz").write_bytes(packed[: len(packed) // 2])
    return small_world.write_config(folder, {"observations": {**TABLE, "path": "observations.csv.gz"}})


def parquet_half(folder: Path) -> Path:
    pd.read_csv(folder / "weather.csv").to_parquet(folder / "weather.parquet")
    half("weather.parquet")(folder)
    return small_world.write_config(folder, {"weather": {**WEATHER, "path": "weather.parquet"}})


def netcdf_half(folder: Path) -> Path:
    (folder / "era5.nc").write_bytes(b"CDF\x01\x00\x00\x00\x00")
    return small_world.write_config(folder, {"weather": {"source": "era5", "path": "era5.nc"}})


def twice(found: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([found, found.head(1).assign(o3=1.0)])


def earlier(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(time=(pd.to_datetime(found["time"]) - pd.Timedelta(days=9000)).dt.strftime("%Y-%m-%d"))


# what is spoiled -> how, and what the line says
BAD: dict[str, tuple[Spoil, int, str]] = {
    # --- the config
    "a typo in a key": (config(polutants=["o3"]), 2, r"config\.yml: polutants: unknown key; known here: name, period"),
    "a typo in a key of the model": (
        config(model={"membrs": 4}),
        2,
        r"model\.membrs: unknown key; known here: members",
    ),
    "an unknown reader": (
        config(observations={**TABLE, "reader": "foo"}),
        2,
        "observations: found 'foo'; allowed: 'prsa",
    ),
    "an unknown source": (config(weather={"source": "era6"}), 2, "weather: found 'era6'; allowed: 'stations', 'table'"),
    "a base period outside the period": (
        config(base_period=["2018-01-01", "2018-12-31"]),
        2,
        "base_period: found 2018-01-01/2018-12-31; allowed: inside the period 2021-01-01/2023-03-15",
    ),
    "a year that starts on no day": (config(year_start="02-30"), 2, "year_start: found '02-30'; allowed: MM-DD"),
    "a key given twice": (text("name: a\nname: b\n"), 2, "line 1: key 'name' given twice; allowed: once"),
    "no YAML": (text("name: [a\nperiod: {"), 2, "not YAML: while parsing a flow sequence"),
    "a date that does not exist": (text("period: [2021-02-30, 2022-01-01]\n"), 2, "found a date that does not exist"),
    "an empty config": (text(""), 2, "found NoneType; allowed: a mapping of keys"),
    "bytes for a config": (text(bytes(range(256))), 2, "cannot be read .* give the path of a UTF-8 YAML file"),
    "a folder for a config": (lambda folder: folder, 2, "cannot be read .*Is a directory"),
    "no config": (lambda folder: folder / "no.yml", 2, "cannot be read .*No such file or directory"),
    "no observations": (
        config(observations={**TABLE, "path": "no.csv"}),
        2,
        "observations.path: found no file or folder",
    ),
    "a pattern that fits no file": (config(observations={**TABLE, "path": "no*.csv"}), 3, "found no file like no"),
    "weather that does not come with the observations": (
        config(weather={"source": "stations"}),
        2,
        "weather.source: found 'stations' with observations.reader 'table'; allowed with 'prsa'",
    ),
    # --- places
    "a station in no region": (
        config(regions={"Plain": ["Eastham"]}),
        2,
        "station 'W1' .city 'Westham'. is in no region",
    ),
    "a region without a list": (
        config(regions={"Plain": "Eastham"}),
        2,
        "regions: found .*; allowed: a list of cities",
    ),
    "a station that is not listed": (
        frame(lambda found: found.head(2), "stations.csv"),
        3,
        r"station 'W1' is in the observations, not in .*stations\.csv; add it",
    ),
    "a station listed twice": (
        frame(lambda found: pd.concat([found, found.head(1)]), "stations.csv"),
        3,
        "station 'E1' is listed twice; agreed once",
    ),
    "a station without a city": (frame(cell(None, "city", 1), "stations.csv"), 3, "column 'city' is empty in row 3"),
    "a latitude of letters": (
        frame(cell("N", "latitude", 0), "stations.csv"),
        3,
        "'latitude', row 2: found 'N', agreed",
    ),
    # --- observations
    "a missing column": (
        frame(lambda found: found.drop(columns="o3")),
        3,
        "column 'o3' is missing; found station, time",
    ),
    "a file cut in half": (half("observations.csv"), 3, r"observations\.csv: not a whole CSV file"),
    "a packed file cut in half": (
        packed_half,
        3,
        r"observations\.csv\.gz: not a whole CSV file \(Compressed file ended",
    ),
    "an empty file": (text("", "observations.csv"), 3, "not a whole CSV file .No columns to parse from file."),
    "an error page": (
        text("<html>\n403\n</html>\n", "observations.csv"),
        3,
        "column 'station' is missing; found <html>",
    ),
    "a header without rows": (text("station,time,o3,benzene\n", "observations.csv"), 3, "found no rows"),
    "a period with no data": (
        config(period=["2001-01-01", "2003-01-01"], base_period=["2001-01-01", "2001-12-31"]),
        3,
        "no row in the period 2001-01-01/2003-01-01; found 2021-01-01 .* correct `period` or the path",
    ),
    "a unit that is not known": (
        config(observations={**TABLE, "units": {"o3": "furlong"}}),
        3,
        "'o3' is in 'furlong'; known units: ug m-3, ppb, ppm, mg m-3",
    ),
    "a unit of no column": (
        config(observations={**TABLE, "units": {"o33": "ppb"}}),
        3,
        "column 'o33' is missing; found",
    ),
    "text in a column of numbers": (frame(cell("high", "o3")), 3, "column 'o3', row 7: found 'high', agreed a number"),
    "a time that is none": (frame(cell("noon", "time")), 3, "column 'time', row 7: found 'noon', agreed ISO 8601"),
    "two rows for one day": (frame(twice), 3, "station 'E1' has two different rows for 2021-01-01 .*; agreed one"),
    "a constant series": (
        frame(lambda found: found.assign(o3=50.0)),
        3,
        "'o3' can be separated at no place; city Eastham: the series is constant",
    ),
    "nothing observed": (
        frame(lambda found: found.assign(o3=np.nan)),
        3,
        "'o3' has no valid day from 2021-01-01 to 2023",
    ),
    "too little observed": (
        frame(lambda found: found.assign(o3=found["o3"].where(found["time"] < "2021-03-01"))),
        3,
        r"'o3' can be separated at no place; city Eastham: \d+ days have both .* \(model\.minimum_days\)",
    ),
    "days taken for hours": (
        config(observations={**TABLE, "resolution": "hour"}),
        3,
        "'o3' has no valid day .*`resolution: day`",
    ),
    # --- weather
    "weather without a station column": (
        frame(lambda found: found.drop(columns="station"), "weather.csv"),
        3,
        r"weather\.csv: column 'station' is missing; found time, t2m",
    ),
    "weather of other stations": (
        frame(lambda found: found[found["station"] == "E1"].assign(station="X1"), "weather.csv"),
        3,
        "weather: holds the stations X1, none of the observations' E1, E2, W1",
    ),
    "weather cut in half": (half("weather.csv"), 3, r"weather\.csv: not a whole CSV file"),
    "packed weather cut in half": (parquet_half, 3, r"weather\.parquet: not a whole Parquet file"),
    "a netCDF file of which little came": (netcdf_half, 3, r"era5\.nc"),
    "weather of another period": (
        frame(earlier, "weather.csv"),
        3,
        "no row in the period 2021-01-01/2023-03-15; found 19",
    ),
    "text in the weather": (frame(cell("warm", "t2m"), "weather.csv"), 3, "column 't2m', row 7: found 'warm', agreed"),
    "weather in no unit": (
        frame(lambda found: found.assign(t2m=found["t2m"] * 100), "weather.csv"),
        3,
        "'t2m' runs from .* to .*, agreed K within .*; declare its unit",
    ),
    "no weather in the weather": (
        frame(lambda found: found[["station", "time"]], "weather.csv"),
        3,
        "found no weather column; agreed station,time and any of t2m",
    ),
    "days of weather taken for hours": (
        config(weather={**WEATHER, "resolution": "hour"}),
        3,
        "weather: no day .*`resolution",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_everything_untouched(world: Path, case: str) -> None:
    spoil, code, line = BAD[case]
    path = spoil(world) or world / "config.yml"
    before = content(world)
    outcome = tianbang("run", path, "--out", world / "run")
    assert outcome.err.count("\n") == 1, outcome.err
    assert outcome.err.startswith("tianbang: ")
    assert re.search(line, outcome.err)
    assert (outcome.code, outcome.out) == (code, "")
    assert content(world) == before


@pytest.mark.parametrize("case", ["a missing column", "no YAML", "a constant series"])
def test_so_it_is_in_a_process_of_its_own(world: Path, case: str) -> None:
    spoil, code, line = BAD[case]
    spoil(world)
    before = content(world)
    process = small_world.own_process("run", "config.yml", "--out", "run", cwd=world)
    out, err = process.communicate(timeout=60)
    assert err.count("\n") == 1
    assert re.match(f"tianbang: .*{line}", err)
    assert (process.returncode, out) == (code, "")
    assert content(world) == before


def test_a_refused_run_makes_no_folder(world: Path) -> None:
    half("observations.csv")(world)
    assert tianbang("run", world / "config.yml", "--out", world / "new").code == 3
    assert not (world / "new").exists()


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("model.membrs=2", r"config\.yml: model\.membrs: unknown key; known here: members"),
        ("observations.path=no.csv", "observations.path: found no file or folder"),
        ("regions={a", "--set regions: not YAML"),
        ("regions", "--set: found 'regions'; allowed: KEY=VALUE"),
    ],
)
def test_a_bad_setting_is_one_line(world: Path, setting: str, line: str) -> None:
    outcome = tianbang("run", world / "config.yml", "--out", world / "run", "--set", setting)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert re.search(line, outcome.err)


@pytest.mark.parametrize(
    "arguments", [["walk"], ["run"], ["run", "config.yml", "--ouut", "x"], ["demo", "--seed", "x"]]
)
def test_a_command_that_is_none_is_explained(arguments: list[str]) -> None:
    outcome = tianbang(*arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert "Usage: " in outcome.err


def test_a_run_folder_that_cannot_be_made_is_one_line(world: Path) -> None:
    outcome = tianbang("run", world / "config.yml", "--out", world / "stations.csv")
    assert outcome.code == 1
    assert re.fullmatch(r"tianbang: .*stations\.csv.*: (Not a directory|File exists)\n", outcome.err)


def test_errors_have_exit_codes_of_their_own() -> None:
    kinds = (ConfigError, InputError, ContractError, NothingToDo)
    assert len({kind.exit_code for kind in kinds} | {0, 1}) == 2 + len(kinds)


# --- what is no error: one station of several


def notes_of(world: Path) -> tuple[str, ...]:
    return daily(load(world / "config.yml")).notes


def test_weather_that_one_station_lacks_is_told(world: Path) -> None:
    assert not [note for note in notes_of(world) if "E1" in note]
    frame(lambda found: found[found["station"] != "E1"], "weather.csv")(world)
    assert "weather: station E1 has none; it is left out" in notes_of(world)


NO_SERIES = frame(
    lambda found: found.assign(o3=found["o3"].mask(found["station"] == "W1").mask(found["station"] == "E1", 50.0))
)
SKIPPED = {
    "station W1, o3: skipped, nothing was observed",
    "city Westham, o3: skipped, nothing was observed",
    "station E1, o3: skipped, the series is constant",
}


def test_a_series_that_is_none_is_skipped_with_a_note(world: Path) -> None:
    NO_SERIES(world)
    config, run = load(world / "config.yml"), Run(world / "new")
    daily_stage(config, run, keys(config))
    planned = [task for task in tasks(config, run, keys(config)) if task.place.name in ("W1", "Westham", "E1")]
    outcomes = [attribute(task) for task in planned]
    assert {note for outcome in outcomes for note in outcome.notes} == SKIPPED
    assert {outcome.artefact for outcome in outcomes} == {None}
    assert not run.path("readings").exists()


@pytest.mark.slow
def test_what_is_skipped_is_told_on_the_page_and_in_the_manifests(world: Path) -> None:
    NO_SERIES(world)
    outcome = tianbang("run", world / "config.yml", "--out", world / "new")
    assert outcome.code == 0, outcome.err
    run = Run(world / "new")
    page = run.path("index.html").read_text(encoding="utf-8")
    assert set((run.manifest("tables/attribution.csv") or {})["notes"]) >= SKIPPED
    assert all(note in page for note in SKIPPED)
    assert set(pd.read_csv(run.path("tables/attribution.csv"))["name"]) == {"Plain", "Eastham", "E2"}


def test_rows_that_repeat_themselves_are_no_error(world: Path) -> None:
    before = daily(load(world / "config.yml")).observations
    frame(lambda found: pd.concat([found, found.head(9)]))(world)
    assert daily(load(world / "config.yml")).observations.identical(before)


def test_a_file_of_both_does_not_make_a_pollutant_its_own_weather(world: Path) -> None:
    both = pd.read_csv(world / "observations.csv").merge(pd.read_csv(world / "weather.csv"), on=["station", "time"])
    both.to_csv(world / "both.csv", index=False)
    pollutants = ["o3", "benzene"]
    apart = daily(load(small_world.write_config(world, {"pollutants": pollutants})))
    blocks = {"observations": {**TABLE, "path": "both.csv"}, "weather": {**WEATHER, "path": "both.csv"}}
    found = daily(load(small_world.write_config(world, {**blocks, "pollutants": pollutants})))
    assert not set(pollutants) & set(found.weather)
    assert not [note for note in found.notes if "benzene" in note]
    assert found.weather.equals(apart.weather)
