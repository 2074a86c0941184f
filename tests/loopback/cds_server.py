"""A CDS on this machine: the HTTP interface that the official client speaks, with faults to order.

Shapes follow ecmwf-projects/cads-processing-api-service 1.7 and ogc-api-processes-fastapi. Files are made of the
request, so that the same hour, cell and variable has the same value in whatever request it is asked for.

    with CdsServer() as cds:
        Client(url=cds.url, key=cds.key).retrieve(...)
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import hashlib
import itertools
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from loopback.era5_files import netcdf

KEY = "0123abcd-secret-of-the-tests"
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
_ORDER = itertools.count()
QUEUE_FULL = (
    "Number queued requests for this dataset is temporarily limited. Please configure your scripts accordingly."
)


@dataclasses.dataclass
class Job:
    """One job; `polls` questions after it are answered with "running"."""

    dataset: str
    inputs: dict[str, Any]
    polls: int
    outcome: str = "successful"
    traceback: str = ""
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "accepted"
    created: str = dataclasses.field(default_factory=lambda: f"2026-11-24T00:00:00.{next(_ORDER):06d}")
    asset: str = ""
    size: int = 0
    expired: bool = False
    odd: str = ""
    """"null": it does not tell its request; "gone": it is listed and not there."""


@dataclasses.dataclass
class Fault:
    """What a route does instead of its work."""

    status: int = 0
    body: dict[str, Any] | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    after_work: bool = False
    """The work is done, and then the reply is lost."""
    slow: float = 0.0


_NONE = Fault()
"""In a queue of faults, a call that does not fail."""


@dataclasses.dataclass
class CdsServer:
    """The server and its state; every attribute may be set by a test."""

    producer: Callable[[str, dict[str, Any]], bytes] = netcdf
    key: str = KEY
    polls: int = 0
    max_fields: int = 120_000
    in_flight_limit: int | None = None
    """More jobs than these that are not done are rejected, as the CDS does."""
    licence_accepted: bool = True
    accept_ranges: bool = True
    lie_about_size: int = 0
    requests_in_list: bool = True
    stall: float = 0.0
    """Seconds between two pieces of a file."""

    def __post_init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.assets: dict[str, bytes] = {}
        self.log: list[tuple[str, str, dict[str, str], Any]] = []
        self.faults: dict[str, collections.deque[Fault]] = collections.defaultdict(collections.deque)
        self.cuts: collections.deque[int] = collections.deque()
        self.outcomes: collections.deque[tuple[str, str]] = collections.deque()
        self.most_in_flight = 0
        self.lock = threading.RLock()

    def __enter__(self) -> CdsServer:
        handler = type("Handler", (_Handler,), {"cds": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{self.root}/api"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fail(self, route: str, status: int = 0, *, times: int = 1, **details: Any) -> None:
        """The next calls of a route fail: execution, job, jobs, results, asset, process, messages.

        Status 0 drops the connection.
        """
        self.faults[route].extend(Fault(status, **details) for _ in range(times))

    def fail_after(self, calls: int, route: str, status: int, *, times: int = 1) -> None:
        """As `fail`, once some calls of the route have been answered."""
        self.faults[route].extend([_NONE] * calls)
        self.fail(route, status, times=times)

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The inputs of every submission, in order."""
        return [
            body["inputs"] for method, path, _, body in self.log if method == "POST" and path.endswith("/execution")
        ]

    @property
    def downloads(self) -> list[dict[str, str]]:
        """The headers of every GET of a file, in order."""
        return [headers for method, path, headers, _ in self.log if method == "GET" and path.startswith("/store/")]

    def in_flight(self) -> int:
        return sum(job.status in {"accepted", "running"} for job in self.jobs.values())


def fields(inputs: dict[str, Any]) -> int:
    """Fields of a request, as the CDS counts them."""
    count = 1
    for name, value in inputs.items():
        count *= len(value) if isinstance(value, list) and name != "area" else 1
    return count


_TITLES = {429: "rate limit exceeded", 500: "internal server error", 503: "service unavailable"}


class _Handler(BaseHTTPRequestHandler):
    cds: CdsServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    # -- replies

    def _json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(text), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def _problem(self, status: int, title: str, detail: str = "", **more: Any) -> None:
        body = {"type": title, "title": title, "status": status, "trace_id": str(uuid.uuid4())}
        headers = more.pop("headers", None)
        self._json(body | ({"detail": detail} if detail else {}) | more, status, headers)

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _failing(self, route: str) -> Fault | None:
        with self.cds.lock:
            waiting = self.cds.faults[route]
            fault = waiting.popleft() if waiting else None
            return None if fault is _NONE else fault

    def _fails(self, fault: Fault) -> None:
        time.sleep(fault.slow)
        if fault.status == 0:
            self._drop()
        elif fault.body is not None:
            self._json(fault.body, fault.status, fault.headers)
        else:
            self._problem(fault.status, _TITLES.get(fault.status, "error"), headers=fault.headers)

    # -- routes

    def _route(self) -> None:
        address = urlparse(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        with self.cds.lock:
            self.cds.log.append((self.command, address.path, dict(self.headers), body))
        if address.path.startswith("/store/"):
            return self._asset(address.path)
        path = address.path.removeprefix("/api/")
        if path != "catalogue/v1/messages" and self.headers.get("PRIVATE-TOKEN") != self.cds.key:
            return self._problem(401, "authentication failed", "operation not allowed")
        for pattern, route, work in _ROUTES:
            if found := re.fullmatch(pattern, path):
                return self._serve(route, work, found, parse_qs(address.query), body)
        return self._problem(404, "not found")

    do_GET = do_POST = _route

    def _serve(self, route: str, work: str, found: re.Match[str], query: dict[str, list[str]], body: Any) -> None:
        fault = self._failing(route)
        if fault is not None and not fault.after_work:
            self._fails(fault)
            return
        if fault is not None:
            self._json = lambda *_: self._fails(fault)  # type: ignore[method-assign]
        getattr(self, work)(*found.groups(), query=query, body=body)
        if fault is not None:
            del self._json

    def _messages(self, **_: Any) -> None:
        self._json({"messages": []})

    def _process(self, dataset: str, **_: Any) -> None:
        if dataset.startswith("no-such"):
            return self._problem(
                404, "process not found", f"dataset {dataset} not found", type=f"{EXCEPTIONS}/no-such-process"
            )
        execute = {"href": f"{self.cds.url}/retrieve/v1/processes/{dataset}/execution", "rel": "execute"}
        return self._json({"id": dataset, "version": "1.0.0", "inputs": {}, "outputs": {}, "links": [execute]})

    def _costing(self, dataset: str, *, body: Any, **_: Any) -> None:
        cost = {"id": "size", "cost": float(fields(body["inputs"])), "limit": float(self.cds.max_fields)}
        self._json(cost | {"request_is_valid": True})

    def _execution(self, dataset: str, *, body: Any, **_: Any) -> None:
        cds, inputs = self.cds, body["inputs"]
        if not cds.licence_accepted:
            page = f"{cds.root}/datasets/{dataset}?tab=download#manage-licences"
            detail = (
                f"Not all the required licences have been accepted; please visit {page} "
                "to accept the required licence(s)."
            )
            return self._problem(403, "required licences not accepted", detail)
        if fields(inputs) > cds.max_fields:
            return self._problem(
                403, "cost limits exceeded", "Your request is too large, please reduce your selection."
            )
        job = Job(dataset, inputs, cds.polls)
        with cds.lock:
            if cds.in_flight_limit is not None and cds.in_flight() >= cds.in_flight_limit:
                job.outcome, job.traceback, job.polls = "rejected", QUEUE_FULL, 0
            elif cds.outcomes:
                job.outcome, job.traceback = cds.outcomes.popleft()
            cds.jobs[job.id] = job
            if job.outcome == "successful":
                cds.most_in_flight = max(cds.most_in_flight, cds.in_flight())
        monitor = {"href": f"{cds.url}/retrieve/v1/jobs/{job.id}", "rel": "monitor", "type": "application/json"}
        return self._json(self._status(job) | {"links": [monitor]}, 201)

    def _jobs(self, *, query: dict[str, list[str]], **_: Any) -> None:
        found = sorted(self.cds.jobs.values(), key=lambda job: job.created, reverse=True)
        found = [job for job in found if job.status in query.get("status", [job.status])]
        listed = [self._status(job, request=self.cds.requests_in_list) for job in found[: int(query["limit"][0])]]
        self._json({"jobs": listed, "links": [], "metadata": {"totalCount": len(found)}})

    def _job(self, name: str, *, query: dict[str, list[str]], **_: Any) -> None:
        job = self.cds.jobs.get(name)
        if job is None or job.odd == "gone":
            return self._problem(404, "job not found", f"job {name} not found", type=f"{EXCEPTIONS}/no-such-job")
        self._advance(job)
        return self._json(self._status(job, request="request" in query))

    def _results(self, name: str, **_: Any) -> None:
        job = self.cds.jobs[name]
        if job.status in {"failed", "rejected"}:
            title = "The job has failed" if job.status == "failed" else "The job has been rejected"
            return self._problem(400, title, type="job results failed", traceback=job.traceback)
        if job.expired:
            return self._problem(404, "results expired", f"results of job {name} expired")
        value = {
            "type": "application/netcdf",
            "href": self.cds.root + job.asset,
            "file:size": job.size + self.cds.lie_about_size,
        }
        return self._json({"asset": {"value": value}})

    def _advance(self, job: Job) -> None:
        with self.cds.lock:
            if job.status in {"successful", "failed", "rejected"}:
                return
            if job.polls > 0:
                job.polls, job.status = job.polls - 1, "running"
                return
            if job.outcome == "successful":
                job.asset = f"/store/{job.id}.nc"
                data = self.cds.producer(job.dataset, job.inputs)
                self.cds.assets[job.asset], job.size = data, len(data)
            job.status = job.outcome

    def _status(self, job: Job, *, request: bool = False) -> dict[str, Any]:
        here = f"{self.cds.url}/retrieve/v1/jobs/{job.id}"
        links = [{"href": here, "rel": "self"}]
        if job.status in {"successful", "failed"}:
            links.append({"href": f"{here}/results", "rel": "results"})
        told = None if job.odd else {"ids": job.inputs, "labels": {}}
        about: dict[str, Any] = {"origin": "api"} | ({"request": told} if request else {})
        return {
            "processID": job.dataset,
            "type": "process",
            "jobID": job.id,
            "status": job.status,
            "created": job.created,
            "started": None,
            "finished": None,
            "updated": job.created,
            "links": links,
            "metadata": about,
        }

    # -- the object store: no key, Range, If-Range

    def _asset(self, path: str) -> None:
        cds = self.cds
        if (fault := self._failing("asset")) is not None:
            return self._fails(fault)
        if path not in cds.assets:
            return self._problem(404, "NoSuchKey")
        data = cds.assets[path]
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        start, status = 0, 200
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if span and cds.accept_ranges and self.headers.get("If-Range", tag) == tag:
            start, status = int(span[1]), 206
        if start >= len(data) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", tag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        return self._send(data[start:])

    def _send(self, data: bytes) -> None:
        with self.cds.lock:
            cut = self.cds.cuts.popleft() if self.cds.cuts else None
        with contextlib.suppress(OSError):  # the client was killed
            for begin in range(0, len(data[:cut]), 4096):
                self.wfile.write(data[:cut][begin : begin + 4096])
                time.sleep(self.cds.stall)
            self.wfile.flush()
        if cut is not None:
            self._drop()


_NAME = r"([\w.-]+)"
_ROUTES = (
    (r"catalogue/v1/messages", "messages", "_messages"),
    (rf"retrieve/v1/processes/{_NAME}", "process", "_process"),
    (rf"retrieve/v1/processes/{_NAME}/costing", "costing", "_costing"),
    (rf"retrieve/v1/processes/{_NAME}/execution", "execution", "_execution"),
    (r"retrieve/v1/jobs", "jobs", "_jobs"),
    (rf"retrieve/v1/jobs/{_NAME}", "job", "_job"),
    (rf"retrieve/v1/jobs/{_NAME}/results", "results", "_results"),
)
