"""Small pieces of work for tests of workers, in a module that a worker imports in no time."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from pipeline.errors import InputError


def half_of(number: int) -> float:
    """Half of a number, which must not be negative."""
    if number < 0:
        raise InputError(f"found {number}, agreed a number that is not negative")
    return number / 2


def process_of(_: int) -> int:
    """The process that does the work."""
    return os.getpid()


def after(sign: Path) -> tuple[bool, int]:
    """Given a folder, puts the file ``sign`` there; given that file, waits for it, at most half a minute."""
    if sign.is_dir():
        (sign / "sign").touch()
        return False, os.getpid()
    deadline = time.monotonic() + 30
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)  # what was done before is told before
    return True, os.getpid()


def dies_of(number: int) -> tuple[int, str]:
    """Ends as a process does that the system kills, when the number is 7."""
    if number == 7:
        os._exit(9)
    return number, "done"


def dies_once(sign: Path) -> str:
    """Ends its process the first time; the file ``sign`` tells that there was one."""
    if not sign.exists():
        sign.touch()
        os._exit(9)
    return sign.name


def fails(how: str) -> str:
    """Raises what nobody agreed, or as on a full disk; otherwise the word itself."""
    if how == "ValueError":
        raise ValueError("nobody agreed this")
    if how == "disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    return how
