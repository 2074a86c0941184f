"""ECMWF's open forecasts, ten days ahead or more, in the canonical form: of the IFS or of the AIFS; no key.

Times are those the forecast is for; `lead` and `step_hours` as in `forecast`. Boundary-layer height is not among
open data: an emulator fills it where one is given. CC BY 4.0.
Source: https://confluence.ecmwf.int/display/DAC/ECMWF+open+data%3A+real-time+forecasts
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.accumulation import HOUR
from era5_fetch.cache import default_folder
from era5_fetch.container import opened
from era5_fetch.dialect import labelled
from era5_fetch.errors import Era5Warning, PeriodError, SourceError, VariableError
from era5_fetch.extras import package
from era5_fetch.forecast import hourly, leads, stepped
from era5_fetch.lexicon import Kind
from era5_fetch.neighbourhood import parsed
from era5_fetch.patience import Patience
from era5_fetch.period import hours
from era5_fetch.sources.folder import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from era5_fetch.emulator import Emulator
    from era5_fetch.grid import Method
    from era5_fetch.lexicon import Variable
    from era5_fetch.period import Period
    from era5_fetch.sources import Settings

Model = Literal["ifs", "aifs-single"]

MIRRORS = ("ecmwf", "aws", "google", "azure")
"""Where the same files lie, by the client's names, in the order they are tried."""
STEPS: Mapping[Model, tuple[int, ...]] = MappingProxyType(
    {"ifs": (*range(0, 144, 3), *range(144, 241, 6)), "aifs-single": tuple(range(0, 361, 6))}
)
"""The steps of a whole run [hours after its start]; the IFS's of 06 and 18 UTC end earlier, and are not taken."""
BLH = "blh"
LOOK_BACK = 6
"""Hours before the first that is asked for: the longest step, and the memory of the emulator."""


@dataclass(frozen=True)
class _Asked:
    """What is asked of one run: fields by ECMWF's names and hours after its start."""

    model: Model
    names: tuple[str, ...]
    steps: tuple[int, ...]

    @property
    def digest(self) -> str:
        """The same for the same fields."""
        told = json.dumps([self.model, sorted(self.names), self.steps])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def requests(self) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
        """In the client's form, each with our names: one of the surface, one of each pressure level."""
        levels: dict[int, list[Variable]] = {}
        for known in map(lexicon.variable, self.names):
            levels.setdefault(known.level or 0, []).append(known)
        return [(tuple(v.name for v in level), self._request(level)) for _, level in sorted(levels.items())]

    def _request(self, level: Sequence[Variable]) -> dict[str, Any]:
        pressure = level[0].level
        where = {"levtype": "sfc"} if pressure is None else {"levtype": "pl", "levelist": pressure}
        names = {"param": sorted({v.grib for v in level}), "step": list(self.steps)}
        return {"type": "fc", "stream": "oper"} | where | names


class OpenData:
    """ECMWF's open forecasts; what is fetched stays in the cache, by run.

    `run` is the start of a run (UTC); None is the latest that is complete on a mirror, or, when no mirror
    answers, the latest in the cache that has it all, with a warning. `hourly` gives every hour instead of the
    steps of the model (see `forecast.hourly`). `emulator` fills `blh`.
    """

    name: ClassVar[str] = "opendata"

    def __init__(
        self,
        settings: Settings,
        *,
        model: Model = "ifs",
        run: str | pd.Timestamp | None = None,
        hourly: bool = False,
        emulator: str | os.PathLike[str] | Emulator | None = None,
        mirrors: Sequence[str] | None = None,
    ) -> None:
        given = emulator if emulator is not None else settings.emulator
        self.model, self.emulator, self._hourly = model, _loaded(given), hourly
        self._run = None if run is None else pd.Timestamp(run)
        self._mirrors = tuple(mirrors or ((settings.url,) if settings.url else MIRRORS))
        self._folder = (settings.cache or default_folder()) / self.name / model
        self._patience = settings.patience or Patience(retries=(5, 15, 30))

    def open(
        self,
        variables: Sequence[str],
        period: Period | None = None,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset of one run over the part of the period it reaches; see `sources.open`.

        Without a period it is all of the run.

        Raises
        ------
        SourceError
            No mirror answers, or a variable is not among open data: the message names it.
        PeriodError
            The run does not reach the period.
        PackageError
            The packages ecmwf-opendata or cfgrib are not installed.
        """
        if around := [name for name in variables if parsed(name)[1]]:
            raise VariableError(f"{self.name}: {', '.join(around)}: forecasts are of places alone, agreed such as t2m")
        names = tuple(dict.fromkeys(lexicon.variable(name).name for name in variables))
        fetched = self._predictors(names)
        self._require_forecast(fetched)
        span = None if period is None else hours(period)
        run, path = self._held_or_fetched(fetched, span)
        steps = STEPS[self.model]
        totals = read(
            [path],
            fetched,
            (run, run + steps[-1] * HOUR),
            area=area,
            points=points,
            method=method,
            accumulation="hour",
        )
        found = stepped(totals.drop_vars("preliminary", errors="ignore"), run, steps)
        found = self._filled(found, names)[list(names)]
        found = hourly(found) if self._hourly else found
        found = found if span is None else found.sel(time=slice(span[0], span[-1]))
        if not found.sizes["time"]:
            raise PeriodError(f"no step of the run of {run:%Y-%m-%d %H} UTC in {period}: ask for hourly values")
        return found.assign_attrs(
            source=f"ECMWF open data ({self.name}), CC BY 4.0",
            model=self.model,
            run=f"{run:%Y-%m-%dT%H:%MZ}",
        )

    def _predictors(self, names: Sequence[str]) -> tuple[str, ...]:
        """What is to be fetched: what is asked for, with what `blh` is made from in its place."""
        if BLH not in names:
            return tuple(names)
        if self.emulator is None:
            raise SourceError(
                f"{self.name}: {BLH} (boundary layer height) is not among open data: give an emulator of it"
                " (`era5-fetch blh train`, then `forecast --emulator`, or open(..., emulator=...))"
            )
        return tuple(dict.fromkeys((*(name for name in names if name != BLH), *self.emulator.predictors)))

    def _filled(self, found: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
        return found if BLH not in names or self.emulator is None else self.emulator.filled(found)

    def _require_forecast(self, names: Sequence[str]) -> None:
        if means := [name for name in names if lexicon.variable(name).kind is Kind.MEAN]:
            raise SourceError(f"{self.name}: {', '.join(means)} is not among open data: ask for the sum, such as ssrd")

    def _held_or_fetched(self, names: tuple[str, ...], span: pd.DatetimeIndex | None) -> tuple[pd.Timestamp, Path]:
        if self._run is not None and (path := self._path(self._run, self._asked(names, self._run, span))).is_file():
            return self._run, path
        client = package("ecmwf.opendata", extra="forecast", needed_by=self.name).Client
        failed: dict[str, str] = {}
        for mirror in self._mirrors:
            try:
                return self._fetched(self._client(client, mirror), names, span)
            except _Unserved as error:
                failed[mirror] = str(error)
        if self._run is None and (found := self._newest(names, span)):
            warnings.warn(f"{self.name}: {_told(failed)}; the run of {found[0]} is from the cache", Era5Warning, 2)
            return found
        raise SourceError(f"{self.name}: {_told(failed)}")

    def _client(self, client: Any, mirror: str) -> Any:
        waits = self._patience.retries
        return client(source=mirror, model=self.model, maximum_retries=len(waits), retry_after=waits[0])

    def _fetched(self, client: Any, names: tuple[str, ...], span: pd.DatetimeIndex | None) -> tuple[pd.Timestamp, Path]:
        """The run and its file, from one mirror."""
        import requests

        try:
            run = self._run if self._run is not None else self._latest(client)
            asked = self._asked(names, run, span)
            if not (path := self._path(run, asked)).is_file():
                _download(client, asked, run, path)
        except requests.RequestException as error:
            raise _Unserved(f"no answer: {type(error).__name__}") from error
        return run, path

    def _latest(self, client: Any) -> pd.Timestamp:
        """The start of the latest run whose last step is there."""
        try:
            return pd.Timestamp(client.latest(type="fc", stream="oper", step=STEPS[self.model][-1]))
        except ValueError as error:
            raise _Unserved("no complete run of the last two days") from error

    def _asked(self, names: tuple[str, ...], run: pd.Timestamp, span: pd.DatetimeIndex | None) -> _Asked:
        """The steps around a span, and those before it that sums and the emulator look back to."""
        steps = STEPS[self.model]
        if span is None:
            return _Asked(self.model, names, steps)
        wanted = leads(span, run)
        if wanted[-1] < 0 or wanted[0] > steps[-1]:
            raise PeriodError(
                f"no hour from {span[0]:%Y-%m-%d %H:%M} to {span[-1]:%Y-%m-%d %H:%M}: the run goes from"
                f" {run:%Y-%m-%d %H:%M} to {run + steps[-1] * HOUR:%Y-%m-%d %H:%M}"
            )
        first = max((step for step in steps if step <= wanted[0] - LOOK_BACK), default=0)
        last = min(step for step in steps if step >= min(wanted[-1], steps[-1]))
        return _Asked(self.model, names, tuple(step for step in steps if first <= step <= last))

    def _path(self, run: pd.Timestamp, asked: _Asked) -> Path:
        return self._folder / f"{run:%Y%m%dT%H}" / f"{asked.digest}.grib2"

    def _newest(self, names: tuple[str, ...], span: pd.DatetimeIndex | None) -> tuple[pd.Timestamp, Path] | None:
        for folder in sorted(self._folder.glob("????????T??"), reverse=True):
            run = pd.to_datetime(folder.name, format="%Y%m%dT%H")
            try:
                path = self._path(run, self._asked(names, run, span))
            except PeriodError:
                continue
            if path.is_file():
                return run, path
        return None


def _loaded(emulator: str | os.PathLike[str] | Emulator | None) -> Emulator | None:
    from era5_fetch.emulator import load

    return load(emulator) if isinstance(emulator, str | os.PathLike) else emulator


class _Unserved(Exception):
    """A mirror does not serve it; the next may."""


def _download(client: Any, asked: _Asked, run: pd.Timestamp, path: Path) -> None:
    """Fetch and check beside, then put in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    piece = part.with_suffix(".piece")
    try:
        with part.open("wb") as whole:
            for names, request in asked.requests():
                _retrieve(client, names, request | {"date": f"{run:%Y-%m-%d}", "time": run.hour}, piece)
                whole.write(piece.read_bytes())
            whole.flush()
            os.fsync(whole.fileno())
        if lacking := _lacking(part, asked, run):
            raise _Unserved(_lack(lacking, f"{run:%Y-%m-%d %H}", asked.model))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        piece.unlink(missing_ok=True)


def _retrieve(client: Any, names: Sequence[str], request: dict[str, Any], target: Path) -> None:
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # it prints a bar and its licence
            client.retrieve(request, target=str(target))
    except ValueError as error:  # the client's word for an index without any of what was asked for
        raise _Unserved(_lack(names, f"{request['date']} {request['time']:02d}", client.model)) from error


def _lack(names: Sequence[str], run: str, model: str) -> str:
    return f"no {', '.join(names)} in the run of {run} UTC of {model}"


def _lacking(path: Path, asked: _Asked, run: pd.Timestamp) -> list[str]:
    """What the client left out with no more than a warning: variables, or their steps."""
    there: dict[str, set[int]] = {}
    with opened(path) as cubes:
        for cube in (labelled(cube, wanted=asked.names, accumulation="hour") for cube in cubes):
            for name in map(str, cube.data_vars):
                there.setdefault(name, set()).update(leads(cube.indexes["time"], run).tolist())
    lacking = []
    for name in asked.names:
        needed = set(asked.steps) - (set() if lexicon.variable(name).kind is Kind.INSTANT else {0})
        if gap := sorted(needed - there.get(name, set())):
            lacking.append(name if name not in there else f"{name} at {gap[0]} h")
    return lacking


def _told(failed: Mapping[str, str]) -> str:
    """What mirrors said, each thing once."""
    said: dict[str, list[str]] = {}
    for mirror, reason in failed.items():
        said.setdefault(reason, []).append(mirror)
    return "; ".join(f"{reason} ({', '.join(mirrors)})" for reason, mirrors in said.items())


def source(settings: Settings) -> OpenData:
    """The source by its name, "opendata": the IFS, by steps."""
    return OpenData(settings)
