"""What was asked of the CDS and what came of it, on disk at every step: a run that is killed goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from era5_fetch.errors import BusyError, SourceError
from era5_fetch.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from era5_fetch.transfer import Received

WAIT = 60.0
"""How long to wait for another process to finish its transaction [s]."""


class State(StrEnum):
    """How far the conversation about a request is."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    """The POST is on its way: whether there is a job, only the server knows."""
    SUBMITTED = "submitted"
    READY = "ready"
    """The job is done, its file is not here yet."""
    HELD = "held"
    SPLIT = "split"
    """Too large for the server: its halves were asked for instead."""
    FAILED = "failed"


VERSION = 1
"""Of the table, kept in the file's `user_version`; 0 is a file from before there were versions, of the same table."""
IN_FLIGHT = (State.SUBMITTING, State.SUBMITTED)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    digest TEXT PRIMARY KEY,
    dataset TEXT NOT NULL,
    inputs TEXT NOT NULL,
    state TEXT NOT NULL,
    job TEXT,
    spent TEXT NOT NULL DEFAULT '[]',
    attempts INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER,
    sha256 TEXT,
    path TEXT,
    first_hour TEXT,
    last_hour TEXT,
    preliminary_until TEXT,
    note TEXT NOT NULL DEFAULT '',
    updated TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Entry:
    """One request in the journal. The file it holds and the conversation about it are told apart."""

    digest: str
    dataset: str
    inputs: dict[str, Any]
    state: State
    job: str | None
    spent: tuple[str, ...]
    """Jobs that have given what they had, or failed: not to be used again."""
    attempts: int
    bytes: int | None
    sha256: str | None
    path: str | None
    """Of the file, from the cache's folder; None while there is none."""
    first_hour: pd.Timestamp | None
    last_hour: pd.Timestamp | None
    preliminary_until: pd.Timestamp | None
    """The last hour of ERA5T in it; None where all are final, or nothing is known."""
    note: str
    updated: str
    request: Request = field(compare=False)


class Journal:
    """An SQLite file; every method is one transaction, safe against other processes and against the plug."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """Every request, in the order it was last touched."""
        if not self.path.exists():
            return []
        with self._open() as database:
            return [_entry(row) for row in database.execute("SELECT * FROM request ORDER BY updated, digest")]

    def entry(self, digest: str) -> Entry | None:
        """One request; None where it was never planned."""
        if not self.path.exists():
            return None
        with self._open() as database:
            row = database.execute("SELECT * FROM request WHERE digest = ?", (digest,)).fetchone()
            return None if row is None else _entry(row)

    def claim(self, request: Request, *, limit: int) -> bool:
        """Announce a submission, unless `limit` of the dataset are in flight already."""
        with self._open() as database:
            marks = ", ".join("?" * len(IN_FLIGHT))
            flying = f"SELECT count(*) FROM request WHERE dataset = ? AND digest <> ? AND state IN ({marks})"
            (others,) = database.execute(flying, (request.dataset, request.digest, *IN_FLIGHT)).fetchone()
            if others >= limit:
                return False
            self._insert(database, request)
            self._update(database, request.digest, state=State.SUBMITTING, job=None, note="")
            return True

    def submitted(self, digest: str, job: str) -> None:
        """The server has taken it, as this job."""
        with self._open() as database:
            database.execute("UPDATE request SET attempts = attempts + 1 WHERE digest = ?", (digest,))
            self._update(database, digest, state=State.SUBMITTED, job=job)

    def ready(self, digest: str) -> None:
        """The job is done."""
        with self._open() as database:
            self._update(database, digest, state=State.READY)

    def held(self, digest: str, path: str, received: Received, span: tuple[pd.Timestamp, ...], note: str = "") -> None:
        """The file is here; `span` is its first and last hour and, if there are any, its last of ERA5T."""
        first, last, *preliminary = (hour.isoformat() for hour in span)
        with self._open() as database:
            self._spend(database, digest)
            self._update(
                database,
                digest,
                state=State.HELD,
                path=path,
                bytes=received.bytes,
                sha256=received.sha256,
                first_hour=first,
                last_hour=last,
                preliminary_until=preliminary[0] if preliminary else None,
                note=note,
            )

    def spend(self, digest: str, state: State, note: str) -> None:
        """The job of a request is of no more use; the file held before, if any, stays."""
        with self._open() as database:
            self._spend(database, digest)
            self._update(database, digest, state=state, note=note)

    def split(self, request: Request) -> None:
        """Too large; its halves stand for it from now on."""
        with self._open() as database:
            self._insert(database, request)
            self._update(database, request.digest, state=State.SPLIT, job=None, note="too large")

    # -- inside one transaction

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            database = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
            try:
                database.row_factory = sqlite3.Row
                database.execute("BEGIN IMMEDIATE")
                self._agree(database)
                yield database
                database.execute("COMMIT")
            finally:
                database.close()
        except sqlite3.DatabaseError as error:
            raise self._explained(error) from None

    def _agree(self, database: sqlite3.Connection) -> None:
        """Make the table where there is none; refuse one of a later version."""
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise SourceError(
                f"{self.path}: the journal is of version {version}, agreed up to {VERSION}: install a newer era5_fetch"
            )
        if version < VERSION:
            database.execute(_SCHEMA)
            database.execute(f"PRAGMA user_version = {VERSION}")

    def _explained(self, error: sqlite3.DatabaseError) -> BusyError | SourceError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells more of the same
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return BusyError(f"{self.path}: another process has held the journal for {WAIT:.0f} s: wait for its end")
        if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            return SourceError(f"{self.path}: the journal cannot be used ({error}): move the file away")
        return SourceError(f"{self.path}: {error}: is there space, and may it be written?")

    @staticmethod
    def _insert(database: sqlite3.Connection, request: Request) -> None:
        database.execute(
            "INSERT OR IGNORE INTO request (digest, dataset, inputs, state, updated) VALUES (?, ?, ?, ?, ?)",
            (request.digest, request.dataset, json.dumps(request.inputs), State.PLANNED, _now()),
        )

    @staticmethod
    def _update(database: sqlite3.Connection, digest: str, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in (*values, "updated"))
        database.execute(f"UPDATE request SET {columns} WHERE digest = ?", (*values.values(), _now(), digest))

    @staticmethod
    def _spend(database: sqlite3.Connection, digest: str) -> None:
        job, spent = database.execute("SELECT job, spent FROM request WHERE digest = ?", (digest,)).fetchone()
        if job is not None:
            text = json.dumps([*json.loads(spent), job])
            database.execute("UPDATE request SET spent = ?, job = NULL WHERE digest = ?", (text, digest))


def _now() -> str:
    return pd.Timestamp.now("UTC").isoformat(timespec="microseconds")


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    inputs = json.loads(values["inputs"])
    hours = {n: values[n] and pd.Timestamp(values[n]) for n in ("first_hour", "last_hour", "preliminary_until")}
    decoded = {"inputs": inputs, "state": State(values["state"]), "spent": tuple(json.loads(values["spent"]))}
    return Entry(**values | hours | decoded, request=Request.from_inputs(values["dataset"], inputs))
