"""ECMWF's open data on this machine: `<date>/<hour>z/<model>/0p25/oper/<date>-<step>h-oper-fc.{grib2,index}`."""

import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import eccodes
import numpy as np
import pandas as pd

from era5_fetch import lexicon

LATITUDE, LONGITUDE = np.arange(41.25, 38.9, -0.25), np.arange(115.75, 118.1, 0.25)
PARAMETERS = {"2t": 167, "2d": 168, "10u": 165, "10v": 166, "msl": 151, "sp": 134, "tcc": 164, "tp": 228, "ssrd": 169}
LEVELS = {"t": 130, "u": 131, "v": 132}
SWING = 0.4
_SUMS = {"tp": 1e-3, "ssrd": 3600.0}
_PATH = re.compile(r"/(\d{8})/(\d\d)z/([a-z-]+)/0p25/oper/\d+-(\d+)h-oper-fc\.(grib2|index)")


def truth(
    name: str, leads: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, swing: float = SWING
) -> np.ndarray:
    """Canonical values at leads [h]; of sums the rate in each hour, (time, latitude, longitude).

    They swing about the middle of what is plausible by a share of its range.
    """
    low, high = lexicon.variable(name).plausible
    phase = 0.37 * leads[:, None, None] + 1.7 * latitude[None, :, None] + 2.3 * longitude[None, None, :]
    return low + (high - low) * (0.5 + swing * np.sin(phase + sum(map(ord, name))))


def total(name: str, lead: int, latitude: np.ndarray, longitude: np.ndarray, swing: float = SWING) -> np.ndarray:
    """The sum of an hourly rate from the start of the run, canonical unit times hours."""
    return truth(name, np.arange(1, lead + 1), latitude, longitude, swing).sum(axis=0)


def message(short: str, run: pd.Timestamp, step: int, level: int | None, swing: float = SWING) -> bytes:
    """One field as GRIB 2."""
    name = lexicon.identify(short, level=level).name
    if short in _SUMS:
        values = _SUMS[short] * total(name, step, LATITUDE, LONGITUDE, swing)
    else:
        values = truth(name, np.array([step]), LATITUDE, LONGITUDE, swing)[0]
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2" if level is None else "regular_ll_pl_grib2")
    keys = {
        "centre": "ecmf",
        "setLocalDefinition": 1,
        "localDefinitionNumber": 1,
        "marsClass": "od",
        "marsStream": "oper",
        "marsType": "fc",
        "Ni": LONGITUDE.size,
        "Nj": LATITUDE.size,
        "latitudeOfFirstGridPointInDegrees": LATITUDE[0],
        "latitudeOfLastGridPointInDegrees": LATITUDE[-1],
        "longitudeOfFirstGridPointInDegrees": LONGITUDE[0],
        "longitudeOfLastGridPointInDegrees": LONGITUDE[-1],
        "iDirectionIncrementInDegrees": 0.25,
        "jDirectionIncrementInDegrees": 0.25,
        "dataDate": int(f"{run:%Y%m%d}"),
        "dataTime": run.hour * 100,
        "paramId": PARAMETERS[short] if level is None else LEVELS[short],
        **({"level": level} if level is not None else {}),
        "bitsPerValue": 24,
    }
    for key, value in keys.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set(handle, "stepRange", f"0-{step}" if short in _SUMS else str(step))
    eccodes.codes_set_values(handle, values.ravel())
    made = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return made


class OpenDataServer:
    """Serves runs that exist, each to a last step; without some parameters, or failing."""

    def __init__(
        self,
        runs: dict[pd.Timestamp, int],
        *,
        without: tuple[str, ...] = (),
        status: int = 200,
        swing: float = SWING,
    ) -> None:
        self.runs, self.without, self.status, self.swing = runs, without, status, swing
        self.log: list[tuple[str, str]] = []
        self._files: dict[tuple[Any, ...], tuple[bytes, bytes]] = {}
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 20  # head and body in one packet: the other end would wait 40 ms for the second

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self.answer(send=True)

            def do_HEAD(self) -> None:
                self.answer(send=False)

            def answer(self, *, send: bool) -> None:
                server.log.append((self.command, self.path))
                body = server.body(self.path) if server.status == 200 else None
                status = server.status if server.status != 200 else 404 if body is None else 200
                headers, out = {"Accept-Ranges": "bytes"}, body or b""
                if body is not None and (asked := self.headers.get("Range")):
                    status, out, more = 206, *_ranges(body, asked)
                    headers |= more
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(out))}).items():
                    self.send_header(name, value)
                self.end_headers()
                if send:
                    self.wfile.write(out)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def body(self, path: str) -> bytes | None:
        """A file, or None where there is none."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        run, step = pd.to_datetime(match[1] + match[2], format="%Y%m%d%H"), int(match[4])
        if step > self.runs.get(run, -1):
            return None
        with self._lock:
            if (run, step) not in self._files:
                self._files[run, step] = self._made(run, step)
            return self._files[run, step][match[5] == "index"]

    def _made(self, run: pd.Timestamp, step: int) -> tuple[bytes, bytes]:
        fields = [(short, None) for short in PARAMETERS if short not in _SUMS or step > 0]
        fields += [(short, level) for short in LEVELS for level in (925, 850)]
        data, lines = io.BytesIO(), []
        for short, level in fields:
            if short in self.without or f"{short}@{step}" in self.without:
                continue
            made = message(short, run, step, level, self.swing)
            line = {"type": "fc", "stream": "oper", "step": str(step), "param": short, "_offset": data.tell()}
            line |= {"levtype": "sfc"} if level is None else {"levtype": "pl", "levelist": str(level)}
            lines.append(json.dumps(line | {"_length": len(made)}))
            data.write(made)
        return data.getvalue(), ("\n".join(lines) + "\n").encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _ranges(body: bytes, asked: str) -> tuple[bytes, dict[str, str]]:
    """One range as it is, several as multipart, as data.ecmwf.int does."""
    spans = [tuple(map(int, part.split("-"))) for part in asked.removeprefix("bytes=").split(",")]
    if len(spans) == 1:
        first, last = spans[0]
        return body[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(body)}"}
    out = io.BytesIO()
    for first, last in spans:
        out.write(b"--XX\r\nContent-Type: application/octet-stream\r\n")
        out.write(b"Content-Range: bytes %d-%d/%d\r\n\r\n" % (first, last, len(body)))
        out.write(body[first : last + 1] + b"\r\n")
    out.write(b"--XX--\r\n")
    return out.getvalue(), {"Content-Type": "multipart/byteranges; boundary=XX"}
