"""The CDS through its official client, with all its ways to fail told apart."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import requests
from ecmwf.datastores import Client
from ecmwf.datastores.processing import ProcessingFailedError

from era5_fetch.credentials import HIDDEN
from era5_fetch.errors import Era5Error, RequestError, SourceError
from era5_fetch.plan import Cost
from era5_fetch.request import normalised
from era5_fetch.transfer import PASSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from era5_fetch.credentials import Access
    from era5_fetch.patience import Patience
    from era5_fetch.request import Request

Inputs: TypeAlias = dict[str, list[str]]
"""What is asked of a job, normalised."""

LOGGER = logging.getLogger("era5_fetch.server")
HEADER = "PRIVATE-TOKEN"
NEWEST = 100
"""How far back the list of jobs is read; a submission whose reply was lost is among the newest."""
_QUEUE_FULL = "temporarily limited"
_TOO_LARGE = ("cost limits exceeded", "too large")
_NO_DATA = ("no data", "not yet available", "none of the data", "no valid data")
_LICENCE = "licence"


class Setback(Era5Error):
    """It may well work later; `after` is the least the server asked to wait [s]."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class QueueFull(Era5Error):
    """The server takes no more requests for this dataset at the moment."""


class TooLarge(RequestError):
    """More than one request may ask for."""


class NoData(RequestError):
    """The archive has nothing of it."""


class JobGone(Era5Error):
    """The server knows the job, or its file, no more."""


class AccessRefused(RequestError):
    """The key or a licence: no other request would fare better."""


@dataclass(frozen=True)
class Listed:
    """A job in the server's list."""

    job: str
    dataset: str
    inputs: Inputs | None
    """What it was asked for; None where the list does not tell."""


@dataclass(frozen=True)
class Asset:
    """The file of a job that is done."""

    url: str
    size: int


class Server:
    """The CDS; every call is one exchange, without retries and without waiting."""

    def __init__(self, access: Access, patience: Patience) -> None:
        self._access, self._patience = access, patience
        self._made: Client | None = None

    @property
    def _client(self) -> Client:
        if self._made is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # messages of the day that could not be had
                self._made = Client(
                    url=self._access.url,
                    key=HIDDEN,  # the client shows its key in its repr; the session puts in the right one
                    timeout=self._patience.timeout,
                    progress=False,
                    retry_after=0,
                    maximum_tries=1,
                    session=_Session(self._access),
                    log_callback=self._log,  # its own log repeats whatever the server says
                )
        return self._made

    def _log(self, level: int, message: str) -> None:
        LOGGER.log(level, self._access.key.redacted(message))

    def submit(self, request: Request) -> str:
        """Ask for a request; the job's name."""
        with self._explained(request.label):
            return str(self._client.submit(request.dataset, request.inputs).request_id)

    def status(self, job: str, label: str) -> str:
        """accepted, running, successful, failed, rejected or dismissed."""
        with self._explained(label):
            return str(self._client.get_remote(job).json["status"])

    def asset(self, job: str, label: str) -> Asset:
        """The file of a job that is done; of one that failed, the reason as an error."""
        with self._explained(label):
            results = self._client.get_remote(job).get_results()
            return Asset(results.location, results.content_length)

    def cost(self, request: Request) -> Cost:
        """What the request costs, in the server's own measure."""
        with self._explained(request.label):
            found = self._client.estimate_costs(request.dataset, request.inputs)
            return Cost(float(found["cost"]), float(found["limit"]))

    def jobs(self) -> list[Listed]:
        """The newest jobs that may be of use, newest first."""
        with self._explained("the list of jobs"):
            page = self._client.get_jobs(limit=NEWEST, sortby="-created", status=["accepted", "running", "successful"])
            found = [job for job in page.json["jobs"] if isinstance(job, dict) and {"jobID", "processID"} <= set(job)]
            return [Listed(str(j["jobID"]), str(j["processID"]), _asked(j.get("metadata"))) for j in found]

    def inputs(self, job: str) -> Inputs | None:
        """What a job was asked for; None of one that does not tell."""
        with self._explained(job):
            reply = self._client.get_remote(job)
            try:
                told = reply.request
            except (KeyError, TypeError):
                return None
            return normalised(told)

    @contextmanager
    def _explained(self, subject: str) -> Iterator[None]:
        """A context in which whatever goes wrong is one of this module's errors, in one line, without the key."""
        try:
            yield
        except requests.HTTPError as error:
            raise self._refusal(subject, error.response) from None
        except ProcessingFailedError as error:
            raise _failure(subject, self._line(str(error))) from None
        except requests.exceptions.SSLError:
            raise SourceError(f"{self._access.url}: its certificate is not trusted: check the address") from None
        except requests.RequestException as error:
            raise Setback(f"{self._access.url} does not answer ({type(error).__name__})") from None
        except (KeyError, TypeError, ValueError) as error:
            raise Setback(f"{self._access.url} answers out of form ({type(error).__name__})") from None

    def _refusal(self, subject: str, reply: requests.Response | None) -> Era5Error:
        if reply is None:
            return Setback(f"{self._access.url} does not answer")
        text = self._line(_text(reply))
        if reply.status_code in PASSING:
            return Setback(f"the CDS answers {reply.status_code} ({text})", _seconds(reply.headers.get("Retry-After")))
        if reply.status_code == 401:
            return AccessRefused(
                f"the CDS does not know the key ({text}): set CDSAPI_KEY or `key` in ~/.cdsapirc to the one on "
                "your profile page"
            )
        if reply.status_code == 404 and "process" not in text:
            return JobGone(f"{subject}: {text}")
        return _failure(subject, text)

    def _line(self, text: str) -> str:
        return self._access.key.redacted(" ".join(text.split()))


def _asked(metadata: Any) -> Inputs | None:
    """The inputs in what the list tells of a job; None where they are not, or are none."""
    try:
        return normalised(metadata["request"]["ids"]) or None
    except (AttributeError, KeyError, TypeError):
        return None


def _failure(subject: str, text: str) -> Era5Error:
    """The error that a text of the server stands for."""
    low = text.lower()
    if _QUEUE_FULL in low:
        return QueueFull(f"{subject}: {text}")
    if any(phrase in low for phrase in _TOO_LARGE):
        return TooLarge(f"{subject}: {text}")
    if any(phrase in low for phrase in _NO_DATA):
        return NoData(f"{subject}: {text}")
    if _LICENCE in low:
        return AccessRefused(f"{subject}: {text}: accept it once on that page, then run again")
    return RequestError(f"{subject}: the CDS refuses: {text}: correct the request, or look at your jobs on its page")


def _text(reply: requests.Response) -> str:
    """Title, traceback and detail of an error, or its reason."""
    try:
        body = reply.json()
    except ValueError:
        body = {}
    parts = [str(body[k]) for k in ("title", "traceback", "detail") if isinstance(body, dict) and body.get(k)]
    return ": ".join(parts) or str(reply.reason)


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.strip().isdigit() else None


class _Session(requests.Session):
    """Puts the key into what goes to the CDS, and takes it out of what is sent on to anyone else."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        prepared = super().prepare_request(request)
        prepared.headers.pop(HEADER, None)
        if str(prepared.url).startswith(f"{self._access.url}/"):
            prepared.headers[HEADER] = self._access.key.reveal()
        return prepared

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if not str(prepared_request.url).startswith(f"{self._access.url}/"):
            prepared_request.headers.pop(HEADER, None)
