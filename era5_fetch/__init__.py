"""ERA5 from wherever it is, in every dialect of file, as one canonical Dataset.

`open` gives variables over a period, on the grid or at points, from the CDS through a cache, or from a folder
of files; `open_file` reads one file; `canonical` takes an opened dataset. Importing this opens nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from era5_fetch.errors import Era5Error, Era5Warning

if TYPE_CHECKING:
    from era5_fetch.decode import canonical, open_file
    from era5_fetch.period import missing_hours
    from era5_fetch.sources import open  # noqa: A004

__all__ = ["Era5Error", "Era5Warning", "canonical", "missing_hours", "open", "open_file"]

_HOMES = {"canonical": "decode", "missing_hours": "period", "open": "sources", "open_file": "decode"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the libraries behind it are slow to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
