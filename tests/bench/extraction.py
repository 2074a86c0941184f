"""A year of hourly ERA5 over China to the stations, next to just reading the files.

``python tests/bench/extraction.py [--months 12] [--places 340 1700] [--folder DIR]`` generates monthly files as the CDS
makes them (netCDF 4, zlib 1, its default chunks; one file for what is instantaneous, one for what accumulates; eight
variables on 141 x 241 cells, packed to 16 bits first as in GRIB; months of as many days hold the same values), reads
them block by block and does nothing with the values, then extracts them into a store. Every step, generating too, is
a process of its own, on one thread: the kernel hands the peak memory of a process on to its children, so the one that
measures does nothing else. Prints seconds, CPU seconds and the peak memory of each, and the CPU time in units of that
of reading.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

LATITUDE, LONGITUDE = np.arange(53.5, 18.4, -0.25), np.arange(73.5, 133.6, 0.25)
INSTANT = {
    "t2m": ("K", 285.0, 15.0),
    "d2m": ("K", 275.0, 15.0),
    "u10": ("m s**-1", 0.0, 4.0),
    "v10": ("m s**-1", 0.0, 4.0),
    "sp": ("Pa", 9e4, 3e3),
    "blh": ("m", 700.0, 300.0),
}
ACCUMULATED = {"tp": ("m", 2e-4, 1e-4), "ssrd": ("J m**-2", 8e5, 3e5)}
"""Units, mean and standard deviation."""
EVERY = [*INSTANT, *ACCUMULATED]
MODES = 40
"""Waves of which a field is made, and as many over the hours."""
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLOSC_NTHREADS", "NUMBA_NUM_THREADS"), "1")


def write_files(folder: Path, months: int) -> None:
    """Two files a month from January 2020 on."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    models: dict[tuple[int, str], Path] = {}
    for month in pd.period_range("2020-01", periods=months, freq="M"):
        times = pd.date_range(month.start_time, month.end_time, freq="h", unit="ns")
        for kind, fields in (("instant", INSTANT), ("accum", ACCUMULATED)):
            path = folder / f"{month}_{kind}.nc"
            model = models.setdefault((times.size, kind), path)
            if not path.exists():
                part = path.with_suffix(".part")
                if model == path:
                    _raw(fields, times, random).to_netcdf(part, engine="netcdf4", encoding=_packed(fields))
                else:
                    _moved(model, part, times)
                part.replace(path)


def _moved(model: Path, path: Path, times: pd.DatetimeIndex) -> None:
    """A file of as many hours with other times."""
    import netCDF4

    shutil.copyfile(model, path)
    with netCDF4.Dataset(path, "a") as dataset:
        dataset["valid_time"][:] = times.as_unit("s").asi8


def _raw(
    fields: dict[str, tuple[str, float, float]], times: pd.DatetimeIndex, random: np.random.Generator
) -> xr.Dataset:
    dims = ("valid_time", "latitude", "longitude")
    made = {n: (dims, _field(times.size, *about[1:], random), {"units": about[0]}) for n, about in fields.items()}
    axes = {
        "valid_time": times,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "expver": ("valid_time", np.full(times.size, "0001")),
        "number": ((), np.int64(0)),
    }
    return xr.Dataset(made, axes, {"Conventions": "CF-1.7"})


def _field(hours: int, mean: float, deviation: float, random: np.random.Generator) -> np.ndarray:
    """Waves that come and go, and a little noise, in 65,536 steps."""
    shape = (LATITUDE.size, LONGITUDE.size)
    wave = [
        random.uniform(0.02, 0.6, (MODES, 1, 1)) * np.arange(n).reshape(s)
        for n, s in zip(shape, [(-1, 1), (1, -1)], strict=True)
    ]
    phase = random.uniform(0, 2 * np.pi, (2, MODES, 1))
    maps = np.sin(wave[0] + wave[1] + phase[0][:, None]).reshape(MODES, -1).astype("f4")
    amplitude = np.sin(2 * np.pi * np.arange(hours) / random.uniform(12, 240, (MODES, 1)) + phase[1]).astype("f4")
    values = amplitude.T @ maps * np.float32(2 * deviation / np.sqrt(MODES)) + np.float32(mean)
    values += np.float32(deviation / 50) * random.standard_normal(values.shape, dtype="f4")
    low = values.min()
    step = (values.max() - low) / 65535
    return (np.rint((values - low) / step) * step + low).reshape(hours, *shape)


def _packed(fields: dict[str, tuple[str, float, float]]) -> dict[str, dict[str, object]]:
    packed: dict[str, dict[str, object]] = {n: {"zlib": True, "complevel": 1, "shuffle": True} for n in fields}
    return packed | {"valid_time": {"units": "seconds since 1970-01-01", "dtype": "int64"}}


def points(count: int) -> pd.DataFrame:
    """Places all over the box, and no nearer to its edge than nine cells need."""
    random = np.random.default_rng(count)
    inside = {"latitude": random.uniform(20, 52, count), "longitude": random.uniform(75, 132, count)}
    return pd.DataFrame(inside, index=[f"{1001 + n}A" for n in range(count)])


def read(files: list[Path]) -> None:
    """Every value of every file, a row of chunks at a time, each chunk unpacked once."""
    import netCDF4

    for path in files:
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            for name in EVERY:
                if name in dataset.variables:
                    field = dataset[name]
                    block = field.chunking()[0]
                    for start in range(0, field.shape[0], block):
                        field[start : start + block]


def extract(files: list[Path], store: Path, count: int, neighbourhood: bool) -> None:
    """The same files into a store."""
    from era5_fetch.places import Points
    from era5_fetch.store import PlaceStore

    around = [f"{n}_{s}_5x5" for n in ("t2m", "u10", "v10", "sp") for s in ("mean", "gradient_east", "gradient_north")]
    PlaceStore(store).update(files, [*EVERY, *(around if neighbourhood else [])], Points(points(count)))


def measured(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory [MB] of this file run with some arguments."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, __file__, *arguments], env=os.environ | ALONE)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def report(folder: Path, months: int, counts: list[int]) -> None:
    """Generates, reads and extracts in turn, and prints what it cost."""
    measured(["--only", "write", "--folder", str(folder), "--months", str(months)])
    files = list((folder / "files").glob("*.nc"))
    told = f"{len(files)} files, {sum(f.stat().st_size for f in files) / 1e9:.2f} GB"
    print(f"{told}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    of_reading = _told("reading", measured(["--only", "read", "--folder", str(folder)]), None)
    for count in counts:
        for around in ([], ["--neighbourhood"]):
            store = folder / f"{count}.zarr"
            shutil.rmtree(store, ignore_errors=True)
            figures = measured(["--only", "extract", "--folder", str(folder), "--places", str(count), *around])
            size = sum(f.stat().st_size for f in store.rglob("*") if f.is_file()) / 1e6
            name = f"{count} places{', with 12 fields of 5 x 5 cells' if around else ''}, {size:.0f} MB"
            _told(name, figures, of_reading)


def _told(name: str, figures: tuple[float, float, float], of_reading: float | None) -> float:
    seconds, processor, peak = figures
    ratio = f", {processor / of_reading:.2f} x reading" if of_reading else ""
    print(f"{name}: {seconds:.1f} s, {processor:.1f} CPU s{ratio}, peak {peak:.0f} MB", flush=True)
    return processor


def main() -> None:
    """All measurements, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--places", type=int, nargs="+", default=[340, 1700])
    parser.add_argument("--neighbourhood", action="store_true", help="with --only extract: means and gradients too")
    parser.add_argument("--only", choices=["write", "read", "extract"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    if arguments.only is None:
        report(folder, arguments.months, arguments.places)
        return
    if arguments.only == "write":
        write_files(folder / "files", arguments.months)
    files = sorted((folder / "files").glob("*.nc"))
    if arguments.only == "read":
        read(files)
    elif arguments.only == "extract":
        count = arguments.places[0]
        extract(files, folder / f"{count}.zarr", count, arguments.neighbourhood)


if __name__ == "__main__":
    main()
