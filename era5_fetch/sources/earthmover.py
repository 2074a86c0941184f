"""ERA5 single levels from Earthmover's public Icechunk store: no key; a chunk is a year of a few cells.

A snapshot is a state of the store that never changes: the Dataset names the one it came from.
Source: s3://earthmover-icechunk-era5/icechunkV2 (us-east-1), group single/temporal; CC BY 4.0.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import xarray as xr

from era5_fetch.errors import PackageError, SourceError
from era5_fetch.extras import package
from era5_fetch.sources.lazy import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.sources import Settings

BUCKET, PREFIX, REGION = "earthmover-icechunk-era5", "icechunkV2", "us-east-1"
GROUP = "single/temporal"
ICECHUNK, PYTHON = 2, (3, 12)
"""The store is written by the second version of the format, which icechunk 2 reads, which Python 3.12 runs."""


class Earthmover:
    """Earthmover's store, or with `url` an Icechunk repository in a folder; nothing is kept of what is read."""

    name: ClassVar[str] = "earthmover"

    def __init__(self, settings: Settings, *, snapshot: str | None = None) -> None:
        self._folder, self._snapshot = settings.url, snapshot

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset of the latest snapshot, or of that given; see `sources.open`.

        Raises
        ------
        PackageError
            The packages icechunk and pcodec are not installed, or Python is too old for them.
        SourceError
            There is no repository, or it does not answer.
        """
        raw, snapshot = self._opened()
        found = Store(self.name, raw).read(variables, period, area=area, points=points, method=method)
        return found.assign_attrs(source=f"ERA5, Icechunk of Earthmover ({self.name})", snapshot=snapshot)

    def _opened(self) -> tuple[xr.Dataset, str]:
        icechunk = self._icechunk()
        try:
            repository = icechunk.Repository.open(self._storage(icechunk))
            chosen = {"snapshot_id": self._snapshot} if self._snapshot else {"branch": "main"}
            session = repository.readonly_session(**chosen)
            raw = xr.open_zarr(session.store, group=GROUP, chunks=None, consolidated=False)
        except (icechunk.IcechunkError, OSError, KeyError, ValueError) as error:
            where = self._folder or f"s3://{BUCKET}/{PREFIX}"
            found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SourceError(
                f"{self.name}: {where} cannot be read ({found}): is it an Icechunk repository?"
            ) from error
        return raw, str(session.snapshot_id)

    def _icechunk(self) -> Any:
        needed = f"{self.name} (Python {PYTHON[0]}.{PYTHON[1]} or later; this is {sys.version.split()[0]})"
        package("pcodec", extra="earthmover", needed_by=needed)
        icechunk = package("icechunk", extra="earthmover", needed_by=needed)
        if self._folder is None and int(icechunk.__version__.split(".")[0]) < ICECHUNK:
            raise PackageError(
                f"{needed} needs icechunk {ICECHUNK} or later, found {icechunk.__version__}:"
                " pip install tianbang[earthmover]"
            )
        return icechunk

    def _storage(self, icechunk: Any) -> Any:
        if self._folder is not None:
            return icechunk.local_filesystem_storage(self._folder)
        return icechunk.s3_storage(bucket=BUCKET, prefix=PREFIX, region=REGION, anonymous=True)


def source(settings: Settings) -> Earthmover:
    """The source by its name, "earthmover"."""
    return Earthmover(settings)
