"""ERA5 from wherever it is, in every dialect of file, as one canonical Dataset.

`open` gives variables over a period, on the grid or at points, from the CDS through a cache, or from a folder
of files; `open_file` reads one file; `canonical` takes an opened dataset. `extract` and `extract_polygons` take
files to places, and a `PlaceStore` keeps `Points` or `Polygons`, growing file by file. Importing this opens nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from era5_fetch.errors import Era5Error, Era5Warning

if TYPE_CHECKING:
    from era5_fetch.decode import canonical, open_file
    from era5_fetch.extraction import extract, extract_polygons
    from era5_fetch.period import missing_hours
    from era5_fetch.places import Points, Polygons
    from era5_fetch.sources import open  # noqa: A004
    from era5_fetch.store import PlaceStore

__all__ = [
    "Era5Error",
    "Era5Warning",
    "PlaceStore",
    "Points",
    "Polygons",
    "canonical",
    "extract",
    "extract_polygons",
    "missing_hours",
    "open",
    "open_file",
]

_HOMES = {
    "PlaceStore": "store",
    "Points": "places",
    "Polygons": "places",
    "canonical": "decode",
    "extract": "extraction",
    "extract_polygons": "extraction",
    "missing_hours": "period",
    "open": "sources",
    "open_file": "decode",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the libraries behind it are slow to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
