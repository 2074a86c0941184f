"""ERA5 single levels from the CDS's own Zarr stores: the same key, no queue.

Two stores hold the same 20 variables from 1940 to five days ago: in one a chunk is thousands of hours of a few
cells, in the other an hour of the globe. The one of which fewer chunks are needed is read.
Source: https://confluence.ecmwf.int/pages/viewpage.action?pageId=505390919
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from era5_fetch.patience import Patience
from era5_fetch.sources.lazy import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr

    from era5_fetch.credentials import Key
    from era5_fetch.grid import Method
    from era5_fetch.period import Period
    from era5_fetch.sources import Settings
    from era5_fetch.sources.lazy import Selection, Store

URL = "https://arco.datastores.ecmwf.int"
BY_PLACE = "cadl-arco-geo-002/arco/reanalysis_era5_single_levels/sfc/geoChunked.zarr"
BY_HOUR = "cadl-arco-time-002/arco/reanalysis_era5_single_levels/sfc/timeChunked.zarr"


class Arco:
    """The CDS's Zarr stores; nothing is kept of what is read."""

    name: ClassVar[str] = "arco"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = (settings.url or URL).rstrip("/")

    def open(
        self,
        variables: Sequence[str],
        period: Period,
        *,
        area: Sequence[float] | None = None,
        points: pd.DataFrame | None = None,
        method: Method = "bilinear",
    ) -> xr.Dataset:
        """The canonical Dataset; see `sources.open` and `lazy.Store.read`.

        Which hours are preliminary the stores do not tell: those of the last three months may be.
        """
        from era5_fetch.credentials import access

        key = access(self._settings.key).key
        store = self._opened(BY_PLACE, key)
        if by_hour(store.select(variables, period, area=area, points=points, method=method)):
            store = self._opened(BY_HOUR, key)
        found = store.read(variables, period, area=area, points=points, method=method)
        return found.assign_attrs(source=f"ERA5 of the CDS, Zarr ({self.name})")

    def _opened(self, path: str, key: Key) -> Store:
        return opened(self.name, f"{self._url}/{path}", self._settings.patience or Patience(), key=key)


def by_hour(selection: Selection) -> bool:
    """Whether fewer chunks hold the hours of a selection than hold its cells; both hold about as many values."""
    names = map(str, selection.cube.data_vars)
    return max(len(selection.tiles(name)) for name in names) > selection.cube.sizes["time"]


def source(settings: Settings) -> Arco:
    """The source by its name, "arco"."""
    return Arco(settings)
