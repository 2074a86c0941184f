"""ERA5 single and pressure levels from Google's public Zarr store: no key; an hour of the globe is a chunk.

Its axis runs from 1900 to 2050; its attributes say which hours are final and which preliminary, and they have
been wrong (https://github.com/google-research/arco-era5/issues/141), so that what is read is audited as well.
Source: Carver and Merose 2023, https://github.com/google-research/arco-era5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from era5_fetch.errors import SourceError
from era5_fetch.patience import Patience
from era5_fetch.sources.lazy import Store, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.sources import Settings

URL = "https://storage.googleapis.com/gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3"
_START, _FINAL, _PRELIMINARY = "valid_time_start", "valid_time_stop", "valid_time_stop_era5t"


class Google:
    """Google's store; nothing is kept of what is read.

    Whatever the points, each of their hours is a chunk of the whole globe, 4 MB before compression: it is the
    right source for maps of short periods.
    """

    name: ClassVar[str] = "google"

    def __init__(self, settings: Settings) -> None:
        self._url, self._patience = settings.url or URL, settings.patience or Patience()

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset, with `preliminary(time)`; see `sources.open` and `lazy.Store.read`."""
        store = opened(self.name, self._url, self._patience)
        found = Store(self.name, valid(store.raw)).read(variables, period, area=area, points=points, method=method)
        return found.assign_attrs(source=f"ERA5, Zarr of Google ({self.name})")


def valid(raw: xr.Dataset) -> xr.Dataset:
    """The store without the hours it says it does not hold, and with those marked that are preliminary.

    Raises
    ------
    SourceError
        The store does not say.
    """
    if lacking := [name for name in (_START, _FINAL) if name not in raw.attrs]:
        raise SourceError(f"google: the store has no attribute {', '.join(lacking)}: is the address right?")
    last = str(raw.attrs.get(_PRELIMINARY, raw.attrs[_FINAL]))
    inside = raw.sel(time=slice(str(raw.attrs[_START]), last))
    final = pd.Period(str(raw.attrs[_FINAL])).end_time
    return inside.assign_coords(preliminary=("time", inside.indexes["time"] > final))


def source(settings: Settings) -> Google:
    """The source by its name, "google"."""
    return Google(settings)
