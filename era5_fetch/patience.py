"""How long to wait for a server, and how often: one table, with the clock as an argument."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Waits [s]; the shares of chance keep processes that began together from asking together."""

    retries: tuple[float, ...] = (5, 15, 30, 60, 120, 300)
    """Between attempts at a server that does not answer, or cuts the connection."""
    queue_full: tuple[float, ...] = (180, 240, 300, 450, 600, 900, 900, 900)
    """After "queued requests temporarily limited"; users of the CDS report 180 s as the least that helps."""
    polls: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60)
    """Between questions whether a job is done; the last for ever."""
    timeout: tuple[float, float] = (10, 120)
    """To connect, and for the next bytes."""
    jitter: float = 0.25
    """The share of a wait that chance adds at most."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def jittered(self, wait: float) -> float:
        """A wait with its share of chance."""
        return wait * (1 + self.jitter * self.chance())

    def wait(self, attempt: int, *, at_least: float | None = None) -> None:
        """Sleep after the attempt of this number, from 0; what the server asked for is the least."""
        self.sleep(max(self.jittered(self.retries[min(attempt, len(self.retries) - 1)]), at_least or 0.0))

    def poll(self, number: int) -> None:
        """Sleep before the question of this number, from 0."""
        self.sleep(self.jittered(self.polls[min(number, len(self.polls) - 1)]))
