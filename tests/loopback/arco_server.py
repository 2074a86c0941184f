"""A folder of Zarr stores behind `Authorization: Bearer KEY`, as the CDS serves its own."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from loopback.era5_files import truth

from era5_fetch import lexicon

KEY = "a1b2c3d4-0000-4000-8000-arco00000000"
_RAW = {"W m-2": ("J m**-2", 3600.0), "mm": ("m", 1e-3), "1": ("(0 - 1)", 1.0), "m s-1": ("m s**-1", 1.0)}


class ArcoServer:
    """Serves a folder on this machine; a key of None lets everybody in."""

    def __init__(self, folder: Path, *, key: str | None = KEY, absent: int = 404) -> None:
        self.log: list[tuple[str, int]] = []
        self.failures: dict[str, list[int]] = {}
        server = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 20  # head and body in one packet: the other end would wait 40 ms for the second

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def send_head(self) -> Any:
                status = server._status(
                    self.path, self.headers.get("Authorization"), Path(self.translate_path(self.path))
                )
                server.log.append((self.path, status or absent))
                if status == 200:
                    return super().send_head()
                # as bad a server as may be: it says the key back
                self.send_error(status or absent, explain=self.headers.get("Authorization"))
                return None

        self._key = key
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def _status(self, path: str, authorization: str | None, file: Path) -> int | None:
        if self._key is not None and authorization != f"Bearer {self._key}":
            return 401
        queued = next((codes for part, codes in self.failures.items() if part in path and codes), None)
        if queued:
            return queued.pop(0)
        return 200 if file.is_file() else None

    def fail(self, part: str, *statuses: int) -> None:
        """Answer the next requests for paths with `part` in them by these."""
        self.failures.setdefault(part, []).extend(statuses)

    def read(self, variable: str) -> list[str]:
        """The chunks of a variable that were asked for."""
        return [path for path, _ in self.log if f"/{variable}/" in path and not path.rsplit("/", 1)[-1].startswith(".")]

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def store(
    variables: list[str],
    times: pd.DatetimeIndex,
    *,
    ascending: bool = False,
    around: bool = False,
    long_names: bool = False,
    filled: slice = slice(None),
) -> xr.Dataset:
    """ERA5 as a store holds it: names and axes by dialect, NaN outside `filled`.

    Latitudes 39 to 41.25 N; longitudes 115.75 to 118 E, or the globe from 0 when `around`.
    """
    latitude = np.arange(39, 41.3, 0.25) if ascending else np.arange(41.25, 38.9, -0.25)
    longitude = np.arange(0, 360, 0.25) if around else np.arange(115.75, 118.1, 0.25)
    held = np.zeros(times.size, dtype=bool)
    held[filled] = True
    axes = {"time": times, "latitude": latitude, "longitude": longitude}
    fields = {}
    for name in variables:
        known = lexicon.variable(name)
        units, scale = _RAW.get(known.unit, (known.unit, 1.0))
        values = (scale * truth(name, times, latitude, (longitude + 180) % 360 - 180)).astype("f4")
        values[~held] = np.nan
        fields[known.arco_name if long_names else name] = (tuple(axes), values, {"units": units})
    return xr.Dataset(fields, axes)


def save(dataset: xr.Dataset, path: Path, chunks: tuple[int, int, int], *, form: int = 2) -> None:
    """A consolidated store; what is NaN throughout a chunk has no file, as it is with the archives."""
    encoding: dict[str, Any] = {
        name: {"chunks": tuple(min(c, n) for c, n in zip(chunks, f.shape, strict=True))} for name, f in dataset.items()
    }
    dataset.to_zarr(path, zarr_format=form, consolidated=True, encoding=encoding, write_empty_chunks=False)
