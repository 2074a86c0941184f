"""Mapping over places with Dask: processes on this machine, or any ``distributed`` scheduler."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from pipeline.errors import ConfigError, TianbangError

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = "10s"
"""How long a scheduler is waited for."""


def each(
    function: Callable[[Item], Result], items: Sequence[Item], *, scheduler: str | None = None
) -> Iterator[Result]:
    """The results of ``function`` over ``items`` in the order they are done.

    ``scheduler`` is the address of a ``distributed`` scheduler; without one, a Dask process for each core. Results do
    not depend on either. One numerical thread a task: more only wait for each other.
    """
    if scheduler and items:
        yield from _distributed(function, items, scheduler)
    elif len(items) < 2:
        yield from map(function, items)
    else:
        yield from _processes(function, items)


def _distributed(function: Callable[[Item], Result], items: Sequence[Item], address: str) -> Iterator[Result]:
    from distributed import Client, as_completed

    try:
        # not the default: a client that found nobody would stay it, and xarray would ask it for locks
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--scheduler: found no Dask scheduler at {address!r} ({error}); start one with `dask scheduler`"
        ) from None
    with client:
        futures = client.map(function, items, pure=False, retries=2)
        for future in as_completed(futures, loop=client.loop):
            yield future.result()


def _processes(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    import dask
    from dask.callbacks import Callback

    done: SimpleQueue[Any] = SimpleQueue()
    tasks = [dask.delayed(function, pure=False)(item) for item in items]
    keys = {task.key for task in tasks}

    def tell(key: str, value: Any, *_: Any) -> None:
        if key in keys:
            done.put(value)

    def compute() -> None:
        try:
            with Callback(posttask=tell):
                dask.compute(*tasks, scheduler="processes", num_workers=os.cpu_count(), chunksize=1)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            done.put(error)

    worker = Thread(target=compute, daemon=True)
    worker.start()
    for _ in items:
        value = done.get()
        if isinstance(value, BrokenExecutor):
            raise TianbangError("a worker process died, perhaps for want of memory; run again to continue") from None
        if isinstance(value, BaseException):
            # dask wraps a remote error, with its traceback as text: ours are one line
            raise getattr(value, "exception", value) if isinstance(value, TianbangError) else value
        yield value
    worker.join()
