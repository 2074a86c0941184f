"""One tree of errors; every message is one line: what was found, what was agreed, what to do."""


class TianbangError(Exception):
    """Anything the program refuses; the command line prints it as one line and exits with ``exit_code``."""

    exit_code = 1


class ConfigError(TianbangError):
    """The configuration is not what was agreed."""

    exit_code = 2


class InputError(TianbangError):
    """A file or its content is not what its reader agreed to read."""

    exit_code = 3


class ContractError(TianbangError):
    """Data that crosses a seam breaks the contract of that seam."""

    exit_code = 4


class NothingToDo(TianbangError):
    """No place has enough data for an answer."""

    exit_code = 5


class Incomplete(TianbangError):
    """All that could be made is there and whole; some places failed, and are tried again by the next run."""

    exit_code = 6


class NotYet(TianbangError):
    """What was asked for is made of weather that is not there yet: ask again later."""

    exit_code = 7
