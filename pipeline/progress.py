"""How far a stage is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def say(line: str) -> None:
    """One line for the reader of the run, on standard error, at once."""
    print(line, file=sys.stderr, flush=True)


def tracked(items: Iterable[Item], *, stage: str, total: int) -> Iterator[Item]:
    """The items as they come, told on the way; a line with count and seconds at the end."""
    started = time.monotonic()
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(items, description=f"{stage:<14}", total=total, console=Console(stderr=True), transient=True)
    else:
        tenth = max(1, total // 5)
        for done, item in enumerate(items, start=1):
            yield item
            if done % tenth == 0 and done < total:
                say(f"{stage}: {done} of {total}")
    say(f"{stage}: {total} done in {time.monotonic() - started:.1f} s")
