"""The ledger of an archive, SQLite: what is held is what it says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.contracts import REJECTED
from pipeline.errors import InputError, TianbangError
from pipeline.stations import rejections
from pipeline.stations.rejections import runs_of_labels

FILE = "ledger.sqlite"
HOUR = pd.Timedelta(hours=1)
EPOCH = pd.Timestamp(0)
PATIENCE = 60.0
"""Seconds a reader waits for an ingest that is entering batches."""

TABLES = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reader TEXT NOT NULL, key TEXT NOT NULL, held INTEGER NOT NULL DEFAULT 0,
    made_of TEXT, files TEXT, stations BLOB, ingested TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS held_once ON batch (reader, key) WHERE held;
CREATE TABLE IF NOT EXISTS station (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS variable (name TEXT PRIMARY KEY, units TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS run (batch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS claim (
    variable TEXT NOT NULL, label INTEGER NOT NULL, position INTEGER NOT NULL, batch INTEGER NOT NULL,
    value REAL NOT NULL, PRIMARY KEY (variable, label, position, batch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejected (
    batch INTEGER NOT NULL,
    "file", "station", "variable", "rule", "start", "end", "values", "lowest", "highest", "detail"
);
CREATE TABLE IF NOT EXISTS other_file (reader TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS run_of ON run (batch);
CREATE INDEX IF NOT EXISTS rejected_of ON rejected (batch);
"""
OF_BATCH = ("run", "claim", "rejected")


@dataclass(frozen=True)
class Source:
    """A file as it was when it was read: what is cheap to ask, and the digest of its bytes."""

    name: str
    size: int
    modified: int
    digest: str


@dataclass(frozen=True)
class Held:
    """What the ledger says of a held batch."""

    number: int
    made_of: str
    files: tuple[Source, ...]


@dataclass(frozen=True)
class Entry:
    """A batch to be entered: its labels, the positions of its stations, its sources and what was rejected."""

    number: int
    made_of: str
    files: tuple[Source, ...]
    labels: pd.DatetimeIndex
    positions: npt.NDArray[np.int64]
    rejected: pd.DataFrame


@dataclass(frozen=True)
class Claim:
    """A value of a batch for a cell that another batch gave first; ``label`` in hours since 1970."""

    variable: str
    label: int
    position: int
    number: int
    value: float


def existing(folder: Path) -> Path:
    """The ledger of the archive in ``folder``; no archive there is an InputError."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{folder}: found no archive (no {FILE} in it); make one with `tianbang ingest CONFIG`")
    return path


def hours(labels: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Labels as hours since 1970-01-01 00:00."""
    return labels.to_numpy().astype("datetime64[h]").astype(np.int64)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The right to write into the archive; a TianbangError when someone else has it. Ends with the process."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).exists() and (foreign := [path.name for path in folder.iterdir() if path.name != ".lock"]):
        raise InputError(
            f"{folder}: found {foreign[0]} and no {FILE}: a folder of something else; agreed an archive or a new folder"
        )
    with (folder / ".lock").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TianbangError(
                f"{folder}: another ingest is running; agreed one at a time; run this one again when it is done"
            ) from None
        yield


class Ledger:
    """An open ledger. Every method that changes something is one transaction."""

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        path = folder / FILE if write else existing(folder)
        try:
            # never read-only: what a killed ingest left half written is rolled back by whoever comes next
            mode = "rwc" if write else "rw"
            self.connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE)
            if write:
                self.connection.executescript(TABLES)
            self.connection.execute("SELECT count(*) FROM batch")
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path}: not the ledger of an archive ({error}); restore it or ingest anew") from None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows that answer a question."""
        with closing(self.connection.execute(question, values)) as cursor:
            return cursor.fetchall()

    def held(self, reader: str) -> dict[str, Held]:
        """The held batches of a reader, by key."""
        found = self.rows("SELECT key, id, made_of, files FROM batch WHERE held AND reader = ?", reader)
        return {
            key: Held(number, made_of, tuple(Source(*source) for source in json.loads(files)))
            for key, number, made_of, files in found
        }

    def counts(self) -> npt.NDArray[np.bool_]:
        """Whether a batch of a number is held; an array as long as the largest number and one more."""
        numbers = [number for (number,) in self.rows("SELECT id FROM batch WHERE held")]
        counts = np.zeros(max(numbers, default=0) + 1, dtype=bool)
        counts[numbers] = True
        return counts

    def clear(self) -> None:
        """Forgets batches that were begun and not entered."""
        with self.connection:
            for table in OF_BATCH:
                self.connection.execute(f"DELETE FROM {table} WHERE batch IN (SELECT id FROM batch WHERE NOT held)")
            self.connection.execute("DELETE FROM batch WHERE NOT held")

    def begin(self, reader: str, keys: Sequence[str]) -> list[int]:
        """New numbers for batches about to be written; what was held under their keys is held no more."""
        numbers = []
        with self.connection:
            for key in keys:
                for (old,) in self.rows("SELECT id FROM batch WHERE held AND reader = ? AND key = ?", reader, key):
                    for table in OF_BATCH:
                        self.connection.execute(f"DELETE FROM {table} WHERE batch = ?", (old,))
                    self.connection.execute("DELETE FROM batch WHERE id = ?", (old,))
                cursor = self.connection.execute("INSERT INTO batch (reader, key) VALUES (?, ?)", (reader, key))
                numbers.append(int(cursor.lastrowid or 0))
        return numbers

    def enter(self, entries: Sequence[Entry], claims: Sequence[Claim]) -> None:
        """From here on the batches are held."""
        with self.connection:
            for entry in entries:
                self._enter(entry)
            self.connection.executemany(
                "INSERT OR REPLACE INTO claim (variable, label, position, batch, value) VALUES (?, ?, ?, ?, ?)",
                [(claim.variable, claim.label, claim.position, claim.number, claim.value) for claim in claims],
            )

    def _enter(self, entry: Entry) -> None:
        self.connection.execute(
            "UPDATE batch SET held = 1, made_of = ?, files = ?, stations = ?, ingested = datetime('now') WHERE id = ?",
            (entry.made_of, _listed(entry.files), _bits(entry.positions), entry.number),
        )
        runs = [(entry.number, *hours(pd.DatetimeIndex(run)).tolist()) for run in runs_of_labels(entry.labels)]
        self.connection.executemany("INSERT INTO run VALUES (?, ?, ?)", runs)
        marks = ", ".join("?" * (len(REJECTED) + 1))
        rejected = entry.rejected.astype(object).where(entry.rejected.notna(), None)
        plain = [(entry.number, *map(_plain, row)) for row in rejected[list(REJECTED)].itertuples(index=False)]
        self.connection.executemany(f"INSERT INTO rejected VALUES ({marks})", plain)

    def refresh(self, number: int, files: Sequence[Source]) -> None:
        """Notes that files of a held batch were touched without a change."""
        with self.connection:
            self.connection.execute("UPDATE batch SET files = ? WHERE id = ?", (_listed(files), number))

    def note_others(self, reader: str, names: Sequence[str]) -> None:
        """Notes the files that ``reader`` found and does not know by their names, instead of those it found before."""
        with self.connection:
            self.connection.execute("DELETE FROM other_file WHERE reader = ?", (reader,))
            self.connection.executemany("INSERT INTO other_file VALUES (?, ?)", [(reader, name) for name in names])

    def others(self) -> dict[str, list[str]]:
        """Files of other names that the latest ingest of each reader found; none in a ledger without such a table."""
        if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'other_file'"):
            return {}
        found: dict[str, list[str]] = {}
        for reader, name in self.rows("SELECT reader, name FROM other_file ORDER BY reader, rowid"):
            found.setdefault(reader, []).append(name)
        return found

    def positions(self) -> dict[str, int]:
        """Where each station's values stand."""
        return dict(self.rows("SELECT name, position FROM station"))

    def place(self, names: Sequence[str]) -> dict[str, int]:
        """Where each station's values stand, with a place for each of ``names``."""
        known = self.positions()
        new = [name for name in names if name not in known]
        places = range(len(known), len(known) + len(new))
        with self.connection:
            self.connection.executemany("INSERT INTO station VALUES (?, ?)", zip(places, new, strict=True))
        return known | dict(zip(new, places, strict=True))

    def units(self) -> dict[str, str]:
        """The variables of the archive and their units."""
        return dict(self.rows("SELECT name, units FROM variable"))

    def declare(self, units: dict[str, str]) -> None:
        """Enters variables with their units; a unit other than the one it has is an InputError."""
        known = self.units()
        for name, found in units.items():
            if known.get(name, found) != found:
                raise InputError(f"archive: '{name}' is in {found!r}, agreed {known[name]!r}; use another archive")
        with self.connection:
            self.connection.executemany("INSERT OR IGNORE INTO variable VALUES (?, ?)", units.items())

    def extent(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """First and last label held; None when nothing is."""
        ((first, last),) = self.rows("SELECT min(first), max(last) FROM run JOIN batch ON id = batch WHERE held")
        return None if first is None else (EPOCH + first * HOUR, EPOCH + last * HOUR)

    def runs(self) -> list[tuple[Any, ...]]:
        """First and last label of each run held, in hours since 1970."""
        return self.rows("SELECT first, last FROM run JOIN batch ON id = batch WHERE held")

    def stations(self, first: pd.Timestamp, last: pd.Timestamp) -> dict[str, int]:
        """Stations of the batches that hold labels from ``first`` to ``last``, sorted, and where their values stand."""
        limits = hours(pd.DatetimeIndex([first, last])).tolist()
        found = self.rows(
            "SELECT DISTINCT stations FROM batch JOIN run ON batch = id WHERE held AND last >= ? AND first <= ?",
            *limits,
        )
        bits = [np.unpackbits(np.frombuffer(blob, dtype=np.uint8), bitorder="little") for (blob,) in found]
        there = np.zeros(max(map(len, bits), default=0), dtype=bool)
        for each in bits:
            there[: len(each)] |= each.astype(bool)
        return {name: place for name, place in sorted(self.positions().items()) if place < len(there) and there[place]}

    def claims(self, first: int, last: int, variable: str) -> list[Claim]:
        """Claims of held batches for labels from ``first`` to ``last`` [hours since 1970]."""
        found = self.rows(
            "SELECT label, position, batch, value FROM claim JOIN batch ON id = batch "
            "WHERE held AND variable = ? AND label BETWEEN ? AND ?",
            *(variable, first, last),
        )
        return [Claim(variable, *row) for row in found]

    def rejected(self) -> pd.DataFrame:
        """What readers rejected in the batches held: the columns ``REJECTED``, and ``key`` of the batch.

        Beside them a row for each reader that found files of other names; its ``key`` is the reader's name.
        """
        columns = ", ".join(f'"{name}"' for name in REJECTED)
        found = self.rows(f"SELECT {columns}, key FROM rejected JOIN batch ON id = batch WHERE held")
        for reader, names in self.others().items():
            (told,) = rejections.other_files([Path(name) for name in names])
            found.append((*(_plain(told[column]) for column in REJECTED), reader))
        frame = pd.DataFrame(found, columns=[*REJECTED, "key"])
        times = {name: pd.to_datetime(frame[name]).astype("datetime64[ns]") for name in ("start", "end")}
        numbers = {name: frame[name].astype(float) for name in ("lowest", "highest")}
        return frame.assign(**times, **numbers).sort_values(list(REJECTED), ignore_index=True)


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _listed(files: Sequence[Source]) -> str:
    return json.dumps([[file.name, file.size, file.modified, file.digest] for file in files], ensure_ascii=False)


def _bits(positions: npt.NDArray[np.int64]) -> bytes:
    there = np.zeros(int(positions.max(initial=-1)) + 1, dtype=bool)
    there[positions] = True
    return np.packbits(there, bitorder="little").tobytes()


def source(path: Path, digest: str) -> Source:
    """A file with its digest."""
    found = path.stat()
    return Source(path.name, found.st_size, found.st_mtime_ns, digest)
