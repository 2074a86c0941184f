"""A file of an archive as lines of text, whatever it was named; what is no table is told, not raised."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from pipeline.stations.rejections import Row, row

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SHOWN = 60
"""Characters of a strange file that a report shows."""


def lines_of(path: Path) -> tuple[list[str], list[Row]]:
    """Lines of a CSV file (UTF-8 or GB18030, byte order marks dropped), header first; empty when it is none.

    Rows: ``empty_file``, ``not_csv`` (markup, binary), ``cut_file`` (ends within a row; a packed file without its end);
    ``packed_file`` is read all the same.
    """
    content, rows = unpacked(path)
    if content is None:
        return [], rows
    while content.startswith(BYTE_ORDER_MARK):
        content = content.removeprefix(BYTE_ORDER_MARK)
    if not content.strip():
        return [], [*rows, row(path.name, "empty_file", "found 0 bytes of text")]
    text = _text(content)
    if text is None or text.lstrip().startswith("<"):
        return [], [*rows, row(path.name, "not_csv", f"begins with {_beginning(text or repr(content[:SHOWN]))}")]
    lines = text.split("\n")
    if lines[-1] and lines[-1].count(",") < lines[0].count(","):
        fields = f"its last row has {lines[-1].count(',') + 1} fields, its header {lines[0].count(',') + 1}"
        return [], [*rows, row(path.name, "cut_file", fields)]
    return [line for line in lines if line.strip()], rows


def packed_under_another_name(path: Path) -> list[Row]:
    """A row when gzip content is named otherwise; none for any other file."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    named = path.suffix == ".gz"
    return [row(path.name, "packed_file", "gzip content; read all the same")] if packed and not named else []


def unpacked(path: Path) -> tuple[bytes | None, list[Row]]:
    """A file's bytes, unpacked when they are gzip; None when the packed content is not whole."""
    content = path.read_bytes()
    if not content.startswith(GZIP):
        return content, []
    told = packed_under_another_name(path)
    try:
        return gzip.decompress(content), told
    except EOFError:
        return None, [row(path.name, "cut_file", "gzip content without its end")]
    except (OSError, zlib.error) as error:
        return None, [row(path.name, "not_csv", f"gzip content that cannot be unpacked ({error})")]


def _text(content: bytes) -> str | None:
    if b"\0" in content:
        return None
    for encoding in ("utf-8", "gb18030"):
        try:
            return _lines_ended(content.decode(encoding))
        except UnicodeDecodeError as error:
            if encoding == "utf-8" and error.reason == "unexpected end of data":
                return _lines_ended(content[: error.start].decode(encoding))  # cut within a character
    return None


def _lines_ended(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _beginning(text: str) -> str:
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split()) or " ".join(text.split())
    return repr(words[:SHOWN])
