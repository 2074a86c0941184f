"""The folder of files that were fetched, its journal and its locks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from era5_fetch.journal import IN_FLIGHT, Journal
from era5_fetch.plan import Holding, serves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from filelock import FileLock

    from era5_fetch.journal import Entry
    from era5_fetch.request import Request

FINAL_AFTER = pd.Timedelta("92D")
"""The age at which an hour of ERA5T has been replaced by ERA5: two to three months
(https://confluence.ecmwf.int/display/CKB/ERA5%3A+data+documentation)."""
SUFFIXES = {"netcdf": ".nc", "grib": ".grib"}


def default_folder(environment: Mapping[str, str] | None = None) -> Path:
    """ERA5_FETCH_CACHE, or `era5_fetch` in the user's cache folder (XDG_CACHE_HOME)."""
    variables = os.environ if environment is None else environment
    if own := variables.get("ERA5_FETCH_CACHE"):
        return Path(own).expanduser()
    return Path(variables.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "era5_fetch"


class Cache:
    """`FOLDER/<dataset>/<digest>.nc`, `FOLDER/journal.sqlite`, `FOLDER/locks`; made when first written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "journal.sqlite")

    def path(self, request: Request) -> Path:
        """Where the file of a request belongs."""
        return self.folder / request.dataset / f"{request.digest}{SUFFIXES[request.data_format]}"

    def lock(self, request: Request) -> FileLock:
        """The lock whose holder alone talks about a request; the system frees it when the holder dies."""
        from filelock import FileLock

        folder = self.folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{request.digest}.lock", timeout=0)

    def files(self) -> list[Entry]:
        """The requests whose file is here with the length it came with."""
        return [entry for entry in self.journal.entries() if self._is_here(entry)]

    def _is_here(self, entry: Entry) -> bool:
        if entry.path is None:
            return False
        try:
            return (self.folder / entry.path).stat().st_size == entry.bytes
        except OSError:
            return False

    def holdings(self, *, refreshed: pd.Timestamp | None = None) -> list[Holding]:
        """What is held, to be taken off a plan; at a time, without the files of ERA5T that is final by then."""
        kept = [e for e in self.files() if refreshed is None or not _is_due(e, refreshed)]
        return [Holding(e.request, e.last_hour) for e in kept if e.last_hour is not None]

    def serving(self, requests: Sequence[Request]) -> list[Path]:
        """The files that hold something of any of the requests; of two alike the later to come stands later."""
        found = [e for e in self.files() if any(serves(e.request, request) for request in requests)]
        return [self.folder / str(entry.path) for entry in found]

    def digests(self, files: Iterable[Path]) -> dict[str, str]:
        """The SHA-256 that files came with, by their path in the cache."""
        came = {self.folder / entry.path: entry.sha256 for entry in self.files() if entry.path and entry.sha256}
        return {path.relative_to(self.folder).as_posix(): came[path] for path in files if path in came}

    def damaged(self) -> list[tuple[Entry, str]]:
        """The files that are not as they came, and what is the matter; every byte is read."""
        return [(entry, fault) for entry in self.journal.entries() if (fault := self._fault(entry))]

    def _fault(self, entry: Entry) -> str:
        if entry.path is None:
            return ""
        path = self.folder / entry.path
        if not path.exists():
            return "is not there"
        if path.stat().st_size != entry.bytes:
            return f"has {path.stat().st_size} bytes, {entry.bytes} came"
        with path.open("rb") as stream:
            same = hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256
        return "" if same else "is not what came (SHA-256)"

    def in_flight(self, except_for: Iterable[str]) -> list[Entry]:
        """The requests that the journal says the server works on, but for some digests."""
        known = set(except_for)
        return [e for e in self.journal.entries() if e.state in IN_FLIGHT and e.digest not in known]


def _is_due(entry: Entry, now: pd.Timestamp) -> bool:
    """Whether a file holds hours of ERA5T that are final by now."""
    return entry.preliminary_until is not None and entry.preliminary_until + FINAL_AFTER < now
