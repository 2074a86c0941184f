"""A year of the nation's files into an archive, and the days of thirteen years out of one.

``python tests/bench/ingest.py [--stations 1700] [--days 365] [--years 13] [--folder DIR]`` writes wide daily files of
the national archive's shape (24 hours x 15 types, 1.7 MB each), runs ``tianbang ingest`` on them, then generates an
archive of many years and screens and assesses its days year by year. Prints seconds, CPU seconds and the peak memory
of all processes together.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from national import PeakMemory

from pipeline.archive.ingest import POLLUTANTS
from pipeline.archive.ledger import Entry, Ledger, locked
from pipeline.archive.store import Store, Written
from pipeline.config import Config
from pipeline.contracts import agreed_units, nothing_rejected
from pipeline.observed_days import observed_days, spans_of
from pipeline.stations import READERS

TYPES = "AQI PM2.5 PM2.5_24h PM10 PM10_24h SO2 SO2_24h NO2 NO2_24h O3 O3_24h O3_8h O3_8h_24h CO CO_24h".split()
MISSING = 0.15
"""Share of blanks, as in the real files of 2020."""
FIRST = datetime.date(2013, 1, 1)


def write_files(folder: Path, stations: int, days: int) -> None:
    """Daily files; their values are four templates in turn."""
    header = ",".join(["date,hour,type", *(f"{1001 + number}A" for number in range(stations))])
    random = np.random.default_rng(1)
    templates = [[_rows(kind, stations, random) for kind in TYPES] for _ in range(4)]
    for number, day in enumerate(pd.date_range("2021-01-01", periods=days)):
        date, rows = day.strftime("%Y%m%d"), templates[number % 4]
        lines = [f"{date},{hour},{kind},{rows[k][hour]}" for hour in range(24) for k, kind in enumerate(TYPES)]
        (folder / f"china_sites_{date}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def _rows(kind: str, stations: int, random: np.random.Generator) -> list[str]:
    values = np.maximum(random.gamma(3, 20, (24, stations)), 1)
    texts = np.char.mod("%.1f", values / 60) if kind.startswith("CO") else np.char.mod("%d", values)
    return [",".join(row) for row in np.where(random.random(values.shape) < MISSING, "", texts)]


def write_archive(folder: Path, stations: int, years: int) -> None:
    """An archive of random values, a batch a month."""
    random = np.random.default_rng(2)
    with locked(folder), Ledger(folder, write=True) as ledger:
        store = Store(folder, write=True)
        places = ledger.place([f"{1001 + number}A" for number in range(stations)])
        positions = np.fromiter(places.values(), dtype=np.int64)
        ledger.declare({name: agreed_units(name) for name in POLLUTANTS})
        for month in pd.period_range(FIRST, periods=12 * years, freq="M"):
            labels = pd.date_range(month.start_time, month.end_time, freq="h", unit="ns")
            (number,) = ledger.begin("national", [str(month)])
            shape = (len(labels), stations)
            values = {name: np.rint(random.gamma(3, 20, shape)).astype(np.float32) for name in POLLUTANTS}
            values["co"] = np.round(values["co"] / 60, 1).astype(np.float32)
            values["pm10"] = np.rint(1.6 * values["pm25"] + 5)
            for array in values.values():
                array[random.random(shape, np.float32) < MISSING] = np.nan
            claims = store.write([Written(number, labels, positions, values)], ledger)
            ledger.enter([Entry(number, "", (), labels, positions, nothing_rejected())], claims)


def days_of(folder: Path, years: int) -> None:
    """The days of all years, screened and assessed as a run does it."""
    config = Config.model_construct(
        observations=READERS["archive"].Options(reader="archive", path=folder),
        period=(FIRST, datetime.date(FIRST.year + years - 1, 12, 31)),
        pollutants=POLLUTANTS,
    )
    spans = spans_of(config)
    cities = {f"city {first}": spans.stations[first : first + 5] for first in range(0, len(spans.stations), 5)}
    found = observed_days(spans, config, cities)
    print(dict(found.days.sizes), f"valid: {float(found.days['o3'].notnull().mean()):.3f}", flush=True)
    print(found.quality[["rule", "variable", "values", "share"]].to_string(index=False), flush=True)


def told(name: str, process: int, wait: object) -> None:
    """Waits for a child and prints what it cost."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    watch = PeakMemory(process)
    watch.start()
    if wait():  # type: ignore[operator]
        raise SystemExit(f"{name} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{name}: {time.monotonic() - started:.0f} s, {used:.0f} CPU s, peak {watch.peak / 1e9:.2f} GB, "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        flush=True,
    )


def main() -> None:
    """Both measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=1700)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--years", type=int, default=13)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    files = folder / "files"
    if arguments.days:
        files.mkdir(parents=True)
        write_files(files, arguments.stations, arguments.days)
        config = {"observations": {"reader": "national", "path": "files"}, "archive": "year.zarr"}
        (folder / "ingest.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        command = [sys.executable, "-m", "pipeline", "ingest", str(folder / "ingest.yml")]
        for name in ("ingest of a year", "the same again"):
            process = subprocess.Popen(command)
            told(name, process.pid, process.wait)
    if arguments.years:
        write_archive(folder / "years.zarr", arguments.stations, arguments.years)
        child = multiprocessing.get_context("spawn").Process(
            target=days_of, args=(folder / "years.zarr", arguments.years)
        )
        child.start()
        told(f"days of {arguments.years} years", int(child.pid or 0), lambda: child.join() or child.exitcode)


if __name__ == "__main__":
    main()
