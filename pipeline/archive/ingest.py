"""Appending what is new in a folder of files to an archive; safe to kill at any moment."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import __version__
from pipeline.archive.ledger import Entry, Held, Ledger, Source, locked, source
from pipeline.archive.store import Store, Written
from pipeline.contracts import Batch, Observed
from pipeline.errors import ConfigError, InputError, TianbangError
from pipeline.progress import tracked
from pipeline.stations import BATCH_READERS
from pipeline.stations.options import other_files
from pipeline.store import digest, file_digest

POLLUTANTS = ("pm25", "pm10", "so2", "no2", "o3", "co")
"""The six of GB 3095 that an archive holds."""
TOGETHER = 16
"""Batches that are written and entered in the ledger together."""
WORTH_PROCESSES = 12
"""Fewer new batches are read in this process: starting others takes longer."""


@dataclass(frozen=True)
class Task:
    """A batch to be read, with all that reading depends on."""

    reader: str
    batch: Batch
    options: Any
    utc_offset: float


@dataclass(frozen=True)
class Parsed:
    """A batch that was read, and its files as they were then."""

    batch: Batch
    files: tuple[Source, ...]
    observed: Observed


@dataclass(frozen=True)
class Summary:
    """What an ingest did."""

    batches: int
    files: int
    hours: int
    stations: int
    unchanged: int
    rejected: dict[str, int]
    others: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        """One line."""
        others = f"; {len(self.others)} files of other names, such as {self.others[0]}" if self.others else ""
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(self.rejected.items())) or "none"
        return (
            f"ingest: {self.files} files, {self.hours / 24:.1f} days, {self.stations} stations in "
            f"{self.seconds:.1f} s; {self.unchanged} batches unchanged; listed by rule: {rules}{others}"
        )


def ingest(options: Any, folder: Path, *, utc_offset: float, processes: int | None = None) -> Summary:
    """Appends batches that are new, or whose files changed, to the archive in ``folder``.

    ``options`` are those of a reader of batches. Files are read in ``processes`` (by default one a core), batches are
    written in the order of their keys. A TianbangError when another ingest is running.
    """
    started = time.monotonic()
    if options.reader not in BATCH_READERS:
        raise ConfigError(
            f"observations.reader: {options.reader!r} reads no archive of files; agreed one of {sorted(BATCH_READERS)}"
        )
    batches = BATCH_READERS[options.reader].batches(options)
    taken = [file for batch in batches for file in batch.files]
    others = [file.name for file in other_files(options.path, taken)]
    with locked(folder), Ledger(folder, write=True) as ledger:
        ledger.clear()
        ledger.note_others(options.reader, others)
        store, made_of = Store(folder, write=True), recipe(options, utc_offset)
        new = list(new_batches(batches, ledger, options.reader, made_of))
        tasks = [Task(options.reader, batch, options, utc_offset) for batch in new]
        totals = Totals()
        read = read_in_order(tasks, processes)
        for group in groups(tracked(read, stage="ingest", total=len(tasks)) if tasks else (), TOGETHER):
            write(group, store, ledger, reader=options.reader, made_of=made_of)
            totals.add(group)
    return totals.summary(len(batches) - len(new), others, time.monotonic() - started)


def recipe(options: Any, utc_offset: float) -> str:
    """A digest of what a batch is read with besides its files: where these lie does not matter."""
    return digest([__version__, options.model_dump(mode="json", exclude={"path"}), utc_offset, POLLUTANTS])


def new_batches(batches: Sequence[Batch], ledger: Ledger, reader: str, made_of: str) -> Iterator[Batch]:
    """Batches that are not held, or were read from other bytes or with other options."""
    held = ledger.held(reader)
    for batch in batches:
        entry = held.get(batch.key)
        if entry is None or entry.made_of != made_of or changed(batch, entry, ledger):
            yield batch


def changed(batch: Batch, entry: Held, ledger: Ledger) -> bool:
    """Whether a held batch's files have other bytes. Only files whose size or time differ are read."""
    if [file.name for file in entry.files] != [path.name for path in batch.files]:
        return True
    pairs = list(zip(batch.files, entry.files, strict=True))
    if all(source(path, known.digest) == known for path, known in pairs):
        return False
    now = [source(path, file_digest(path)) for path, _ in pairs]
    if [file.digest for file in now] != [known.digest for known in entry.files]:
        return True
    ledger.refresh(entry.number, now)
    return False


def parse(task: Task) -> Parsed:
    """Reads a batch; runs in any process."""
    # the digests first: a file that changes while it is read is read again next time
    files = tuple(source(path, file_digest(path)) for path in task.batch.files)
    observed = BATCH_READERS[task.reader].read_batch(
        task.batch, task.options, pollutants=POLLUTANTS, utc_offset=task.utc_offset
    )
    if observed.data.attrs["resolution"] != "hour":
        raise InputError(f"{task.batch.key}: found daily values; an archive holds hours; read them without one")
    return Parsed(task.batch, files, observed)


def read_in_order(tasks: Sequence[Task], processes: int | None) -> Iterator[Parsed]:
    """Parsed batches in order; no more than a few wait in memory."""
    count = (os.cpu_count() or 1) if processes is None else processes
    if count < 2 or len(tasks) < WORTH_PROCESSES:
        yield from map(parse, tasks)
        return
    # not forked: the store has threads of its own by then
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        try:
            yield from in_order(pool, parse, tasks, ahead=2 * count)
        except BrokenProcessPool:
            raise TianbangError("a worker process died, perhaps for want of memory; run again to continue") from None
        finally:
            pool.shutdown(cancel_futures=True)


def in_order(
    pool: ProcessPoolExecutor, function: Callable[[Task], Parsed], tasks: Iterable[Task], *, ahead: int
) -> Iterator[Parsed]:
    """Results in the order of the tasks, of which at most ``ahead`` are under way or done."""
    waiting: deque[Future[Parsed]] = deque()
    rest = iter(tasks)
    waiting.extend(pool.submit(function, task) for task in islice(rest, ahead))
    while waiting:
        done = waiting.popleft().result()
        waiting.extend(pool.submit(function, task) for task in islice(rest, 1))
        yield done


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for tasks for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def groups(items: Iterable[Parsed], size: int) -> Iterator[list[Parsed]]:
    """The items in lists of ``size``."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


def write(group: Sequence[Parsed], store: Store, ledger: Ledger, *, reader: str, made_of: str) -> None:
    """Values first, then the ledger: until that transaction nothing of the group is held."""
    names = sorted({str(name) for each in group for name in each.observed.data["station"].to_numpy()})
    places = ledger.place(names)
    ledger.declare(
        {str(name): str(array.attrs["units"]) for each in group for name, array in each.observed.data.data_vars.items()}
    )
    numbers = ledger.begin(reader, [each.batch.key for each in group])
    written = [_written(each, number, places) for each, number in zip(group, numbers, strict=True)]
    claims = store.write(written, ledger)
    entries = [
        Entry(batch.number, made_of, each.files, batch.labels, batch.positions, each.observed.rejected)
        for each, batch in zip(group, written, strict=True)
    ]
    ledger.enter(entries, claims)


def _written(parsed: Parsed, number: int, places: dict[str, int]) -> Written:
    data = parsed.observed.data
    positions = np.array([places[str(name)] for name in data["station"].to_numpy()], dtype=np.int64)
    values = {
        str(name): array.transpose("time", "station").to_numpy().astype(np.float32)
        for name, array in data.data_vars.items()
    }
    return Written(number, pd.DatetimeIndex(data.get_index("time")), positions, values)


class Totals:
    """Counts over the batches of an ingest."""

    def __init__(self) -> None:
        self.batches, self.files, self.hours = 0, 0, 0
        self.stations: set[str] = set()
        self.rejected: dict[str, int] = {}

    def add(self, group: Sequence[Parsed]) -> None:
        """Counts a group of batches; of what was rejected, the rows."""
        for each in group:
            self.batches += 1
            self.files += len(each.files)
            self.hours += each.observed.data.sizes["time"]
            self.stations.update(map(str, each.observed.data["station"].to_numpy()))
            for rule, count in each.observed.rejected["rule"].value_counts().items():
                self.rejected[str(rule)] = self.rejected.get(str(rule), 0) + int(count)

    def summary(self, unchanged: int, others: Sequence[str], seconds: float) -> Summary:
        """The counts with what else is known at the end."""
        return Summary(
            self.batches,
            self.files,
            self.hours,
            len(self.stations),
            unchanged,
            dict(self.rejected),
            tuple(others),
            seconds,
        )
