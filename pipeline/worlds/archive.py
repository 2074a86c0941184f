"""Hourly concentrations that add up to the days' statistics, and the national archive's wide daily files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.hours import HOUR, smoothed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int_]
BoolArray = npt.NDArray[np.bool_]

MISSING = -1


def hourly_from_mean(daily: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Hourly values [ug m-3] whose mean over hours 01 to 24 is each day's value; 24 a day."""
    rush = 0.12 * np.exp(-(((HOUR - 9) / 2.5) ** 2)) + 0.16 * np.cos(2 * np.pi * (HOUR - 23) / 24)
    course = np.exp(smoothed(np.log(daily)) + np.tile(rush, len(daily)) + 0.16 * _wander(24 * len(daily), rng))
    by_day = course.reshape(-1, 24)
    return np.asarray((by_day * (daily / by_day.mean(axis=1))[:, None]).ravel())


def hourly_from_mda8(daily: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Hourly values [ug m-3] whose highest 8-h mean ending at 08 to 24 h is each day's value; 24 a day."""
    day = 0.3 + 0.85 * np.exp(-(((HOUR - 15.5) / 4.2) ** 2))
    course = np.tile(day, len(daily)) * np.exp(0.08 * _wander(24 * len(daily), rng))
    by_day = course.reshape(-1, 24)
    highest = np.lib.stride_tricks.sliding_window_view(by_day, 8, axis=1).mean(axis=2).max(axis=1)
    return np.asarray((by_day * (daily / highest)[:, None]).ravel())


def running_mean(hourly: FloatArray, hours: int) -> FloatArray:
    """Mean of each hour and those before it along the first dimension, ``hours`` of them where there are."""
    return pd.DataFrame(hourly).rolling(hours, min_periods=1).mean().to_numpy()


def holes(count: int, rng: np.random.Generator, *, outages: float = 3.0, hours: float = 40.0) -> BoolArray:
    """Hours a station does not report: single ones (1.5 %) and ``outages`` a year of so many ``hours`` on average."""
    lost: BoolArray = rng.random(count) < 0.015
    number = rng.poisson(outages * count / 8766)
    starts, lengths = rng.integers(0, count, number), rng.geometric(1 / hours, number)
    for start, length in zip(starts, lengths, strict=True):
        lost[start : start + length] = True
    return lost


def whole_numbers(values: FloatArray, lost: BoolArray) -> IntArray:
    """Values as the archive prints them: whole micrograms, at least 1; ``MISSING`` where lost."""
    return np.where(lost, MISSING, np.maximum(np.rint(values), 1)).astype(int)


def write_archive(
    folder: Path,
    values: Mapping[str, IntArray],
    *,
    time: pd.DatetimeIndex,
    stations: Sequence[str],
    absent: BoolArray,
    tenths: Collection[str] = (),
) -> list[Path]:
    """One file ``china_sites_YYYYMMDD.csv`` a calendar day: ``date,hour,type,`` and a column per station.

    ``values`` (time, station) per type, blank where ``MISSING``; those of types in ``tenths`` are tenths of the unit;
    ``time`` labels the hours' end in local time; hours that are ``absent`` have no rows, days without rows no file.
    Returns the paths in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    highest = max(int(array.max()) for array in values.values())
    whole = [str(number) for number in range(highest + 1)] + [""]
    parts = [f"{number / 10:.1f}" for number in range(highest + 1)] + [""]
    header = ",".join(["date", "hour", "type", *stations])
    kinds = {kind: array.tolist() for kind, array in values.items()}
    rows: dict[str, list[str]] = {}
    dates, hours = time.strftime("%Y%m%d").tolist(), time.hour.tolist()
    for position in np.flatnonzero(~absent).tolist():
        date, hour = dates[position], hours[position]
        rows.setdefault(date, [header]).extend(
            f"{date},{hour},{kind},"
            + ",".join([(parts if kind in tenths else whole)[number] for number in array[position]])
            for kind, array in kinds.items()
        )
    return [_write(folder / f"china_sites_{date}.csv", lines) for date, lines in rows.items()]


def _write(final: Path, lines: Sequence[str]) -> Path:
    partial = final.with_suffix(".part")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return partial.replace(final)


def _wander(count: int, rng: np.random.Generator) -> FloatArray:
    """Noise of unit variance that lasts some hours."""
    kernel = np.hanning(9)[1:-1]
    return np.convolve(rng.standard_normal(count), kernel / np.sqrt(np.sum(kernel**2)), mode="same")
