"""The command ``era5-fetch``. Heavy libraries are imported inside the commands: help is at hand at once."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from era5_fetch.errors import (
    Era5Error,
    FileError,
    GridError,
    PeriodError,
    RequestError,
    SourceError,
    VariableError,
    WaitError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr

    from era5_fetch.cache import Cache
    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.request import Request
    from era5_fetch.sources import Settings
    from era5_fetch.sources.cds import Cds

app = typer.Typer(
    name="era5-fetch",
    help="ERA5 for a schedule to rely on: planned, fetched once, checked, kept.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

blh = typer.Typer(
    name="blh",
    help="Boundary-layer height where there is none, as in open forecasts: an emulator trained on ERA5.",
    no_args_is_help=True,
)
app.add_typer(blh)

INTERRUPTED, USAGE = 130, 2
NOT_YET = 7
"""The time to wait is over, the weather is not there yet: the same command later goes on."""

Variables = Annotated[str, typer.Argument(help="Names with commas between, ours or the CDS's: t2m,blh,t850.")]
When = Annotated[str, typer.Argument(help="UTC: 2017, 2017-01, or first/last: 2017-01-01/2017-03-31.")]
AreaOption = Annotated[str, typer.Option("--area", help="North,west,south,east in degrees, such as 41,115,39,118.")]
PointsOption = Annotated[
    Path | None, typer.Option("--points", help="CSV: a name, then columns latitude and longitude.")
]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder of what is fetched; see `status`.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of the CDS, if it is another.")]
FormatOption = Annotated[str, typer.Option("--format", help="netcdf or grib, which has higher limits.")]
WaitOption = Annotated[
    str, typer.Option("--wait", help="How long to wait for the CDS's queue, such as 90min or 2h; nothing is for ever.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
CostOption = Annotated[bool, typer.Option("--cost", help="Ask the server what each request costs.")]


def _version(asked: bool) -> None:
    from importlib.metadata import version

    if asked:
        typer.echo(f"era5-fetch {version('tianbang')}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """ERA5 for a schedule to rely on: planned, fetched once, checked, kept."""


@app.command("plan")
def plan_command(
    variables: Variables,
    period: When,
    area: AreaOption = "",
    points: PointsOption = None,
    cache: CacheOption = None,
    url: UrlOption = None,
    data_format: FormatOption = "netcdf",
    everything: Annotated[bool, typer.Option("--all", help="What is held already too.")] = False,
    cost: CostOption = False,
    as_json: JsonOption = False,
) -> None:
    """What would be asked for; without --cost nothing is sent."""
    source = _source(cache, url, data_format)
    requests = _requests(source, variables, period, area, points)
    _print_plan(source, requests if everything else source.left(requests)[0], cost=cost, as_json=as_json)


@app.command()
def get(
    variables: Variables,
    period: When,
    area: AreaOption = "",
    points: PointsOption = None,
    cache: CacheOption = None,
    url: UrlOption = None,
    data_format: FormatOption = "netcdf",
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch preliminary hours again that are final now.")
    ] = False,
    wait: WaitOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    cost: CostOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch what is missing; prints the files that hold it. A run that was stopped goes on where it was."""
    source = _source(cache, url, data_format, refresh=refresh, wait=_wait(wait))
    requests = _requests(source, variables, period, area, points)
    if dry_run:
        _print_plan(source, source.left(requests)[0], cost=cost, as_json=as_json)
        return
    fetched = source.fetch(requests)
    if as_json:
        import json

        pending = [hour.isoformat() for hour in fetched.pending]
        typer.echo(json.dumps({"files": [str(path) for path in fetched.files], "pending": pending}, indent=2))
    else:
        for path in fetched.files:
            typer.echo(path)


@app.command()
def extract(
    variables: Variables,
    period: When,
    out: Annotated[Path, typer.Option("--out", help="FILE.nc to write, or STORE.zarr to add to.")],
    source: Annotated[str, typer.Option("--source", help="cds, or a folder, a file, a glob.")] = "cds",
    area: AreaOption = "",
    points: PointsOption = None,
    method: Annotated[str, typer.Option("--method", help="bilinear or nearest.")] = "bilinear",
    cache: CacheOption = None,
    url: UrlOption = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="As in `get`.")] = False,
    wait: WaitOption = "",
    extend: Annotated[
        bool, typer.Option("--extend", help="Compute points new to STORE.zarr from all its files.")
    ] = False,
) -> None:
    """Write one canonical netCDF file, on the grid or at points, or add to a store of points, file by file.

    What is missing is fetched first: the box around the points, or with --area that area. A store takes each file once.
    """
    from era5_fetch.grid import require_method
    from era5_fetch.progress import for_terminal
    from era5_fetch.sources import Settings, source_of

    _require_folder(out)
    agreed = require_method(method)
    settings = Settings(cache, url=url, refresh=refresh, teller=for_terminal(), wait=_wait(wait))
    places = _points(points)
    if out.suffix == ".zarr":
        if places is None:
            raise GridError(f"{out}: a store holds points: give them (--points), or write FILE.nc")
        _fill(out, source, settings, _names(variables), _period(period), _area(area), places, agreed, extend=extend)
        typer.echo(out)
        return
    found = source_of(source, settings).open(
        _names(variables), _period(period), area=_area(area), points=places, method=agreed
    )
    _write(found, out)


def _fill(
    out: Path,
    source: str,
    settings: Settings,
    names: Sequence[str],
    period: Period,
    area: Sequence[float] | None,
    points: pd.DataFrame,
    method: Method,
    *,
    extend: bool,
) -> None:
    from era5_fetch.places import Points
    from era5_fetch.store import PlaceStore

    files = _files(source, settings, names, period, area, points)
    PlaceStore(out).update(files, names, Points(points, method), period=period, extend=extend)


def _files(
    source: str,
    settings: Settings,
    names: Sequence[str],
    period: Period,
    area: Sequence[float] | None,
    points: pd.DataFrame,
) -> Sequence[Path]:
    """The files of a source; of the CDS those fetched for an area, or else for points."""
    from era5_fetch.sources import SOURCES
    from era5_fetch.sources.cds import Cds
    from era5_fetch.sources.folder import files_of

    if source != "cds":
        if source in SOURCES:
            raise SourceError(f"source {source!r} has no files, a store is filled from them: agreed cds or a folder")
        return files_of(source)
    cds = Cds(settings)
    files = cds.fetch(cds.plan(names, period, area=area, points=None if area else points)).files
    if not files:
        raise PeriodError(f"{period}: not published yet: ask again later")
    return files


@app.command()
def forecast(
    variables: Variables,
    out: Annotated[Path, typer.Option("--out", help="FILE.nc to write.")],
    period: Annotated[str, typer.Argument(help="UTC; nothing is all of the run.")] = "",
    model: Annotated[str, typer.Option("--model", help="ifs or aifs-single.")] = "ifs",
    run: Annotated[str, typer.Option("--run", help="Start of the run, such as 2026-11-24T00; else the latest.")] = "",
    hourly: Annotated[bool, typer.Option("--hourly", help="Every hour instead of the model's steps.")] = False,
    emulator: Annotated[Path | None, typer.Option("--emulator", help="From `blh train`; fills blh.")] = None,
    area: AreaOption = "",
    points: PointsOption = None,
    cache: CacheOption = None,
    url: UrlOption = None,
) -> None:
    """Write ECMWF's open forecast, ten days ahead or more, as one canonical netCDF file. No key is needed."""
    from era5_fetch.progress import for_terminal
    from era5_fetch.sources import Settings
    from era5_fetch.sources.opendata import STEPS, OpenData

    _require_folder(out)
    agreed = next((name for name in STEPS if name == model), None)
    if agreed is None:
        raise SourceError(f"model {model!r}, agreed {' or '.join(STEPS)}")
    source = OpenData(
        Settings(cache, url=url, teller=for_terminal()),
        model=agreed,
        run=_moment(run) if run else None,
        hourly=hourly,
        emulator=emulator,
    )
    found = source.open(
        _names(variables), _period(period) if period else None, area=_area(area), points=_points(points)
    )
    _write(found, out)


@blh.command()
def train(
    period: When,
    out: Annotated[Path, typer.Option("--out", help="EMULATOR.json to write.")],
    source: Annotated[str, typer.Option("--source", help="cds, arco ..., or a folder, a file, a glob.")] = "cds",
    area: AreaOption = "",
    points: PointsOption = None,
    held_out: Annotated[str, typer.Option("--held-out", help="month, or week where the record is short.")] = "month",
    levels: Annotated[bool, typer.Option("--levels", help="Learn from 925 and 850 hPa too.")] = False,
    cache: CacheOption = None,
    url: UrlOption = None,
) -> None:
    """Train an emulator on ERA5 and print its skill on months it was not fitted to."""
    from era5_fetch.emulator import LEVELS, NEEDED, TARGET
    from era5_fetch.emulator import train as trained
    from era5_fetch.progress import for_terminal
    from era5_fetch.sources import Settings, source_of

    _require_folder(out)
    if held_out not in ("month", "week"):
        raise PeriodError(f"held out {held_out!r}, agreed 'month' or 'week'")
    settings = Settings(cache, url=url, teller=for_terminal())
    names = (*NEEDED, TARGET, *(LEVELS if levels else ()))
    found = source_of(source, settings).open(names, _period(period), area=_area(area), points=_points(points))
    made = trained(found, held_out="week" if held_out == "week" else "month")
    made.save(out)
    typer.echo(made.skill)


@blh.command()
def skill(emulator: Annotated[Path, typer.Argument(help="EMULATOR.json, from `blh train`.")]) -> None:
    """Print the skill of an emulator, what it was trained on, and what it needs."""
    from era5_fetch.emulator import load

    found = load(emulator)
    typer.echo(f"{found.skill}\ntrained on {found.trained_on}, from {', '.join(found.predictors)}")


@blh.command("apply")
def apply_command(
    emulator: Annotated[Path, typer.Argument(help="EMULATOR.json, from `blh train`.")],
    weather: Annotated[Path, typer.Argument(help="A file of hourly weather, or one written by `forecast`.")],
    out: Annotated[Path, typer.Option("--out", help="FILE.nc to write.")],
) -> None:
    """Write weather with its boundary-layer height emulated, and marked so."""
    from era5_fetch.emulator import TARGET, load, weather_of

    _require_folder(out)
    found = weather_of(weather)
    if TARGET in found:
        raise VariableError(f"{weather}: holds {TARGET} already, agreed weather without it: nothing to emulate")
    _write(load(emulator).filled(found), out)


def _write(found: xr.Dataset, out: Path) -> None:
    """A netCDF file, beside, forced onto the disk and renamed; of two processes the later one's stays."""
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        found.to_netcdf(part, engine="netcdf4")
        with part.open("rb") as whole:
            os.fsync(whole.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    typer.echo(out)


def _require_folder(out: Path) -> None:
    """Before anything is fetched, that there is a folder for what is to be written."""
    if not out.parent.is_dir():
        raise FileError(f"{out}: there is no folder {out.parent}: make it, or name another")


def _moment(text: str) -> pd.Timestamp:
    import pandas as pd

    found = pd.to_datetime(text, errors="coerce")
    if pd.isna(found):
        raise PeriodError(f"run {text!r}, agreed its start in UTC, such as 2026-11-24T00")
    return pd.Timestamp(found)


@app.command()
def check(cache: CacheOption = None) -> None:
    """Read every file of the cache again and tell which are not as they came."""
    damaged = _journaled(cache).damaged()
    for entry, fault in damaged:
        typer.echo(f"{entry.path}: {fault}")
    if damaged:
        raise FileError(f"{len(damaged)} files are damaged: delete them and run `era5-fetch get` again")
    typer.echo("every file is as it came")


@app.command()
def status(cache: CacheOption = None, as_json: JsonOption = False) -> None:
    """What the journal of the cache says."""
    held = _journaled(cache)
    entries = held.journal.entries()
    if as_json:
        import dataclasses
        import json

        told = [{k: v for k, v in dataclasses.asdict(e).items() if k != "request"} for e in entries]
        typer.echo(json.dumps(told, indent=2, default=str))
        return
    typer.echo(held.folder)
    for entry in entries:
        size = "" if entry.bytes is None else f"{entry.bytes / 1e6:.1f} MB"
        late = "" if entry.preliminary_until is None else f"preliminary until {entry.preliminary_until:%Y-%m-%d %H:%M}"
        parts = (entry.state, entry.request.label, size, late, entry.note)
        typer.echo("  ".join(part for part in parts if part))


def _journaled(folder: Path | None) -> Cache:
    """A cache that is there."""
    found = _source(folder, None, "netcdf").cache
    if not found.journal.path.is_file():
        raise FileError(f"{found.folder}: no cache, agreed the folder that `era5-fetch get` has filled: name it")
    return found


def _source(
    cache: Path | None,
    url: str | None,
    data_format: str,
    *,
    refresh: bool = False,
    wait: pd.Timedelta | None = None,
) -> Cds:
    from era5_fetch.progress import for_terminal
    from era5_fetch.sources import Settings
    from era5_fetch.sources.cds import Cds

    if data_format not in ("netcdf", "grib"):
        raise RequestError(f"format {data_format!r}, agreed 'netcdf' or 'grib'")
    chosen = Settings(
        cache,
        url=url,
        refresh=refresh,
        data_format="grib" if data_format == "grib" else "netcdf",
        teller=for_terminal(),
        wait=wait,
    )
    return Cds(chosen)


def _wait(text: str) -> pd.Timedelta | None:
    import pandas as pd

    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(min|h)", text.strip())
    if match is None:
        raise PeriodError(f"wait {text!r}, agreed a time with its unit, such as 90min or 2h")
    return pd.Timedelta(minutes=float(match[1]) * (60 if match[2] == "h" else 1))


def _requests(source: Cds, variables: str, period: str, area: str, points: Path | None) -> list[Request]:
    return source.plan(_names(variables), _period(period), area=_area(area), points=_points(points))


def _names(variables: str) -> list[str]:
    names = [name.strip() for name in variables.split(",") if name.strip()]
    if not names:
        raise VariableError(f"no variable in {variables!r}, agreed names with commas between, such as t2m,blh,t850")
    return names


def _period(text: str) -> Period:
    first, slash, last = text.partition("/")
    return (first, last) if slash else first


def _area(text: str) -> Sequence[float] | None:
    if not text:
        return None
    try:
        return [float(side) for side in text.split(",")]
    except ValueError:
        raise GridError(f"area {text!r}, agreed north,west,south,east in degrees") from None


_DEGREES = {"latitude": "latitude", "lat": "latitude", "longitude": "longitude", "lon": "longitude", "lng": "longitude"}
"""Columns of points, by the names that tables give them."""


def _points(path: Path | None) -> pd.DataFrame | None:
    import pandas as pd

    if path is None:
        return None
    try:
        found = pd.read_csv(path, index_col=0)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file, agreed a CSV of name, latitude, longitude") from None
    except (OSError, ValueError) as error:
        raise FileError(
            f"{path}: cannot be read as CSV ({type(error).__name__}), agreed a name, latitude, longitude"
        ) from None
    if found.columns.empty:
        raise FileError(f"{path}: one column, agreed name,latitude,longitude: is it separated by ';'? use commas")
    return found.rename(columns=lambda name: _DEGREES.get(str(name).strip().lower(), name))


def _print_plan(source: Cds, requests: Sequence[Request], *, cost: bool, as_json: bool) -> None:
    from era5_fetch.plan import table, to_json

    costs = source.costs(requests) if cost else None
    typer.echo((to_json if as_json else table)(requests, costs))


def main() -> None:
    """Runs the command; whatever is refused is one line on standard error and a non-zero exit."""
    try:
        code = app(standalone_mode=False, prog_name="era5-fetch")
    except Era5Error as error:
        typer.echo(f"era5-fetch: {error}", err=True)
        sys.exit(NOT_YET if isinstance(error, WaitError) else 1)
    except OSError as error:  # a full disk, a folder that may not be written
        typer.echo(f"era5-fetch: {error.filename or 'the cache'}: {error.strerror or error}", err=True)
        sys.exit(1)
    except Exception as error:
        # typer's own errors of usage: their class has moved between its versions, their method has not
        if not hasattr(error, "format_message"):
            raise
        typer.echo(_usage(error), err=True)
        sys.exit(USAGE)
    # typer turns Ctrl-C into this exit code before anyone else sees it
    if code == INTERRUPTED:
        typer.echo("era5-fetch: interrupted; run the same command again to go on", err=True)
    sys.exit(code or 0)


def _usage(error: Any) -> str:
    """What is wrong with the arguments, and where to read of them; without any arguments the help, as it is."""
    message, context = str(error.format_message()), getattr(error, "ctx", None)
    if not message or "\n" in message:
        return message
    return f"era5-fetch: {message.rstrip('.')}: see `{context.command_path if context else 'era5-fetch'} --help`"


if __name__ == "__main__":
    main()
