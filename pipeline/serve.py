"""A run folder over HTTP, to this machine alone: 127.0.0.1, GET and HEAD, nothing outside the folder.

What is asked for is resolved on disk, symbolic links and all, and sent only if it lies in the folder; hidden files are
not. A request must name this machine as its host, so that no page of another site can read the folder by a name that
points here.
"""

from __future__ import annotations

import contextlib
import errno
import html
import mimetypes
import shutil
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pipeline.errors import ConfigError, InputError

ADDRESS = "127.0.0.1"
PORT = 8765
PAGE = "index.html"
HOSTS = ("127.0.0.1", "localhost")
TYPES = {".csv": "text/csv", ".json": "application/json", ".nc": "application/x-netcdf", ".yml": "text/plain"}
TEXTS = ("text/", "application/json", "text/javascript", "image/svg+xml")
POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a page of the folder may load: itself and pictures beside it."""


def serve(folder: Path, port: int = PORT, *, tell: Callable[[str], None] = print) -> None:
    """Serves ``folder`` until interrupted; ``tell`` is given the address, and that of each page found.

    Port 0 takes any that is free. A folder that is missing is an InputError, a port that is taken a ConfigError.
    """
    with server_of(folder, port) as server:
        here = f"http://{ADDRESS}:{server.server_port}/"
        pages = [page for page in ("weekly/", "") if (folder / page / PAGE).is_file()]
        for page in pages or [""]:
            tell(here + page)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            tell("stopped")


def server_of(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the folder that listens and does not yet answer; errors as ``serve``."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; agreed the folder of a run, as `tianbang run CONFIG --out RUN` makes it")
    try:
        return ThreadingHTTPServer((ADDRESS, port), partial(Handler, folder.resolve()))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = "is taken" if error.errno == errno.EADDRINUSE else "needs rights that you do not have"
            raise ConfigError(f"port {port} of {ADDRESS} {why}; choose another with --port, 0 for any") from None
        raise


def found_in(root: Path, asked: str) -> Path | None:
    """The file or folder that a request's path names; None where it leaves ``root``, is hidden or does not exist.

    ``root`` is resolved.
    """
    parts = [part for part in unquote(urlsplit(asked).path).split("/") if part]
    if any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        path = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):  # absent, a loop of links, a name too long
        return None
    if not path.is_relative_to(root) or any(part.startswith(".") for part in path.relative_to(root).parts):
        return None
    return path if path.is_dir() or path.is_file() else None


def listing(root: Path, folder: Path) -> str:
    """A page of links to what a folder of ``root`` holds and a request may see."""
    here = folder.relative_to(root).as_posix()
    prefix = "" if here == "." else f"{here}/"
    names = sorted(
        f"{path.name}/" if path.is_dir() else path.name
        for path in folder.iterdir()
        if found_in(root, quote(prefix + path.name, errors="surrogateescape")) is not None
    )
    links = "\n".join(f'<li><a href="./{quote(name)}">{html.escape(name)}</a></li>' for name in names)
    title = html.escape(f"/{prefix}")
    head = f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
    return f"{head}\n<h1>{title}</h1>\n<ul>\n{links}\n</ul>\n</html>\n"


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for one folder."""

    server_version = "tianbang"
    sys_version = ""
    timeout = 60  # seconds a connection may stay silent

    def __init__(self, root: Path, *arguments: object) -> None:
        self.root = root
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Sends a file, or the list of a folder."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Sends the headers that GET would."""
        self._answer(with_body=False)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):  # every other method there is
            return partial(self._refuse, HTTPStatus.METHOD_NOT_ALLOWED, "read-only: GET and HEAD")
        raise AttributeError(name)

    def log_message(self, *told: object) -> None:
        """Keeps the terminal quiet."""

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in HOSTS:
            self._refuse(HTTPStatus.FORBIDDEN, f"this is served to {' and '.join(HOSTS)} only", with_body=with_body)
            return
        path = found_in(self.root, self.path)
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no such file in the run folder", with_body=with_body)
        elif path.is_dir():
            self._send_folder(path, with_body=with_body)
        else:
            self._send_file(path, with_body=with_body)

    def _send_folder(self, path: Path, *, with_body: bool) -> None:
        asked = urlsplit(self.path).path
        if not asked.endswith("/"):  # links of a page are relative to its folder
            where = quote("/" + unquote(asked).strip("/") + "/")
            self._head(HTTPStatus.MOVED_PERMANENTLY, {"Location": where, "Content-Length": "0"})
            return
        page = found_in(self.root, f"{asked}{PAGE}")
        if page is not None and page.is_file():
            self._send_file(page, with_body=with_body)
            return
        self._send_text(HTTPStatus.OK, "text/html", listing(self.root, path), with_body=with_body)

    def _send_file(self, path: Path, *, with_body: bool) -> None:
        try:
            stream = path.open("rb")
        except OSError:
            self._refuse(HTTPStatus.NOT_FOUND, "the file cannot be read", with_body=with_body)
            return
        with stream:
            length = str(path.stat().st_size)
            self._head(HTTPStatus.OK, {"Content-Type": content_type(path), "Content-Length": length})
            if with_body:
                with contextlib.suppress(ConnectionError):  # the reader went away
                    shutil.copyfileobj(stream, self.wfile)

    def _refuse(self, status: HTTPStatus, why: str, *, with_body: bool = True) -> None:
        self._send_text(status, "text/plain", f"{status.value} {why}\n", with_body=with_body)

    def _send_text(self, status: HTTPStatus, kind: str, text: str, *, with_body: bool) -> None:
        body = text.encode()
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        self._head(status, headers)
        if with_body:
            self.wfile.write(body)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()


def content_type(path: Path) -> str:
    """The media type of a file by its ending; text is UTF-8."""
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(TEXTS) else kind
