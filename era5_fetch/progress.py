"""What a fetch tells on its way: a bar on a terminal, plain lines elsewhere, a log in a program."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

LOGGER = logging.getLogger("era5_fetch")
EVERY = 10.0
"""Between two plain lines about one download [s]."""


class Teller(Protocol):
    """Is told what happens."""

    def say(self, line: str) -> None:
        """One line."""

    def download(self, label: str) -> AbstractContextManager[Callable[[int, int | None], None]]:
        """A download begins; its context is told the bytes there and, if known, in all."""


class Logged:
    """Lines for the log `era5_fetch`, at level INFO."""

    def say(self, line: str) -> None:
        """One line."""
        LOGGER.info(line)

    @contextmanager
    def download(self, label: str) -> Iterator[Callable[[int, int | None], None]]:
        """A download begins."""
        yield lambda done, total: None


class Lines:
    """Plain lines on standard error, now and then with bytes, rate and time left."""

    def __init__(self, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every, clock

    def say(self, line: str) -> None:
        """One line."""
        print(line, file=sys.stderr, flush=True)

    @contextmanager
    def download(self, label: str) -> Iterator[Callable[[int, int | None], None]]:
        """A download begins."""
        began = last = self._clock()
        first: int | None = None

        def told(done: int, total: int | None) -> None:
            nonlocal last, first
            first = done if first is None else first
            if (now := self._clock()) - last >= self._every:
                last = now
                self.say(f"{label}: {state(done, total, (done - first) / (now - began))}")

        yield told


def state(done: int, total: int | None, rate: float) -> str:
    """How far a download is: bytes of bytes, bytes a second, seconds left."""
    of = f" of {total / 1e6:.1f}" if total else ""
    left = f", {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
    return f"{done / 1e6:.1f}{of} MB at {rate / 1e6:.1f} MB/s{left}"


class Bar:
    """A bar on the terminal with bytes, rate and time left; lines stand above it."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)

    def say(self, line: str) -> None:
        """One line."""
        self._console.print(line, markup=False, highlight=False)

    @contextmanager
    def download(self, label: str) -> Iterator[Callable[[int, int | None], None]]:
        """A download begins."""
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def for_terminal() -> Teller:
    """A bar where a person looks on, plain lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
