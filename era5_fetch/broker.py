"""The long conversation with the CDS: what waits, what is in flight, what is to be fetched, what went wrong.

At every step the journal says how far each request is, so that a run can be killed anywhere: the next one goes
on with the jobs it finds there. Of two processes on one cache, the one that holds a request's lock talks about
it; the other waits for the file.
"""

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from filelock import Timeout

from era5_fetch.errors import DecodeError, Era5Error, FileError, RequestError, SourceError, TransferError, WaitError
from era5_fetch.journal import State
from era5_fetch.patience import Patience
from era5_fetch.plan import LATE, split
from era5_fetch.progress import Logged
from era5_fetch.request import normalised
from era5_fetch.server import AccessRefused, JobGone, NoData, QueueFull, Setback, TooLarge
from era5_fetch.transfer import AssetGone, SizeError, fetch
from era5_fetch.validate import Report, Unpublished, check_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from filelock import FileLock

    from era5_fetch.cache import Cache
    from era5_fetch.journal import Entry
    from era5_fetch.progress import Teller
    from era5_fetch.request import Request
    from era5_fetch.server import Inputs, Listed, Server

IN_FLIGHT = 2
"""The most requests of a dataset that wait or run on the server: it rejects more (six projects, August to October
2026: 4, 6 and 8 fail, 1 and 2 work)."""
DOWNLOADS = 2
"""How often a file is fetched that does not hold what it should."""
JOBS = 3
"""How often a request is asked for in one run whose job, or its file, vanishes."""
TOLD_EVERY = 600.0
"""Between two lines about a job that waits in the server's queue [s]."""
_DAMAGED = (FileError, DecodeError, SizeError)
"""What another download of the same file may mend."""


@dataclass
class _Task:
    """A request that this process has a job for, and the lock that says so."""

    request: Request
    lock: FileLock
    job: str
    since: float
    """When it was taken up, by the clock of `Patience` [s]."""
    told: float
    """When a line last said how far it is [s]."""
    status: str = ""
    ready: bool = False
    setbacks: int = 0


class Broker:
    """Fetches requests into a cache, one `fetch` at a time."""

    def __init__(
        self,
        cache: Cache,
        server: Server,
        *,
        now: pd.Timestamp,
        patience: Patience | None = None,
        teller: Teller | None = None,
        wait: pd.Timedelta | None = None,
    ) -> None:
        self._cache, self._server, self._now = cache, server, now
        self._patience, self._teller = patience or Patience(), teller or Logged()
        self._wait = wait
        self._until = float("inf")
        self._work: deque[Request] = deque()
        self._mine: dict[str, _Task] = {}
        self._known: Mapping[str, str] = {}
        self._failures: list[Era5Error] = []
        self._pending: list[pd.DatetimeIndex] = []
        self._closed_until: dict[str, float] = {}
        self._rejected: Counter[str] = Counter()
        self._vanished: Counter[str] = Counter()
        self._remote: list[Listed] | None = None
        self._inputs: dict[str, Inputs | None] = {}
        self._full: set[str] = set()
        self._said: set[str] = set()

    def fetch(self, requests: Sequence[Request], *, known: Mapping[str, str]) -> pd.DatetimeIndex:
        """Fetch requests into the cache; the hours that are not published yet.

        `known` gives the journal's time of each request that was held when the caller looked: these are
        fetched anew. One that another process has fetched since is left as it is. One request's failure
        does not stop the others.

        Raises
        ------
        RequestError
            The server refuses a request, the key, or a licence is missing.
        TransferError, ContentError, FileError, DecodeError, GridError
            A file did not come, or is not what was asked for.
        SourceError
            The server does not answer.
        WaitError
            The time to wait is over: what is not here yet stays in the journal, with its jobs.
        """
        self._known = known
        self._until = float("inf") if self._wait is None else self._patience.clock() + self._wait.total_seconds()
        begun = {entry.digest for entry in self._cache.journal.entries() if entry.job is not None}
        self._work = deque(sorted(requests, key=lambda request: request.digest not in begun))
        try:
            self._converse()
            left = [*self._mine.values()]
        finally:
            for task in self._mine.values():
                task.lock.release()
            self._mine.clear()
        if self._failures:
            raise _together(self._failures)
        if left or self._work:
            raise self._out_of_time(left)
        return pd.DatetimeIndex(np.unique(np.concatenate([*self._pending, pd.DatetimeIndex([])])), name="time")

    def _converse(self) -> None:
        idle = 0
        while self._work or self._mine:
            moved = self._start()
            for task in list(self._mine.values()):
                moved |= not task.ready and self._poll(task)
            moved |= self._start()  # the server's queue is filled before a long download
            for task in list(self._mine.values()):
                moved |= task.ready and self._download(task)
            if self._patience.clock() >= self._until:
                return
            idle = 0 if moved else idle + 1
            if not moved:
                self._patience.poll(idle - 1)

    def _out_of_time(self, left: Sequence[_Task]) -> WaitError:
        jobs = ", ".join(f"{task.request.label}: {task.status or 'asked for'}" for task in left[:IN_FLIGHT])
        told = f" ({jobs})" if jobs else ""
        return WaitError(
            f"{len(left) + len(self._work)} requests are not here after {_span(self._wait)}{told}: the server goes on"
            " with their jobs, run again to fetch them"
        )

    # -- from plan to job

    def _start(self) -> bool:
        moved = False
        self._full.clear()
        for request in list(self._work):
            closed = self._patience.clock() < self._closed_until.get(request.dataset, 0.0)
            if closed or request.dataset in self._full:
                continue
            lock = self._cache.lock(request)
            try:
                lock.acquire()
            except Timeout:
                self._say_once(f"{request.label}: another process fetches it, waiting")
                continue
            try:
                moved |= self._begin(request, lock)
            finally:
                if request.digest not in self._mine:
                    lock.release()
        return moved

    def _begin(self, request: Request, lock: FileLock) -> bool:
        """Whether a request, now ours alone, came a step further."""
        entry = self._cache.journal.entry(request.digest)
        if entry is not None and entry.state is State.HELD and entry.updated != self._known.get(request.digest):
            self._work.remove(request)
            return True
        if entry is not None and entry.state is State.SPLIT:
            self._replace_by_halves(request)
            return True
        if entry is not None and entry.job is not None:
            self._teller.say(f"{request.label}: goes on with job {entry.job}")
            return self._took(request, lock, entry.job)
        if not self._cache.journal.claim(request, limit=IN_FLIGHT):
            self._full.add(request.dataset)
            return self._settle_others()
        return self._ask(request, lock, entry)

    def _took(self, request: Request, lock: FileLock, job: str) -> bool:
        self._work.remove(request)
        now = self._patience.clock()
        self._mine[request.digest] = _Task(request, lock, job, since=now, told=now)
        return True

    def _ask(self, request: Request, lock: FileLock, entry: Entry | None) -> bool:
        try:
            job = self._job_for(request, entry)
        except Era5Error as error:
            self._work.remove(request)
            self._refused(request, error)
            return True
        self._cache.journal.submitted(request.digest, job)
        return self._took(request, lock, job)

    def _job_for(self, request: Request, entry: Entry | None) -> str:
        """A job on the server for a request: one that is there already, or else a new one.

        A reply to a submission may be lost after the server took it; so before each further attempt the
        server's own list is read.
        """
        spent = frozenset(entry.spent if entry else ())
        if entry is not None and entry.state is State.SUBMITTING:
            self._remote = None
        for attempt in range(len(self._patience.retries) + 1):
            try:
                if (job := self._identical(request, spent)) is not None:
                    self._teller.say(f"{request.label}: the server has it already, as job {job}")
                    return job
                job = self._server.submit(request)
                self._teller.say(f"{request.label}: asked for, job {job}")
                return job
            except Setback as setback:
                last = setback
                self._remote = None
                self._say_setback(request, setback, attempt)
        raise SourceError(f"{request.label}: {last}, {attempt + 1} times: run again later to go on")

    def _say_setback(self, request: Request, setback: Setback, attempt: int) -> None:
        if attempt < len(self._patience.retries):
            self._teller.say(f"{request.label}: {setback}; trying again")
            self._patience.wait(attempt, at_least=setback.after)

    def _identical(self, request: Request, spent: frozenset[str]) -> str | None:
        """The newest job of the same request, by whomever it was asked for, that has not been used up."""
        if self._remote is None:
            self._remote = self._server.jobs()
        wanted = normalised(request.inputs)
        for listed in self._remote:
            if listed.dataset != request.dataset or listed.job in spent:
                continue
            if (listed.inputs or self._looked_up(listed.job)) == wanted:
                return listed.job
        return None

    def _looked_up(self, job: str) -> Inputs | None:
        """What a job was asked for, asked once; None of one that is gone or odd: it is none of ours."""
        if job not in self._inputs:
            try:
                self._inputs[job] = self._server.inputs(job)
            except (JobGone, RequestError):
                self._inputs[job] = None
        return self._inputs[job]

    def _settle_others(self) -> bool:
        """Ask after the jobs of processes that died; those done no longer keep others from being asked."""
        moved = False
        for entry in self._cache.in_flight(except_for=self._mine):
            lock = self._cache.lock(entry.request)
            with suppress(Timeout, Setback), lock:
                moved |= self._settle(entry)
        if not moved:
            self._say_once(f"{IN_FLIGHT} requests are in flight, the rest wait")
        return moved

    def _settle(self, entry: Entry) -> bool:
        journal, job = self._cache.journal, entry.job
        if job is None:
            self._remote = None
            job = self._identical(entry.request, frozenset(entry.spent))
            if job is None:
                journal.spend(entry.digest, State.PLANNED, "no job came of it")
                return True
            journal.submitted(entry.digest, job)
        try:
            status = self._server.status(job, entry.request.label)
        except JobGone:
            status = "gone"
        if status == "successful":
            journal.ready(entry.digest)
        elif status not in {"accepted", "running"}:
            journal.spend(entry.digest, State.PLANNED, f"its job is {status}")
        return status not in {"accepted", "running"}

    # -- from job to file

    def _poll(self, task: _Task) -> bool:
        try:
            status = self._server.status(task.job, task.request.label)
            if status in {"accepted", "running"}:
                self._say_status(task, status)
                return False
            if status not in {"successful", "failed", "rejected"}:
                raise JobGone(f"job {task.job} is {status}")
            if status != "successful":
                self._server.asset(task.job, task.request.label)  # says why
        except Era5Error as error:
            return self._trouble(task, error)
        self._cache.journal.ready(task.request.digest)
        task.ready, task.setbacks = True, 0
        return True

    def _say_status(self, task: _Task, status: str) -> None:
        """A line where the status has changed, and every ten minutes."""
        now = self._patience.clock()
        if status != task.status:
            self._teller.say(f"{task.request.label}: job {task.job} is {status}")
        elif now - task.told >= TOLD_EVERY:
            since = pd.Timedelta(seconds=now - task.since)
            self._teller.say(f"{task.request.label}: job {task.job} is still {status} after {_span(since)}")
        else:
            return
        task.status, task.told = status, now

    def _download(self, task: _Task) -> bool:
        try:
            self._fetch_file(task)
        except Era5Error as error:
            return self._trouble(task, error)
        self._leave(task)
        return True

    def _fetch_file(self, task: _Task) -> None:
        request = task.request
        reports: list[Report] = []
        asset = self._server.asset(task.job, task.request.label)
        target = self._cache.path(request)

        def kept(part: Path) -> None:
            reports.append(check_file(part, request, published_until=self._now - LATE))

        for attempt in range(DOWNLOADS):
            try:
                with self._teller.download(request.label) as progress:
                    received = fetch(
                        asset.url, target, size=asset.size, progress=progress, check=kept, patience=self._patience
                    )
                break
            except _DAMAGED as error:
                if attempt + 1 == DOWNLOADS:
                    raise
                self._teller.say(f"{request.label}: {error}; fetching it once more")
        (report,) = reports
        path = str(target.relative_to(self._cache.folder))
        self._cache.journal.held(request.digest, path, received, report.span, report.note)
        self._pending.append(report.pending)
        note = f"; {report.note}" if report.note else ""
        self._teller.say(f"{request.label}: {received.bytes / 1e6:.1f} MB are here{note}")

    def _trouble(self, task: _Task, error: Era5Error) -> bool:
        """What to do about a job or a file that did not come; whether anything moved."""
        if isinstance(error, Setback):
            return self._delayed(task, error)
        self._leave(task)
        if isinstance(error, JobGone | AssetGone):
            self._gone(task.request, error)
        elif isinstance(error, TransferError) and not isinstance(error, SizeError):
            self._failures.append(error)  # the job stays: the next run goes on with it
        else:
            self._refused(task.request, error)
        return True

    def _delayed(self, task: _Task, setback: Setback) -> bool:
        if task.setbacks < len(self._patience.retries):
            self._teller.say(f"{task.request.label}: {setback}; trying again")
            self._patience.wait(task.setbacks, at_least=setback.after)
            task.setbacks += 1
            return False
        self._leave(task)
        found = f"{setback}, {task.setbacks + 1} times: run again later to go on with job {task.job}"
        self._failures.append(SourceError(f"{task.request.label}: {found}"))
        return True

    def _leave(self, task: _Task) -> None:
        del self._mine[task.request.digest]
        task.lock.release()

    def _gone(self, request: Request, error: Era5Error) -> None:
        self._vanished[request.digest] += 1
        if self._vanished[request.digest] >= JOBS:
            self._refused(request, error)
            return
        self._teller.say(f"{request.label}: {error}; asking anew")
        self._cache.journal.spend(request.digest, State.PLANNED, str(error))
        self._work.appendleft(request)

    def _refused(self, request: Request, error: Era5Error) -> None:
        """The server's no to a request; it may stand for later, for less, or for good."""
        journal = self._cache.journal
        if isinstance(error, AccessRefused):
            journal.spend(request.digest, State.PLANNED, str(error))
            raise error
        if isinstance(error, QueueFull) and self._rejected[request.dataset] < len(self._patience.queue_full):
            journal.spend(request.digest, State.PLANNED, str(error))
            self._wait_for_queue(request)
        elif isinstance(error, TooLarge):
            journal.spend(request.digest, State.PLANNED, str(error))
            self._work.appendleft(request)
            self._halve(request, error)
        elif isinstance(error, NoData | Unpublished) and request.hours[0] > self._now - LATE:
            journal.spend(request.digest, State.PLANNED, "not published yet")
            self._pending.append(request.hours)
        else:
            journal.spend(request.digest, State.FAILED, str(error))
            self._failures.append(error)

    def _wait_for_queue(self, request: Request) -> None:
        wait = self._patience.jittered(self._patience.queue_full[self._rejected[request.dataset]])
        self._rejected[request.dataset] += 1
        self._closed_until[request.dataset] = self._patience.clock() + wait
        self._teller.say(f"{request.label}: the server takes no more of this dataset now; again in {wait:.0f} s")
        self._work.append(request)

    def _halve(self, request: Request, error: TooLarge) -> None:
        try:
            self._replace_by_halves(request)
        except Era5Error as whole:
            self._work.remove(request)
            self._cache.journal.spend(request.digest, State.FAILED, str(error))
            self._failures.append(whole)
            return
        self._cache.journal.split(request)
        self._teller.say(f"{request.label}: too large for one request, asking for two halves")

    def _replace_by_halves(self, request: Request) -> None:
        first, second = split(request)
        self._work.remove(request)
        self._work.extendleft((second, first))

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._teller.say(line)


def _span(wait: pd.Timedelta | None) -> str:
    """A time in hours and minutes: 2 h 10 min."""
    hours, minutes = divmod(round((wait or pd.Timedelta(0)).total_seconds() / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes or not hours else [])])


def _together(failures: Sequence[Era5Error]) -> Era5Error:
    first, more = failures[0], len(failures) - 1
    kind = SourceError if isinstance(first, JobGone | QueueFull | Setback) else type(first)
    return kind(f"{first} (and {more} more requests failed)" if more else str(first))
