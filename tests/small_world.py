"""A small world of tables for tests of whole runs: three stations in two cities, 2.2 years of days, weather that acts.

Beside ozone there is `benzene`, which is in no vocabulary, and among the weather `fog`, which is in none either.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import yaml

from pipeline.command_line import main

DAYS = pd.date_range("2021-01-01", "2023-03-15", name="time")
"""Two whole years without a leap day, and a part of a third."""
STATIONS = pd.DataFrame(
    {
        "station": ["E1", "E2", "W1"],
        "name": ["East one", "东二", "West one"],
        "city": ["Eastham", "Eastham", "Westham"],
        "latitude": [30.1, 30.2, 31.0],
        "longitude": [114.3, 114.4, 115.2],
    }
)
CONFIG: dict[str, Any] = {
    "name": "small",
    "period": ["2021-01-01", "2023-03-15"],
    "base_period": ["2021-01-01", "2021-12-31"],
    "pollutants": ["o3"],
    "observations": {"reader": "table", "path": "observations.csv", "resolution": "day"},
    "weather": {"source": "table", "path": "weather.csv", "resolution": "day"},
    "stations": "stations.csv",
    "regions": {"Plain": ["Eastham", "Westham"]},
    "languages": ["en"],
    "model": {"members": 4},
}


def weather(seed: int = 0) -> pd.DataFrame:
    """Daily weather of every station: persistent, seasonal, shared by all but for a little noise."""
    rng = np.random.default_rng(seed)
    season = np.cos(2 * np.pi * (DAYS.day_of_year - 200) / 365.25)
    shared = {name: _persistent(rng) for name in ("t2m", "u10", "v10", "blh", "tp", "fog")}
    frames = []
    for station in STATIONS["station"]:
        own = {name: values + 0.2 * _persistent(rng) for name, values in shared.items()}
        frames.append(
            pd.DataFrame(
                {
                    "station": station,
                    "time": DAYS,
                    "t2m": 288 + 10 * season + 3 * own["t2m"],
                    "rh": np.clip(60 + 12 * own["tp"], 5, 100),
                    "u10": 2 * own["u10"],
                    "v10": 2 * own["v10"],
                    "blh": 700 * np.exp(0.4 * own["blh"]),
                    "tp": np.clip(4 * own["tp"] - 3, 0, None),
                    "fog": own["fog"],
                }
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    numbers = frame.select_dtypes("number").columns
    return frame.assign(**frame[numbers].round(4))


def _persistent(rng: np.random.Generator) -> np.ndarray:
    values = rng.standard_normal(len(DAYS))
    for i in range(1, len(values)):
        values[i] = 0.6 * values[i - 1] + 0.8 * values[i]
    return values


def observations(of: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Daily observations under the weather ``of``: both pollutants fall by a tenth a year, with noise and holes."""
    rng = np.random.default_rng(seed)
    years = (of["time"] - DAYS[0]).dt.days.to_numpy() / 365.25
    noise = 0.1 * rng.standard_normal((2, len(of)))
    warm = (of["t2m"].to_numpy() - 288) / 10
    mixing = np.log(of["blh"].to_numpy() / 700)
    frame = of[["station", "time"]].assign(
        o3=90 * np.exp(-0.1 * years + 0.35 * warm + noise[0]),
        benzene=3 * np.exp(-0.1 * years - 0.5 * mixing - 0.2 * warm + 0.1 * of["fog"].to_numpy() + noise[1]),
    )
    holes = rng.random((len(frame), 2)) < 0.02
    frame[["o3", "benzene"]] = frame[["o3", "benzene"]].round(3).mask(holes)
    return frame


def write(folder: Path, config: Mapping[str, Any] | None = None) -> Path:
    """Writes the world's files and its config, over which ``config`` is laid; returns the path of the config."""
    folder.mkdir(parents=True, exist_ok=True)
    of_stations = weather()
    of_stations.to_csv(folder / "weather.csv", index=False)
    observations(of_stations).to_csv(folder / "observations.csv", index=False)
    STATIONS.to_csv(folder / "stations.csv", index=False)
    return write_config(folder, config or {})


def write_config(folder: Path, changes: Mapping[str, Any], name: str = "config.yml") -> Path:
    """The world's config with top-level keys changed; a key that is None is left out."""
    content = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    path = folder / name
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


def tianbang(*arguments: str | Path) -> Outcome:
    """The command in this process, where warnings are errors; whatever is not an agreed error is raised."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with (
        mock.patch.object(sys, "argv", ["tianbang", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    return Outcome(int(code), out.getvalue(), err.getvalue())


def own_process(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """The command in a process of its own, begun in ``cwd``; it leads a group, so that it can be killed whole."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time of change and bytes of every file under ``folder``."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
