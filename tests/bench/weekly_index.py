"""The weekly update of a nation: kept models of 339 cities x PM2.5 and O3, and nine months of new daily weather.

``python tests/bench/weekly_index.py [--cities 339] [--fitted 4] [--members 20] [--folder DIR]`` fits a few cities of
the national bench on twelve years, copies their models and days under the names of the others, and runs ``tianbang
index`` for a week nine months after the record. Every copy is read, extended and played anew as a city of its own would
be: time and memory are those of so many models. Prints seconds, CPU seconds and the peak memory of all processes.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import xarray as xr
import yaml
from national import PeakMemory, cities

from pipeline.config import load
from pipeline.stages import daily_stage, keys, readings_stage
from pipeline.store import Run, written_whole

RECORD = ("2013-01-01", "2024-12-31")
WEEK = "2025-W40"
REGIONS = 6


def tables(folder: Path, data: list[tuple[str, pd.DataFrame, pd.DataFrame]]) -> None:
    """Weather, air and station list of cities by name."""
    for k, name in ((1, "weather"), (2, "air")):
        frames = [entry[k].round(3).rename_axis("time").reset_index().assign(station=entry[0]) for entry in data]
        pd.concat(frames).to_parquet(folder / f"{name}.parquet")
    names = [entry[0] for entry in data]
    stations = pd.DataFrame({"station": names, "city": names, "latitude": 35.0, "longitude": 110.0})
    stations.to_csv(folder / "stations.csv", index=False)


def config(folder: Path, names: list[str], members: int) -> Path:
    """The config of the cities, beside their tables."""
    content = {
        "name": "weekly",
        "period": list(RECORD),
        "base_period": ["2020-01-01", "2020-12-31"],
        "observations": {"reader": "table", "path": "air.parquet", "resolution": "day"},
        "weather": {"source": "table", "path": "weather.parquet", "resolution": "day"},
        "stations": "stations.csv",
        "regions": {f"Region {k + 1}": names[k::REGIONS] for k in range(min(REGIONS, len(names)))},
        "levels": ["city", "region"],
        "model": {"members": members, "methods": []},
    }
    path = folder / "weekly.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def copied(run: Run, few: Run, names: list[str], originals: list[str]) -> None:
    """The run folder of all ``names``, each with the days and models of one of the ``originals`` in turn."""
    origin = {name: originals[i % len(originals)] for i, name in enumerate(names)}
    for artefact in ("daily/weather.nc", "daily/observations.nc"):
        with xr.open_dataset(few.path(artefact)) as data, written_whole(run.path(artefact)) as partial:
            data.sel(station=list(origin.values())).assign_coords(station=names).drop_encoding().to_netcdf(partial)
    places = json.loads(few.path("daily/places.json").read_text(encoding="utf-8"))
    stations = {name: {**places["stations"][own], "city": name} for name, own in origin.items()}
    regions = {f"Region {k + 1}": names[k::REGIONS] for k in range(REGIONS)}
    content = json.dumps({"stations": stations, "regions": regions})
    run.path("daily/places.json").write_text(content, encoding="utf-8")
    for name, own in origin.items():
        for pollutant in ("pm25", "o3"):
            path = f"models/city-{name}-{pollutant}.npz"
            run.path(path).parent.mkdir(exist_ok=True)
            shutil.copyfile(few.path(f"models/city-{own}-{pollutant}.npz"), run.path(path))
            run.record(path, "copied", {})


def prepared(folder: Path, count: int, fitted: int, members: int) -> Path:
    """Fits a few cities, spreads them over all, and returns the config of all, beside the folder ``run``."""
    few, whole = folder / "few", folder / "all"
    for path in (few, whole):
        path.mkdir(parents=True, exist_ok=True)
    data = list(cities(fitted))
    originals = [name for name, _, _ in data]
    tables(few, data)
    loaded = load(config(few, originals, members))
    run, key = Run(few / "run"), keys(loaded)
    daily_stage(loaded, run, key)
    readings_stage(loaded, run, key, None)
    names = [f"N{number:03d}" for number in range(count)]
    tables(whole, [(name, *data[i % fitted][1:]) for i, name in enumerate(names)])
    copied(Run(whole / "run"), run, names, originals)
    return config(whole, names, members)


def main() -> None:
    """Prints one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=339)
    parser.add_argument("--fitted", type=int, default=4)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    path = folder / "all" / "weekly.yml"
    if not path.exists():
        prepared(folder, arguments.cities, arguments.fitted, arguments.members)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pipeline", "index", str(path), "--week", WEEK, "--out", str(path.parent / "run")]
    process = subprocess.Popen([*command, "--format", "csv"], stdout=subprocess.DEVNULL)
    watch = PeakMemory(process.pid)
    watch.start()
    if process.wait():
        raise SystemExit(f"the index failed with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = time.monotonic() - started
    print(
        f"{arguments.cities} cities x 2 pollutants x {arguments.members} members: {seconds:.0f} s, {used:.0f} CPU s, "
        f"peak {watch.peak / 1e9:.2f} GB",
        flush=True,
    )


if __name__ == "__main__":
    main()
