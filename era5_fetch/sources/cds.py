"""ERA5 by requests to the CDS: planned, fetched into a cache, checked, and read from there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from era5_fetch.cache import Cache, default_folder
from era5_fetch.errors import PackageError, PeriodError
from era5_fetch.journal import State
from era5_fetch.neighbourhood import parsed
from era5_fetch.patience import Patience
from era5_fetch.plan import EMBARGO, MARGIN, plan, published, remaining
from era5_fetch.progress import Logged
from era5_fetch.sources.folder import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr

    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.plan import Cost
    from era5_fetch.request import Request
    from era5_fetch.server import Server
    from era5_fetch.sources import Settings


@dataclass(frozen=True)
class Fetched:
    """What a fetch leaves behind."""

    files: tuple[Path, ...]
    """In the cache, of all that was asked for."""
    pending: pd.DatetimeIndex
    """Hours that are not published yet: asked for again next time."""


class Cds:
    """The CDS behind a cache; it is not spoken to before something is missing."""

    name: ClassVar[str] = "cds"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.cache = Cache(settings.cache or default_folder())
        self._patience, self._teller = settings.patience or Patience(), settings.teller or Logged()
        self._now = settings.now or pd.Timestamp.now("UTC").tz_localize(None)

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset, whatever of it had to be fetched; see `sources.open`.

        Hours not published yet are absent, and counted in the attribute `hours_not_published`. The attribute
        `files` lists the files read, by their path in the cache, each with the SHA-256 it came with.
        """
        requests = self.plan(variables, period, area=area, points=points)
        fetched = self.fetch(requests)
        if not fetched.files:
            raise PeriodError(f"{period}: not published yet, ERA5 comes {EMBARGO.days} days later: ask again then")
        found = read(fetched.files, variables, period, area=area, points=points, method=method)
        told = [f"{path} {digest}" for path, digest in self.cache.digests(fetched.files).items()]
        found = found.assign_attrs(files=told)
        return found.assign_attrs(hours_not_published=fetched.pending.size) if fetched.pending.size else found

    def plan(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
    ) -> list[Request]:
        """The requests for all of it, as if nothing were held; the cells around points with them."""
        names, around = zip(*map(parsed, variables), strict=True) if variables else ((), ())
        margin = MARGIN + max((statistic.size // 2 for statistic in around if statistic), default=0)
        return plan(names, period, area=area, points=points, data_format=self._settings.data_format, margin=margin)

    def left(self, requests: Sequence[Request]) -> tuple[list[Request], pd.DatetimeIndex]:
        """What of some requests is to be asked for now, and the hours not published yet; no network.

        With `refresh` what is held of ERA5T alone and final by now is among it.
        """
        held = self.cache.holdings(refreshed=self._now if self._settings.refresh else None)
        return published(remaining(requests, held), self._now - EMBARGO)

    def costs(self, requests: Sequence[Request]) -> list[Cost]:
        """The server's own estimate for each request."""
        server = self._server()
        return [server.cost(request) for request in requests]

    def fetch(self, requests: Sequence[Request]) -> Fetched:
        """Fetch what is missing of some requests, and with `refresh` what is no longer preliminary.

        Raises
        ------
        RequestError, SourceError, TransferError, ContentError, FileError
            As `Broker.fetch`; what came before is kept, and the next run goes on from there.
        WaitError
            `wait` was over before the server had done it.
        PackageError
            GRIB is asked for, and what reads it is not installed.
        """
        known = {e.digest: e.updated for e in self.cache.journal.entries() if e.state is State.HELD}
        lacking, pending = self.left(requests)
        if lacking:
            _require_reader(lacking)
            pending = pending.union(self._brokered(lacking, known)).unique()
        if pending.size:
            self._teller.say(f"{pending.size} hours from {pending[0]:%Y-%m-%d %H:%M} on are not published yet")
        return Fetched(tuple(self.cache.serving(requests)), pd.DatetimeIndex(pending, name="time"))

    def _brokered(self, requests: Sequence[Request], known: dict[str, str]) -> pd.DatetimeIndex:
        from era5_fetch.broker import Broker

        broker = Broker(
            self.cache,
            self._server(),
            now=self._now,
            patience=self._patience,
            teller=self._teller,
            wait=self._settings.wait,
        )
        return broker.fetch(requests, known=known)

    def _server(self) -> Server:
        from era5_fetch.credentials import access
        from era5_fetch.server import Server

        return Server(access(self._settings.key, self._settings.url), self._patience)


def _require_reader(requests: Sequence[Request]) -> None:
    if any(request.data_format == "grib" for request in requests) and find_spec("cfgrib") is None:
        raise PackageError("GRIB needs more packages: pip install tianbang[grib], or ask for netcdf")


def source(settings: Settings) -> Cds:
    """The source by its name, "cds"."""
    return Cds(settings)
