"""One tree of errors: each names what was found, what was agreed and what to do, in one line."""

from __future__ import annotations


class Era5Error(Exception):
    """Anything `era5_fetch` refuses; catch this to catch them all."""


class FileError(Era5Error):
    """The bytes: not a file of these formats, cut short, damaged, or an archive not to be trusted."""


class DecodeError(Era5Error):
    """The contents: no time axis, a unit nobody agreed, an ensemble, accumulations that cannot be undone."""


class VariableError(Era5Error):
    """A variable that no table knows, or that the source does not hold."""


class PeriodError(Era5Error):
    """A period that cannot be read, is empty, or of which the source holds no hour."""


class GridError(Era5Error):
    """A place or an area the grid does not reach, or grids that differ where one was agreed."""


class PackageError(Era5Error):
    """An optional package is not installed."""


class RequestError(Era5Error):
    """The server refused: the key, a licence, what is asked for, or more of it than can be cut down."""


class TransferError(Era5Error):
    """A download could not be completed; what came of it is kept, and the next run goes on from there."""


class ContentError(Era5Error):
    """A file is whole and readable, but not what was asked for: hours, cells or variables are missing."""


class SourceError(Era5Error):
    """A source cannot serve: it does not answer, or has not what it is asked for; the message names it."""


class BusyError(Era5Error):
    """Another process holds it."""


class WaitError(Era5Error):
    """The time to wait was over before the server had done it; its jobs go on, and the next run with them."""


class Era5Warning(UserWarning):
    """Something was kept, or left out, that the tables do not know."""
