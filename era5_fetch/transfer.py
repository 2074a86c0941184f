"""Bytes from a URL to a file that is whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from era5_fetch.errors import BusyError, TransferError
from era5_fetch.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import requests

CHUNK = 1 << 18
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EFBIG})
"""Errors of the disk, which no other attempt at the connection mends."""
PASSING = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses that say nothing of what is asked for; 520 to 530 are those of a proxy before the server."""
_GONE = frozenset({401, 403, 404, 410})
"""How a store answers for a file that it has no more, or whose address is no longer signed."""


@dataclass(frozen=True)
class Received:
    """What came."""

    bytes: int
    sha256: str


class SizeError(TransferError):
    """The file has not the size that was announced."""


class AssetGone(TransferError):
    """The file is no longer at its address: it expired, or the address is not valid any more."""


class _Cut(Exception):
    """The transfer stopped; another attempt may go on. `after` is what the server asked to wait [s]."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def fetch(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    headers: Mapping[str, str] | None = None,
    session: requests.Session | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    check: Callable[[Path], None] | None = None,
    patience: Patience | None = None,
) -> Received:
    """Fetch a URL to `target`, which appears whole, on disk and checked, or not at all.

    Bytes gather in `target.part`; a later call, of another process too, goes on from them by Range, if the
    server still has the same file (If-Range). `size` is what the file must have; `check` is given the whole
    part and raises where it must not be kept. `progress` is told the bytes there and in all.

    Raises
    ------
    TransferError
        The connection broke as often as `patience` waits, or the server refuses: the bytes there are kept.
    SizeError
        The size is not `size`.
    AssetGone
        The server has no such file (any more).
    BusyError
        Another process fetches the same target.
    """
    import requests

    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target), nullcontext(session) if session else requests.Session() as http:
        part = _Part(target, url)
        _complete(part, http, dict(headers or {}), size=size, progress=progress, patience=patience or Patience())
        received = part.sealed()
        try:
            if check is not None:
                check(part.path)
        except Exception:
            part.discard()
            raise
        part.install()
        return received


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{target}.lock", timeout=0):
            yield
    except Timeout:
        raise BusyError(f"{target}: another process fetches it: wait for it") from None


class _Part:
    """The bytes so far, and what file of the server they are of."""

    def __init__(self, target: Path, url: str) -> None:
        self.target, self.url = target, url
        self.path = target.with_name(f"{target.name}.part")
        self._origin = target.with_name(f"{target.name}.part.json")

    @property
    def length(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def resumption(self) -> dict[str, str]:
        """The headers that ask for the rest; none where there is nothing to go on from."""
        origin = self._known()
        if not self.length or origin.get("url") != self.url or not origin.get("etag"):
            return {}
        return {"Range": f"bytes={self.length}-", "If-Range": origin["etag"]}

    def _known(self) -> dict[str, str]:
        try:
            found = json.loads(self._origin.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def restart(self, etag: str) -> None:
        """Forget the bytes; those that follow are of the file with this tag."""
        self.path.unlink(missing_ok=True)
        self._origin.write_text(json.dumps({"url": self.url, "etag": etag}), encoding="utf-8")

    def sealed(self) -> Received:
        """What is there, forced onto the disk."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Received(self.length, digest)

    def install(self) -> None:
        self.path.replace(self.target)
        self._origin.unlink(missing_ok=True)
        folder = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)


def _complete(
    part: _Part,
    http: requests.Session,
    headers: dict[str, str],
    *,
    size: int | None,
    progress: Callable[[int, int | None], None] | None,
    patience: Patience,
) -> None:
    """Attempts, each going on where the last stopped; those in vain are counted anew with bytes never had before."""
    vain, longest = 0, part.length
    while True:
        try:
            total = _attempt(part, http, headers, progress, patience.timeout)
        except _Cut as cut:
            vain = 0 if part.length > longest else vain + 1
            longest = max(longest, part.length)
            if vain > len(patience.retries):
                had = f"{part.length} of {size or 'unknown'} bytes are kept"
                raise TransferError(f"{part.target.name}: {cut}; {had}: run again to go on from there") from None
            patience.wait(vain, at_least=cut.after)
            continue
        if size is not None and total != size:
            part.discard()
            raise SizeError(f"{part.target.name}: {total} bytes came, the server announced {size}: fetch it again")
        return


def _attempt(
    part: _Part,
    http: requests.Session,
    headers: dict[str, str],
    progress: Callable[[int, int | None], None] | None,
    timeout: tuple[float, float],
) -> int:
    """One GET to its end; the bytes there are then."""
    import requests
    from urllib3.exceptions import HTTPError

    asked = headers | {"Accept-Encoding": "identity"} | part.resumption()
    try:
        with http.get(part.url, headers=asked, stream=True, timeout=timeout) as reply:
            total = _opened(part, reply)
            if total is None or part.length < total:
                _append(part, reply, total, progress)
    except (requests.RequestException, HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            raise
        raise _Cut(f"the connection broke ({type(error).__name__})") from None
    if total is not None and part.length < total:
        raise _Cut(f"the connection was cut at {part.length} of {total} bytes")
    return part.length


def _opened(part: _Part, reply: requests.Response) -> int | None:
    """The length of the whole file as a reply tells it; the part is then ready for what follows."""
    if reply.status_code in PASSING:
        raise _Cut(f"the server answers {reply.status_code}", _seconds(reply.headers.get("Retry-After")))
    if reply.status_code in _GONE:
        raise AssetGone(f"{part.target.name}: the server has it no more ({reply.status_code}): ask for it again")
    length = part.length
    span = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", reply.headers.get("Content-Range", ""))
    if reply.status_code == 416 and span and length == int(span[2]):
        return length
    if reply.status_code == 206 and span and span[1] is not None and int(span[1]) == length:
        return int(span[2])
    if reply.status_code == 200:
        part.restart(reply.headers.get("ETag", ""))
        told = reply.headers.get("Content-Length")
        return None if told is None else int(told)
    if reply.status_code in {206, 416}:  # of another file, or of other bytes than were asked for
        part.discard()
        raise _Cut(f"the server answers {reply.status_code} out of place")
    raise TransferError(f"{part.target.name}: the server refuses ({reply.status_code}): run again to go on from there")


def _append(part: _Part, reply: Any, total: int | None, progress: Callable[[int, int | None], None] | None) -> None:
    """Every byte that comes is written, those before a cut too."""
    with part.path.open("ab") as stream:
        while piece := reply.raw.read1(CHUNK):
            stream.write(piece)
            if progress is not None:
                progress(stream.tell(), total)


def _seconds(header: str | None) -> float | None:
    """A Retry-After in seconds [RFC 9110, 10.2.3]; dates are not used by the CDS."""
    return float(header) if header is not None and header.strip().isdigit() else None
