"""The growing archive: what is read depends on the batches held, and on nothing that happened on the way."""

from __future__ import annotations

import datetime
import json
import os
import random
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
import xarray as xr
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.archive import ingest as ingesting
from pipeline.archive.ingest import ingest
from pipeline.archive.ledger import Ledger, locked
from pipeline.archive.reading import read_spans
from pipeline.archive.settings import settings_of
from pipeline.archive.status import as_text, status, write_rejected
from pipeline.command_line import app
from pipeline.contracts import Observed
from pipeline.errors import ConfigError, InputError, TianbangError
from pipeline.quality import screened
from pipeline.stations import READERS
from pipeline.stations.frames import full_axis
from pipeline.stations.spans import Spans, of_observed, years
from pipeline.vocabulary import pollutant

STATIONS = ("A1", "B2", "C3")
FIRST = datetime.date(2019, 12, 30)
TYPES = ("PM2.5", "O3")


def write_day(folder: Path, number: int, *, seed: int = 0, stations: tuple[str, ...] = STATIONS) -> Path:
    """A file of the national archive's layout; day 2 is the first of a year."""
    day = FIRST + datetime.timedelta(days=number)
    values = np.random.default_rng([seed, number]).integers(1, 300, (24, len(TYPES), len(stations)))
    rows = [
        f"{day:%Y%m%d},{hour},{kind}," + ",".join("" if value % 10 == 0 else str(value) for value in values[hour, k])
        for hour in range(24)
        for k, kind in enumerate(TYPES)
    ]
    path = folder / f"china_sites_{day:%Y%m%d}.csv"
    path.write_text("\n".join([",".join(["date,hour,type", *stations]), *rows]) + "\n", encoding="utf-8")
    return path


def national(folder: Path) -> Any:
    return READERS["national"].Options(reader="national", path=folder)


def period(days: int) -> tuple[datetime.date, datetime.date]:
    return FIRST, FIRST + datetime.timedelta(days=days - 1)


def held(archive: Path, days: int = 4) -> Observed:
    options = READERS["archive"].Options(reader="archive", path=archive)
    return READERS["archive"].read(options, pollutants=("pm25", "o3"), period=period(days), utc_offset=8)


def from_files(folder: Path, days: int = 4) -> Observed:
    return READERS["national"].read(national(folder), pollutants=("pm25", "o3"), period=period(days), utc_offset=8)


def same(archive: Path, folder: Path, days: int = 4) -> None:
    """The archive says what its files say, to 32 bits, of values and of what was rejected."""
    ours, theirs = held(archive, days), from_files(folder, days)
    xr.testing.assert_identical(ours.data.astype(np.float32), theirs.data.astype(np.float32))
    columns = list(theirs.rejected.columns)
    rows = [
        each.rejected.astype({"values": int}).sort_values(columns, ignore_index=True).to_csv()
        for each in (ours, theirs)
    ]
    assert rows[0] == rows[1]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(4):
        write_day(folder, number)
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "air.zarr"


# --- what is held


def test_the_archive_says_what_the_files_say_across_the_turn_of_a_year(files: Path, archive: Path) -> None:
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)
    assert (archive / "2019").is_dir()
    assert (archive / "2020").is_dir()


def test_a_second_ingest_does_nothing(files: Path, archive: Path) -> None:
    first = ingest(national(files), archive, utc_offset=8)
    before = {path: path.stat().st_mtime_ns for path in archive.rglob("*") if path.is_file()}
    second = ingest(national(files), archive, utc_offset=8)
    assert (first.files, first.unchanged, second.files, second.unchanged) == (4, 0, 0, 4)
    chunks = [path for path in before if path.name not in (".lock", "ledger.sqlite")]
    assert all(path.stat().st_mtime_ns == before[path] for path in chunks)


def test_files_that_were_only_touched_are_not_read_again(
    files: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(national(files), archive, utc_offset=8)
    for path in files.iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr(ingesting, "parse", None)
    assert ingest(national(files), archive, utc_offset=8).unchanged == 4


def test_only_new_days_are_read(files: Path, archive: Path) -> None:
    ingest(national(files), archive, utc_offset=8)
    write_day(files, 4)
    assert ingest(national(files), archive, utc_offset=8).files == 1
    same(archive, files, 5)


def test_a_changed_file_replaces_its_day(files: Path, archive: Path) -> None:
    ingest(national(files), archive, utc_offset=8)
    write_day(files, 1, seed=1, stations=("A1", "D4"))
    assert ingest(national(files), archive, utc_offset=8).files == 1
    same(archive, files)


def test_a_day_whose_file_is_gone_stays(files: Path, archive: Path) -> None:
    ingest(national(files), archive, utc_offset=8)
    before = held(archive)
    (files / "china_sites_20191230.csv").unlink()
    ingest(national(files), archive, utc_offset=8)
    xr.testing.assert_identical(held(archive).data, before.data)


def test_a_broken_file_is_held_as_broken_until_it_is_mended(files: Path, archive: Path) -> None:
    path = files / "china_sites_20191231.csv"
    whole = path.read_text()
    path.write_text("<html>404</html>")
    assert ingest(national(files), archive, utc_offset=8).rejected["not_csv"] == 1
    same(archive, files)
    assert ingest(national(files), archive, utc_offset=8).files == 0
    path.write_text(whole)
    assert ingest(national(files), archive, utc_offset=8).files == 1
    same(archive, files)
    assert "not_csv" not in set(held(archive).rejected["rule"])


def test_networks_may_share_an_archive(files: Path, archive: Path, tmp_path: Path) -> None:
    cities = tmp_path / "cities"
    cities.mkdir()
    path = write_day(cities, 0, stations=("北京",))
    path.rename(cities / path.name.replace("sites", "cities"))
    ingest(national(files), archive, utc_offset=8)
    ingest(READERS["national_cities"].Options(reader="national_cities", path=cities), archive, utc_offset=8)
    data = held(archive).data
    assert list(data["station"].values) == [*STATIONS, "北京"]
    xr.testing.assert_equal(data.sel(station=list(STATIONS)).astype("f4"), from_files(files).data.astype("f4"))


# --- the order of things changes nothing


def conflicting(folder: Path) -> None:
    """Day 1's file holds hours of day 0 too: the same but for one value, and one that day 0 lacks."""
    first, second = folder / "china_sites_20191230.csv", folder / "china_sites_20191231.csv"
    lines = first.read_text().splitlines()
    rows = [line for line in lines[1:] if line.split(",")[1] in ("5", "6") and ",PM2.5," in line]
    key, _, values = rows[0].rpartition("PM2.5,")
    changed = ",".join(["299", *values.split(",")[1:]])
    with second.open("a") as stream:
        stream.write(f"{key}PM2.5,{changed}\n{rows[1]}\n")


def test_days_that_contradict_each_other_reject_each_other_until_one_changes(files: Path, archive: Path) -> None:
    agreed = from_files(files).data
    conflicting(files)
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)
    cell = {"station": "A1", "time": pd.Timestamp("2019-12-30 05:00")}
    assert np.isnan(held(archive).data["pm25"].sel(cell))
    assert status(archive).contested_values == 1
    write_day(files, 1)
    ingest(national(files), archive, utc_offset=8)
    xr.testing.assert_identical(held(archive).data.astype("f4"), agreed.astype("f4"))
    assert status(archive).contested_values == 0


STEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, together=st.integers(1, 4))
def test_any_history_of_files_ends_as_if_all_had_come_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool]], together: int
) -> None:
    folder = tmp_path_factory.mktemp("history")
    files, archive = folder / "files", folder / "air.zarr"
    files.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingesting, "TOGETHER", together)
        for number, seed, now in steps:
            stations = STATIONS if number % 2 else STATIONS[1:]
            path = write_day(files, number, seed=seed, stations=stations)
            if seed:  # an hour of a neighbouring day, which may contradict that day's own file
                stray = write_day(folder, (number + 1) % 6, seed=2, stations=stations).read_text().splitlines()[7]
                path.write_text(f"{path.read_text()}{stray}\n")
            if now:
                ingest(national(files), archive, utc_offset=8)
        ingest(national(files), archive, utc_offset=8)
    same(archive, files, 7)
    at_once = folder / "at_once.zarr"
    ingest(national(files), at_once, utc_offset=8)
    xr.testing.assert_identical(held(archive, 7).data, held(at_once, 7).data)


# --- killing it


def interrupted(files: Path, archive: Path, after: int, place: str) -> None:
    """An ingest that dies at the ``after``-th call of one of its steps, without any cleaning up."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pipeline.archive import ingest as i, ledger, store\n"
        "from pipeline.stations import READERS\n"
        f"owner, name = {place}\n"
        "whole, calls = getattr(owner, name), []\n"
        "def dies(*a, **k):\n"
        "    calls.append(1)\n"
        f"    if len(calls) > {after}: os._exit(9)\n"
        "    return whole(*a, **k)\n"
        "setattr(owner, name, dies)\n"
        "i.TOGETHER = 1\n"
        f"options = READERS['national'].Options(reader='national', path={str(files)!r})\n"
        f"i.ingest(options, Path({str(archive)!r}), utc_offset=8)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr


@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("(ledger.Ledger, 'begin')", 1),
        ("(store.Store, '_arrays')", 5),
        ("(store, '_lay')", 4),
        ("(ledger.Ledger, 'enter')", 2),
        ("(ledger.Ledger, '_enter')", 1),
    ],
)
def test_what_a_death_at_any_step_leaves_is_invisible_and_mended(
    files: Path, archive: Path, place: str, after: int
) -> None:
    interrupted(files, archive, after, place)
    with Ledger(archive) as ledger:
        keys = set(ledger.held("national"))
    if keys:
        there = held(archive).data
        of_files = from_files(files).data
        days = pd.DatetimeIndex(there["time"]).normalize().strftime("%Y-%m-%d").isin(sorted(keys))
        assert there.isel(time=~days)["pm25"].isnull().all()
        xr.testing.assert_equal(there.isel(time=days).astype("f4"), of_files.isel(time=days).astype("f4"))
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)


def test_a_death_while_a_day_is_replaced_leaves_no_mixture(files: Path, archive: Path) -> None:
    ingest(national(files), archive, utc_offset=8)
    write_day(files, 1, seed=5)
    interrupted(files, archive, 0, "(ledger.Ledger, 'enter')")
    of_day = held(archive).data.sel(time="2019-12-31")
    assert of_day["pm25"].isnull().all()
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", *arguments]


def write_config(folder: Path, files: Path, archive: Path) -> Path:
    path = folder / f"{archive.stem}.yml"
    keys = {"observations": {"reader": "national", "path": str(files)}, "archive": str(archive)}
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_real_ingest_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    names = tuple(f"{1001 + number}A" for number in range(120))
    for number in range(90):
        write_day(files, number, stations=names)
    whole, broken = tmp_path / "whole.zarr", tmp_path / "broken.zarr"
    started = time.monotonic()
    subprocess.run(command("ingest", str(write_config(tmp_path, files, whole))), check=True, capture_output=True)
    seconds, config = time.monotonic() - started, write_config(tmp_path, files, broken)
    moments, kills = random.Random(4), 0
    for _ in range(6):
        process = subprocess.Popen(command("ingest", str(config)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(moments.uniform(0.3, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
            assert process.wait() == -signal.SIGKILL
    assert kills
    subprocess.run(command("ingest", str(config)), check=True, capture_output=True)
    xr.testing.assert_identical(held(broken, 90).data, held(whole, 90).data)
    ours, theirs = status(broken), status(whole)
    assert ours == theirs
    same(broken, files, 90)


def test_a_second_ingest_at_the_same_time_says_so_in_one_line(files: Path, archive: Path) -> None:
    with locked(archive), pytest.raises(TianbangError, match="another ingest is running") as refused:
        ingest(national(files), archive, utc_offset=8)
    assert "\n" not in str(refused.value)
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)


# --- days and commands


def judged(spans: Spans) -> tuple[xr.Dataset, pd.DataFrame]:
    """What the rules leave of every span, and what was rejected."""
    found = [screened(span.data, pollutant, within=span.within) for span in spans.parts]
    whole = xr.merge([data for data, _ in found], join="outer", compat="no_conflicts")
    table = pd.concat([rows for _, rows in found if len(rows)])
    return whole, table.sort_values(["variable", "station", "start"], ignore_index=True)


def test_an_archive_read_a_year_at_a_time_is_judged_like_its_files_at_once(files: Path, archive: Path) -> None:
    # one value from 20 h to 8 h over the New Year: a run that neither year holds by itself
    for number in (1, 2):
        path = files / f"china_sites_{FIRST + pd.Timedelta(days=number):%Y%m%d}.csv"
        lines = [line.split(",") for line in path.read_text().splitlines()]
        for line in lines[1:]:
            if line[2] == "PM2.5" and (int(line[1]) >= 20 if number == 1 else int(line[1]) <= 8):
                line[3] = "299"
        path.write_text("\n".join(map(",".join, lines)) + "\n")
    ingest(national(files), archive, utc_offset=8)
    spans = read_spans(archive, pollutants=("pm25", "o3"), period=period(4))
    data, rejected = judged(spans)
    at_once, rows = judged(of_observed(from_files(files), period(4)))
    xr.testing.assert_equal(data.astype("f4"), at_once.astype("f4"))
    assert data.get_index("time").equals(full_axis(period(4), "hour"))
    pd.testing.assert_frame_equal(rejected, rows, rtol=1e-6)
    stuck = rejected[(rejected["rule"] == "stuck") & (rejected["variable"] == "pm25")]
    assert stuck["values"].tolist() == [5, 8]


def test_only_a_year_and_its_neighbouring_weeks_are_seen_at_once() -> None:
    whole = datetime.date(2019, 3, 1), datetime.date(2021, 2, 3)
    axes = [(seen[[0, -1]], within[[0, -1]]) for seen, within in years(whole)]
    judged_ends = [f"{end:%Y-%m-%d %H}" for _, within in axes for end in within]
    assert judged_ends == [
        "2019-03-01 01", "2020-01-01 00", "2020-01-01 01", "2021-01-01 00", "2021-01-01 01", "2021-02-04 00",
    ]  # fmt: skip
    assert [f"{end:%Y-%m-%d}" for seen, _ in axes for end in seen] == [
        "2019-03-01", "2020-02-01", "2019-12-01", "2021-02-01", "2020-12-01", "2021-02-04",
    ]  # fmt: skip


def test_the_status_counts_days_gaps_and_stations(files: Path, archive: Path) -> None:
    (files / "china_sites_20191231.csv").unlink()
    config = write_config(files.parent, files, archive)
    result = CliRunner().invoke(app, ["ingest", str(config)])
    assert result.exit_code == 0
    assert "3 files, 3.0 days, 3 stations" in result.stdout
    for path in (config, archive):
        shown = CliRunner().invoke(app, ["archive", "status", str(path), "--json"])
        found = json.loads(shown.stdout)
        assert found["days"] == 3
        assert found["gaps"] == [["2019-12-31 00:00", "2019-12-31 23:00"]]
        assert (found["stations"], found["batches"]) == (3, 3)
        assert (found["first_hour"], found["last_hour"]) == ("2019-12-30 00:00", "2020-01-02 23:00")
    text = CliRunner().invoke(app, ["archive", "status", str(archive)]).stdout
    assert "3.0 days of hours, 2019-12-30 00:00 to 2020-01-02 23:00" in text


def test_files_of_other_names_are_kept_and_told_until_they_are_gone(files: Path, archive: Path, tmp_path: Path) -> None:
    for name in ("notes.txt", "sites.xlsx"):
        (files / name).write_text("not data")
    ingest(national(files), archive, utc_offset=8)
    same(archive, files)
    found = status(archive)
    assert found.other_files == ("notes.txt", "sites.xlsx")
    assert found.rejected["other_files"] == 1
    assert "files of other names, not read: 2, such as notes.txt" in as_text(found)
    write_rejected(archive, tmp_path / "rejected.csv")
    (told,) = pd.read_csv(tmp_path / "rejected.csv").query("rule == 'other_files'").to_dict("records")
    assert told["detail"] == "not read: notes.txt, sites.xlsx"
    (files / "notes.txt").unlink()
    (files / "sites.xlsx").unlink()
    assert ingest(national(files), archive, utc_offset=8).unchanged == 4
    same(archive, files)
    assert status(archive).other_files == ()
    assert "other names" not in as_text(status(archive))


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"archive": "a.zarr"}, "observations"),
        ({"observations": {"reader": "national", "path": "files"}}, "archive"),
        ({"observations": {"reader": "nation", "path": "files"}, "archive": "a.zarr"}, "observations"),
    ],
)
def test_a_config_without_what_an_archive_needs_is_refused(files: Path, keys: dict[str, Any], line: str) -> None:
    config = files.parent / "bad.yml"
    config.write_text(yaml.safe_dump(keys))
    with pytest.raises(ConfigError, match=f"bad.yml: {line}"):
        CliRunner().invoke(app, ["ingest", str(config)], catch_exceptions=False)


def test_a_reader_of_files_made_by_hand_is_not_ingested(files: Path, archive: Path) -> None:
    with pytest.raises(ConfigError, match=r"'prsa' reads no archive of files; agreed one of \['beijing'"):
        ingest(READERS["prsa"].Options(reader="prsa", path=files), archive, utc_offset=8)


def table_rows(stations: tuple[str, ...], hours: int) -> pd.DataFrame:
    time = pd.date_range("2019-12-30 01:00", periods=hours, freq="h")
    grid = pd.DataFrame([(station, at) for station in stations for at in time], columns=["station", "time"])
    return grid.assign(pm25=np.arange(len(grid)) % 97 + 3.0, o3=np.arange(len(grid)) % 89 + 5.0)


def test_tidy_tables_grow_an_archive_and_what_is_wrong_in_them_is_listed(tmp_path: Path, archive: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    options = READERS["table"].Options(reader="table", path=folder, units={"o3": "ppb"})
    table_rows(("A1", "B2"), 96).to_csv(folder / "first.csv", index=False)
    (folder / "bad.csv").write_text("Site;Day\n1;2\n")
    (folder / "notes.xlsx").write_bytes(b"PK")
    told = ingest(options, archive, utc_offset=8)
    assert (told.files, told.rejected, told.others) == (2, {"unknown_layout": 1}, ("notes.xlsx",))
    assert "; 1 files of other names, such as notes.xlsx" in str(told)
    later = table_rows(("C3",), 96).astype({"pm25": object})
    later.loc[5, "pm25"] = "broken"
    later.loc[6, "time"] += pd.Timedelta(minutes=30)
    pd.concat([later, later.tail(1).assign(pm25=1.5)]).to_csv(folder / "later.csv", index=False)
    told = ingest(options, archive, utc_offset=8)
    assert (told.files, told.unchanged) == (1, 2)
    assert told.rejected == {"text_value": 1, "unknown_layout": 1, "repeated_hour": 2}
    (folder / "bad.csv").unlink()
    (folder / "later.csv").unlink()
    read = READERS["table"].read(options, pollutants=("pm25", "o3"), period=period(4), utc_offset=8).data
    there = held(archive).data
    assert list(there["station"].values) == ["A1", "B2", "C3"]
    xr.testing.assert_allclose(there.sel(station=["A1", "B2"]), read, rtol=1e-6)
    pm25 = there["pm25"].sel(station="C3")
    assert int(pm25.isnull().sum()) == 3
    assert ingest(options, archive, utc_offset=8).files == 0


def test_days_are_not_ingested(tmp_path: Path, archive: Path) -> None:
    table_rows(("A1",), 4).to_csv(tmp_path / "days.csv", index=False)
    options = READERS["table"].Options(reader="table", path=tmp_path, resolution="day")
    with pytest.raises(InputError, match="found `resolution: day`; an archive holds hours"):
        ingest(options, archive, utc_offset=8)


def test_files_of_one_name_in_two_folders_are_a_day_that_is_read_once(tmp_path: Path, archive: Path) -> None:
    for name, stations in (("north", STATIONS[:2]), ("south", STATIONS[2:])):
        (tmp_path / "files" / name).mkdir(parents=True)
        write_day(tmp_path / "files" / name, 0, stations=stations)
    assert ingest(national(tmp_path / "files"), archive, utc_offset=8).stations == 3
    assert ingest(national(tmp_path / "files"), archive, utc_offset=8).unchanged == 1


def test_what_is_no_archive_is_refused(tmp_path: Path, files: Path, archive: Path) -> None:
    with pytest.raises(InputError, match="found no archive"):
        held(files)
    ingest(national(files), archive, utc_offset=8)
    shutil.copy(files / "china_sites_20191231.csv", archive / "ledger.sqlite")
    with pytest.raises(InputError, match="not the ledger of an archive"):
        held(archive)


def test_an_archive_is_not_written_among_the_files_of_something_else(files: Path) -> None:
    before = sorted(path.name for path in files.iterdir())
    with pytest.raises(InputError, match="a folder of something else"):
        ingest(national(files), files, utc_offset=8)
    assert sorted(path.name for path in files.iterdir() if path.name != ".lock") == before


def test_a_key_that_is_not_known_is_refused(files: Path, archive: Path) -> None:
    config = write_config(files.parent, files, archive)
    config.write_text(config.read_text(encoding="utf-8") + "utc_ofset: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="utc_ofset: unknown key; known here: name"):
        settings_of(config)


def test_what_was_rejected_can_be_written_without_a_run(files: Path, archive: Path, tmp_path: Path) -> None:
    (files / "china_sites_20200106.csv").write_bytes(b"")
    ingest(national(files), archive, utc_offset=8)
    write_rejected(archive, tmp_path / "rejected.csv")
    listed = pd.read_csv(tmp_path / "rejected.csv")
    assert "empty_file" in set(listed["rule"])
