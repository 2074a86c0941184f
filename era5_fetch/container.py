"""What the bytes are, whatever the name says: netCDF classic, netCDF 4, GRIB, CSV, or a ZIP of these."""

from __future__ import annotations

import logging
import shutil
import tempfile
import zipfile
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from era5_fetch.errors import DecodeError, FileError, PackageError
from era5_fetch.series import is_series, read_series

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBERS = 100
"""The most files a ZIP may hold."""
RATIO = 200
"""The most a ZIP may grow on unpacking; ERA5's, netCDF 4 inside, grow 1 to 3 times."""

GZIP = b"\x1f\x8b"
HEAD = 4096
"""Bytes by which a format is told; of a table its names of columns."""
HOURS_COVERED = "hours_covered"
"""The attribute of a GRIB field that tells over how many hours it is accumulated."""
CHUNKS_KEPT = 1 << 20
"""Bytes of a variable's unpacked chunks that are kept."""


class Container(StrEnum):
    """The formats agreed, told by their first bytes."""

    ZIP = "ZIP"
    CLASSIC = "netCDF classic"
    HDF5 = "netCDF 4"
    GRIB = "GRIB"
    SERIES = "CSV of the CDS's time series"


_MAGIC = {
    b"PK\x03\x04": Container.ZIP,
    b"PK\x05\x06": Container.ZIP,  # of no file
    b"CDF\1": Container.CLASSIC,
    b"CDF\2": Container.CLASSIC,
    b"\x89HDF\r\n\x1a\n": Container.HDF5,
    b"GRIB": Container.GRIB,
}


def sniff(path: Path) -> Container:
    """The format of a file by its first bytes, never by its name.

    Raises
    ------
    FileError
        Empty, or none of the formats; the message shows the first bytes.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    for magic, container in _MAGIC.items():
        if head.startswith(magic):
            return container
    if is_series(head):
        return Container.SERIES
    if head.startswith(GZIP):
        raise FileError(f"{path}: packed by gzip, agreed {', '.join(Container)}: unpack it by hand")
    raise FileError(f"{path}: {_found(head)}, agreed {', '.join(Container)}: fetch it again")


def _found(head: bytes) -> str:
    if not head:
        return "an empty file"
    page = " (a web page, not data)" if head.lstrip()[:1] == b"<" else ""
    return f"begins with {head[:32]!r}{page}"


@contextmanager
def opened(path: Path) -> Iterator[list[xr.Dataset]]:
    """The raw datasets of a file, lazy, one for each cube of it; closed and cleaned up on leaving.

    A ZIP gives the datasets of its members, in their order; a GRIB file one for each
    parameter, kind of step, type of level, type of data, expver and grid.

    Raises
    ------
    FileError
        Not one of the formats, truncated, damaged, or an unsafe ZIP.
    DecodeError
        GRIB messages that do not form a cube.
    PackageError
        A GRIB file without the extra `tianbang[grib]`.
    """
    with ExitStack() as stack:
        try:
            yield [dataset for member in _unpacked(path, stack) for dataset in _datasets(member, path, stack)]
        except (OSError, RuntimeError) as error:
            if "NetCDF:" not in str(error):
                raise
            raise _damaged(path) from error


def _damaged(path: Path) -> FileError:
    return FileError(f"{path}: truncated or damaged: fetch it again")


def _datasets(member: Path, path: Path, stack: ExitStack) -> list[xr.Dataset]:
    try:
        container = sniff(member)
    except FileError as error:
        raise FileError(str(error).replace(str(member), str(path))) from None
    if container is Container.ZIP:
        raise FileError(f"{path}: a ZIP inside a ZIP, agreed one layer: unpack it by hand")
    if container is Container.GRIB:
        _require_ending(member, path)
        return [stack.enter_context(cube) for cube in _grib(member, path, stack)]
    if container is Container.SERIES:
        return [read_series(member, path)]
    if container is Container.CLASSIC:
        _require_whole(member, path)
    return [stack.enter_context(_netcdf(member))]


def _netcdf(member: Path) -> xr.Dataset:
    """A netCDF file without the 64 MB that the library keeps of every variable: each chunk is read once."""
    import netCDF4

    raw = netCDF4.Dataset(member)
    for field in (f for f in raw.variables.values() if isinstance(f.chunking(), list)):
        field.set_var_chunk_cache(size=CHUNKS_KEPT)
    plain = {name: False for name, field in raw.variables.items() if _is_plain(field)}
    store, reader = xr.backends.NetCDF4DataStore(raw), xr.backends.StoreBackendEntrypoint
    return xr.open_dataset(store, engine=reader, mask_and_scale=plain)


def _is_plain(field: Any) -> bool:
    """Whether the values are as they are meant, NaN where there are none: then they need no copy."""
    packed = {"scale_factor", "add_offset", "missing_value"} & set(field.ncattrs())
    fill = getattr(field, "_FillValue", None)
    return not packed and fill is not None and field.dtype.kind == "f" and bool(np.isnan(fill))


def _require_whole(member: Path, path: Path) -> None:
    """Refuse a truncated classic file, which the netCDF library reads as zeros without a word."""
    from scipy.io import netcdf_file

    try:
        netcdf_file(member, mmap=True).close()
    except (ValueError, TypeError, IndexError) as error:
        raise _damaged(path) from error


def _require_ending(member: Path, path: Path) -> None:
    """Refuse a GRIB file that stops inside a message: each ends in 7777, MARS pads the last with zeros."""
    with member.open("rb") as stream:
        stream.seek(max(0, member.stat().st_size - 1024))
        if not stream.read().rstrip(b"\0").endswith(b"7777"):
            raise _damaged(path)


def _unpacked(path: Path, stack: ExitStack) -> list[Path]:
    if sniff(path) is not Container.ZIP:
        return [path]
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="era5-")))
    try:
        with zipfile.ZipFile(path) as archive:
            every = [m for m in archive.infolist() if not m.is_dir()]
            _require_safe(path, every)
            members = [m for m in every if not _is_hidden(m.filename)] or every
            return [_member(archive, m, folder / f"{i}") for i, m in enumerate(members)]
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path) from error


def _is_hidden(name: str) -> bool:
    """Whether a member is of the system that made the archive: .DS_Store, __MACOSX/._a.nc."""
    path = PurePosixPath(name)
    return path.name.startswith(".") or path.parts[:1] == ("__MACOSX",)


def _require_safe(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for name in (m.filename for m in members):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            raise FileError(f"{path}: member {name!r} points outside the archive: do not trust this file")
    if not 0 < len(members) <= MEMBERS:
        raise FileError(f"{path}: a ZIP of {len(members)} files, agreed 1 to {MEMBERS}: fetch it again")
    size, packed = sum(m.file_size for m in members), path.stat().st_size
    if size > RATIO * packed:
        raise FileError(f"{path}: {packed} bytes unpack to {size}, agreed {RATIO} times at most: do not trust it")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> Path:
    """Unpack one member; its checksum is compared as it is read."""
    with archive.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    return target


_OPTIONS: dict[str, Any] = {
    "errors": "raise",
    "time_dims": ["valid_time"],
    "extra_coords": {"expver": "valid_time"},
    "ignore_keys": ["edition"],
}
"""The way the CDS's own converter opens GRIB: by valid time, with the expver of each hour."""
_CUBE = ("paramId", "stepType", "typeOfLevel", "dataType", "expver", "md5GridSection")
"""What is one in a cube; cfgrib itself would lay one grid, or ERA5T, over another without a word."""


def _grib(member: Path, path: Path, stack: ExitStack) -> list[xr.Dataset]:
    cfgrib, eccodes = _packages(path)
    # it tells of a damaged file by a traceback in its log, and again by the error
    logging.getLogger("cfgrib.messages").setLevel(logging.CRITICAL)
    index = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="era5-"))) / "index"
    try:
        cubes = _cubes(cfgrib, member, index)
        return [_cube(member, keys, index, _hours_covered(eccodes, member, at)) for keys, at in cubes]
    except (cfgrib.DatasetBuildError, ValueError) as error:
        found = str(error).splitlines()[0]
        raise DecodeError(f"{path}: its messages form no cube ({found}): split it by grid and level") from error
    except (eccodes.CodesInternalError, EOFError) as error:
        raise _damaged(path) from error


def _packages(path: Path) -> tuple[Any, Any]:
    try:
        import cfgrib
        import eccodes
    except (ImportError, RuntimeError) as error:  # RuntimeError: the package is there, its C library is not
        raise PackageError(f"{path}: GRIB needs more packages: pip install tianbang[grib]") from error
    return cfgrib, eccodes


def _cubes(cfgrib: Any, member: Path, index: Path) -> list[tuple[dict[str, Any], list[int]]]:
    """The filters that part a file's messages into cubes, and where each one's begin; writes the index they share."""
    keys = cfgrib.dataset.compute_index_keys(_OPTIONS["time_dims"], _OPTIONS["extra_coords"])
    stream = cfgrib.FileStream(str(member), errors="raise")
    table = cfgrib.dataset.open_fileindex(stream, str(index), keys, ignore_keys=_OPTIONS["ignore_keys"])
    columns = [table.index_keys.index(key) for key in _CUBE]
    found: dict[tuple[Any, ...], list[int]] = {}
    for values, places in table.field_ids_index:
        starts = (place[0] if isinstance(place, tuple) else place for place in places)
        found.setdefault(tuple(values[c] for c in columns), []).extend(starts)
    return [(dict(zip(_CUBE, cube, strict=True)), at) for cube, at in found.items()]


def _hours_covered(eccodes: Any, member: Path, starts: list[int]) -> int:
    """The most hours that a message covers, of the first two and the last: a sum that grows shows in these."""
    covered: list[int] = []
    with member.open("rb") as stream:
        for start in {*starts[:2], starts[-1]}:
            stream.seek(start)
            message = eccodes.codes_grib_new_from_file(stream)
            first, last = (int(eccodes.codes_get(message, key, int)) for key in ("startStep", "endStep"))
            covered.append(last - first)
            eccodes.codes_release(message)
    return max(covered)


def _cube(member: Path, keys: dict[str, Any], index: Path, covered: int) -> xr.Dataset:
    own = {"indexpath": str(index), "filter_by_keys": keys, "read_keys": ["marsClass"]}
    found = xr.open_dataset(member, engine="cfgrib", backend_kwargs=_OPTIONS | own)
    for field in found.data_vars.values():
        field.attrs[HOURS_COVERED] = covered
    return found
