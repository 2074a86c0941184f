"""The server of a run folder: this machine only, read-only, and nothing outside the folder."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.command_line import main
from pipeline.errors import ConfigError, InputError
from pipeline.serve import found_in, server_of

SECRET = "not for readers"


@contextmanager
def serving(folder):
    with server_of(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def ask(port, path, method="GET", **headers):
    """Status, headers and body of a request whose path goes over the wire as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.fixture
def run(tmp_path):
    """A run folder with a page, a table, links in and out, and a secret beside it."""
    folder = tmp_path / "run"
    (folder / "tables").mkdir(parents=True)
    (folder / "weekly").mkdir()
    (folder / "index.html").write_text("<p>run 天帮忙</p>", encoding="utf-8")
    (folder / "weekly" / "index.html").write_text("<p>week</p>", encoding="utf-8")
    (folder / "tables" / "index.csv").write_text("a,b\n", encoding="utf-8")
    (folder / "tables" / "<b>&.txt").write_text("odd", encoding="utf-8")
    (folder / ".hidden").write_text(SECRET, encoding="utf-8")
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    (tmp_path / "run-other").mkdir()
    (tmp_path / "run-other" / "secret.txt").write_text(SECRET, encoding="utf-8")
    (folder / "tables" / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "tables" / "away").symlink_to(tmp_path)
    (folder / "tables" / "sly.txt").symlink_to(folder / ".hidden")
    (folder / "tables" / "within.csv").symlink_to("index.csv")
    (folder / "tables" / "loop").symlink_to("loop")
    return folder


def test_files_of_the_run_are_sent_with_their_types(run):
    with serving(run) as port:
        status, headers, body = ask(port, "/")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert body.decode() == "<p>run 天帮忙</p>"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert ask(port, "/weekly/")[2] == b"<p>week</p>"
        status, headers, body = ask(port, "/tables/within.csv?x=1#y")
        assert (status, headers["Content-Type"], body) == (200, "text/csv; charset=utf-8", b"a,b\n")


def test_head_says_what_get_would_and_sends_nothing(run):
    with serving(run) as port:
        for path in ("/", "/tables/", "/tables/index.csv", "/absent"):
            got, told = ask(port, path), ask(port, path, "HEAD")
            assert told[2] == b""
            assert (told[0], told[1]["Content-Length"]) == (got[0], str(len(got[2])))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MKCOL"])
def test_every_other_method_is_refused(run, method):
    with serving(run) as port:
        status, headers, _ = ask(port, "/tables/index.csv", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert (run / "tables" / "index.csv").read_text(encoding="utf-8") == "a,b\n"


ESCAPES = [
    "/../secret.txt", "/tables/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt", "//../secret.txt", "/tables/out.txt", "/tables/away/secret.txt", "/tables/away/",
    "/tables/sly.txt", "/.hidden", "/tables/%00", "/tables/loop", "/../run-other/secret.txt", "/%252e%252e/secret.txt",
    "/" + "a" * 5000, "/%ff%fe",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out_of_the_folder(run, path):
    with serving(run) as port:
        status, _, body = ask(port, path)
        assert status == 404
        assert SECRET.encode() not in body
        absolute = ask(port, str(run.parent / "secret.txt"))
        assert absolute[0] == 404


def test_a_list_shows_what_can_be_opened_and_escapes_names(run):
    (run / "tables" / os.fsdecode(b"\xff.txt")).write_text("no text can name it", encoding="utf-8")
    with serving(run) as port:
        status, headers, _ = ask(port, "/tables")
        assert (status, headers["Location"]) == (301, "/tables/")
        body = ask(port, "/tables/")[2].decode()
        assert "&lt;b&gt;&amp;.txt" in body
        assert "<b>" not in body
        assert "within.csv" in body
        assert not any(name in body for name in ("out.txt", "away", "sly", "loop", ".hidden"))


def test_a_request_that_names_another_host_is_refused(run):
    with serving(run) as port:
        assert ask(port, "/", Host="tianbang.example.org")[0] == 403
        assert ask(port, "/", Host=f"tianbang.example.org:{port}")[0] == 403
        assert ask(port, "/", Host=f"localhost:{port}")[0] == 200


def test_only_this_machine_is_listened_to(run):
    with server_of(run, 0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_folder_that_is_missing_takes_one_line(tmp_path):
    with pytest.raises(InputError, match="there is no such folder; agreed the folder of a run"):
        server_of(tmp_path / "absent", 0)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file; agreed"):
        server_of(tmp_path / "file", 0)


def test_a_port_that_is_taken_takes_one_line(run, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of 127.0.0.1 is taken; choose another with --port"):
            server_of(run, port)
        monkeypatch.setattr(sys, "argv", ["tianbang", "serve", str(run), "--port", str(port)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr().err
        assert stop.value.code == ConfigError.exit_code
        assert said.count("\n") == 1
        assert "is taken" in said


def test_what_is_found_stays_within_a_root_that_is_a_link(run, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(run)
    assert found_in(link.resolve(), "/tables/index.csv") == (run / "tables" / "index.csv").resolve()
    with serving(link) as port:
        assert ask(port, "/tables/index.csv")[0] == 200


@pytest.mark.slow
def test_the_command_says_where_it_serves_and_stops_when_interrupted(run):
    command = [sys.executable, "-u", "-m", "pipeline", "serve", str(run), "--port", "0"]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root) as process:
        weekly, whole = process.stdout.readline().strip(), process.stdout.readline().strip()
        port = int(whole.rsplit(":", 1)[1].strip("/"))
        assert weekly == f"{whole}weekly/"
        assert ask(port, "/weekly/")[0] == 200
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
