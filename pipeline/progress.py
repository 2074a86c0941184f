"""How far a stage is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


_AS_JSON = False


def speak_json(wanted: bool) -> None:
    """Whether the lines of this process are JSON objects, for programs that collect them."""
    global _AS_JSON
    _AS_JSON = wanted


def say(line: str) -> None:
    """One line for the reader of the run, on standard error, at once.

    As JSON it has ``time`` (UTC), ``level`` (info, warning, alert), ``stage`` (the word before the first colon, empty
    where there is none) and ``message``.
    """
    print(_as_json(line) if _AS_JSON else line, file=sys.stderr, flush=True)


def _as_json(line: str) -> str:
    stage, colon, _ = line.partition(":")
    stage = stage if colon and " " not in stage else ""
    level = next((level for level in ("warning", "alert") if line.startswith(level)), "info")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": now, "level": level, "stage": stage, "message": line}, ensure_ascii=False)


def tracked(items: Iterable[Item], *, stage: str, total: int) -> Iterator[Item]:
    """The items as they come, told on the way; a line with count and seconds at the end."""
    started = time.monotonic()
    if sys.stderr.isatty() and not _AS_JSON:
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
