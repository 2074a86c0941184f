"""Mapping over places with Dask: processes on this machine, or any ``distributed`` scheduler.

Whatever happens to a worker, an item has one result: a lost worker's items are taken up again, and one that ends its
worker every time, or raises what nobody agreed, is ``failed`` and does not stop the others.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.clusters import HERE, Scheduler, connected
from pipeline.errors import TianbangError
from pipeline.progress import say

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")
Failed = Callable[[Item, Exception], Result]

DIED = "the worker process died each time, perhaps for want of memory"


class WorkerDied(TianbangError):
    """The process that worked on an item ended, every time it was tried."""


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    scheduler: Scheduler | None = None,
    failed: Failed[Item, Result] | None = None,
    logs: Path | None = None,
) -> Iterator[Result]:
    """The results of ``function`` over ``items`` in the order they are done.

    By default in a Dask process for each core. Results do not depend on the ``scheduler``. One numerical thread a task:
    more only wait for each other. What ``failed`` makes of an item and its error stands in for the result; without it,
    the error is raised, and so is a full disk, which fails them all. ``logs`` is a folder for what workers say.
    """
    where = scheduler or Scheduler()
    if where.kind == HERE and len(items) < 2:
        answers = _here(function, items)
    elif where.kind == HERE:
        answers = _with_dask(function, items, where)
    elif items:
        answers = _distributed(function, items, where, logs)
    else:
        return
    for number, value in answers:
        if isinstance(value, Exception):
            if failed is None or _of_disk(value):
                raise value
            yield failed(items[number], value)
        else:
            yield value


def _of_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


Answers = Iterator[tuple[int, Any]]
"""The number of an item, and its result or the error it raised."""


def _tried(function: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return function(item)
    except (TianbangError, OSError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - handed to the consumer, with what only this process knows
        error.add_note(traceback.format_exc())
        return error


def _here(function: Callable[[Item], Result], items: Sequence[Item]) -> Answers:
    return ((number, _tried(function, item)) for number, item in enumerate(items))


def _with_dask(function: Callable[[Item], Result], items: Sequence[Item], where: Scheduler) -> Answers:
    """On this machine. When a process dies nobody knows whose fault it was: those left are tried again, then alone."""
    left = dict(enumerate(items))
    for _ in range(1 + where.retries):
        try:
            for number, value in _computed(function, left, where.most):
                del left[number]
                yield number, value
        except BrokenExecutor:
            say(f"a worker process died, perhaps for want of memory; {len(left)} tasks are taken up again")
        else:
            return
    for number, item in left.items():
        try:
            yield from _computed(function, {number: item}, 1)
        except BrokenExecutor:
            yield number, WorkerDied(DIED)


def _computed(function: Callable[[Item], Result], items: Mapping[int, Item], workers: int) -> Answers:
    import dask
    from dask.callbacks import Callback

    done: SimpleQueue[Any] = SimpleQueue()
    tasks = [dask.delayed(partial(_tried, function), pure=False)(item) for item in items.values()]
    numbers = {task.key: number for task, number in zip(tasks, items, strict=True)}

    def tell(key: str, value: Any, *_: Any) -> None:
        if key in numbers:
            done.put((numbers[key], value))

    def compute() -> None:
        try:
            with Callback(posttask=tell):
                dask.compute(*tasks, scheduler="processes", num_workers=workers, chunksize=1)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            done.put(error)

    worker = Thread(target=compute, daemon=True)
    worker.start()
    for _ in tasks:
        answer = done.get()
        if isinstance(answer, BaseException):
            raise answer
        yield answer
    worker.join()


def _distributed(
    function: Callable[[Item], Result], items: Sequence[Item], where: Scheduler, logs: Path | None
) -> Answers:
    """On a scheduler. An item that waited on a worker that died is suspected too: suspects are tried again, alone."""
    with connected(where, logs) as client:
        suspects = []
        for number, value in _asked(client, function, dict(enumerate(items)), where.retries):
            if isinstance(value, WorkerDied):
                suspects.append(number)
            else:
                yield number, value
        for number in suspects:
            yield from _asked(client, function, {number: items[number]}, where.retries)


def _asked(client: Client, function: Callable[[Item], Result], items: Mapping[int, Item], retries: int) -> Answers:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    futures = client.map(partial(_tried, function), list(items.values()), pure=False, retries=retries)
    numbers = {future.key: number for future, number in zip(futures, items, strict=True)}
    for future in as_completed(futures, loop=client.loop):
        if future.cancelled():
            raise TianbangError("the Dask scheduler went away; run again to continue")
        error = future.exception()
        if isinstance(error, KilledWorker):
            yield numbers[future.key], WorkerDied(DIED)
        elif error is not None:
            raise TianbangError(f"the Dask scheduler failed ({error}); run again to continue")
        else:
            yield numbers[future.key], future.result()
