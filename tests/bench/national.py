"""The nation's attribution: cities x 13 years of days x PM2.5 and O3 x ten members, with every table.

``python tests/bench/national.py [--cities 339] [--members 10] [--folder DIR]`` writes a generated national data set
(daily weather and air of the benchmark's climates and physics), runs ``tianbang run`` on it and prints seconds, CPU
seconds, the peak memory of all processes together and the cost of a city. Several counts of cities show the growth.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import yaml

from pipeline.worlds.benchmark_worlds import CLIMATE_NAMES, HEATING
from pipeline.worlds.climates import CLIMATES
from pipeline.worlds.emissions import EMISSION_HISTORIES
from pipeline.worlds.physics import O3_PHYSICS, PM25_PHYSICS, city_physics
from pipeline.worlds.weather import simulate
from pipeline.worlds.world import create

DAYS = pd.date_range("2013-01-01", "2025-12-31", name="day")
REGIONS = 6


def cities(count: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Name, daily weather and daily air of each generated city."""
    histories, particles, ozone = list(EMISSION_HISTORIES.values()), list(PM25_PHYSICS), list(O3_PHYSICS)
    for number in range(count):
        climate = CLIMATE_NAMES[number % len(CLIMATE_NAMES)]
        weather = simulate(CLIMATES[climate], DAYS, seed=number)
        history = histories[number % len(histories)](DAYS, heating=HEATING[climate])
        physics = city_physics(climate, pm25=particles[number % len(particles)], o3=ozone[number // 2 % len(ozone)])
        world = create(f"C{number:03d}", {"city": weather}, {"city": history}, physics, seed=number)
        air = pd.DataFrame({name: world.series("city", name) for name in ("pm25", "o3")})
        yield world.name, weather, air


def write(folder: Path, count: int, members: int) -> Path:
    """The data set as two Parquet tables, a station list and a config; returns the config's path."""
    weather, air, names = [], [], []
    for name, of_weather, of_air in cities(count):
        names.append(name)
        weather.append(of_weather.round(3).rename_axis("time").reset_index().assign(station=name))
        air.append(of_air.round(1).rename_axis("time").reset_index().assign(station=name))
    pd.concat(weather).to_parquet(folder / "weather.parquet")
    pd.concat(air).to_parquet(folder / "air.parquet")
    pd.DataFrame({"station": names, "city": names, "latitude": 35.0, "longitude": 110.0}).to_csv(
        folder / "stations.csv", index=False
    )
    config = {
        "name": f"national-{count}",
        "period": [DAYS[0].date(), DAYS[-1].date()],
        "base_period": ["2020-01-01", "2020-12-31"],
        "observations": {"reader": "table", "path": "air.parquet", "resolution": "day"},
        "weather": {"source": "table", "path": "weather.parquet", "resolution": "day"},
        "stations": "stations.csv",
        "regions": {f"Region {k + 1}": names[k::REGIONS] for k in range(REGIONS)} | {"Nation": names},
        "levels": ["region", "city"],
        "model": {"members": members},
    }
    path = folder / "national.yml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path


class PeakMemory(threading.Thread):
    """Largest sum of the proportional set sizes of a process and its descendants [bytes]."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = psutil.Process(process), 0

    def run(self) -> None:
        """Looks every half second until the process ends."""
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self.peak = max(self.peak, sum(map(_proportional, [self.process, *self.process.children(recursive=True)])))
            time.sleep(0.5)


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def main() -> None:
    """Prints one line for each count of cities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, nargs="+", default=[339])
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    for count in arguments.cities:
        folder = arguments.folder or Path(tempfile.mkdtemp())
        folder = folder / str(count)
        folder.mkdir(parents=True, exist_ok=True)
        config = write(folder, count, arguments.members)
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen([sys.executable, "-m", "pipeline", "run", str(config), "--out", str(folder / "run")])
        watch = PeakMemory(process.pid)
        watch.start()
        if process.wait():
            raise SystemExit(f"the run of {count} cities failed with {process.returncode}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = time.monotonic() - started
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{count} cities: {seconds / 60:.1f} min, {used / 60:.1f} CPU min ({used / count:.1f} CPU s a city), "
            f"peak {watch.peak / 1e9:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
