"""List and read the files of a folder or an archive without unpacking anything to disk.

Since no member of an archive is ever written to a path of its own choosing, a hostile archive can
reach no file outside. What is left out of an archive all the same is named, with the reason.
"""

from __future__ import annotations

import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tutorial_lib.errors import TutorialError

MAX_FILES = 2_000_000  # ImageNet has 1.3 million
MAX_TOTAL_BYTES = 200 * 2**30
MAX_FILE_BYTES = 256 * 2**20  # one image; a larger one would only fill the memory
MAX_HEADER_BYTES = 2**20  # tarfile reads an extended header into memory whole

# What the decompressors of the standard library raise on damaged input.
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
           NotImplementedError, RuntimeError, ValueError)  # fmt: skip

_EXTENDED_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE,
                     tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)  # fmt: skip


class Entry(NamedTuple):
    """One file of a folder or archive: its name, size in bytes, and what keeps it from use."""

    name: str
    size: int
    modified: float
    problem: str = ""


class Folder:
    """The files of a folder and of all folders below it."""

    def __init__(self, path: Path):
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Yield every file; links to files count as files, links to folders are not followed."""
        unreadable: list[OSError] = []
        for parent, folders, files in os.walk(self.path, onerror=unreadable.append):
            folders[:] = [name for name in folders if not is_hidden(name)]
            for name in files + [name for name in folders if Path(parent, name).is_symlink()]:
                yield self._entry(Path(parent, name))
        for error in unreadable:
            yield Entry(self._name(Path(error.filename)), 0, 0, f"unreadable: {error.strerror}")

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """Yield the contents of the files named, or the error met in reading one."""
        for name in names:
            try:
                yield name, (self.path / name).read_bytes()
            except OSError as error:
                yield name, error

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    def _entry(self, path: Path) -> Entry:
        try:
            status = path.stat()
        except OSError as error:
            return Entry(self._name(path), 0, 0, f"unreadable: {error.strerror}")
        problem = "" if stat.S_ISREG(status.st_mode) else "not a regular file"
        if stat.S_ISDIR(status.st_mode):
            problem = "a link to a folder, not followed"
        return Entry(self._name(path), status.st_size, status.st_mtime, problem)


class Zip:
    """The members of a .zip archive."""

    def __init__(self, path: Path):
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Yield every member that is not a folder."""
        with zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    yield Entry(member.filename, member.file_size, 0, self._problem(member))

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """Yield the contents of the members named, or the error met in reading one."""
        with zipfile.ZipFile(self.path) as archive:
            members = {member.filename: member for member in reversed(archive.infolist())}
            for name in names:
                try:
                    yield name, archive.read(members[name])
                except DAMAGED as error:
                    yield name, error

    @staticmethod
    def _problem(member: zipfile.ZipInfo) -> str:
        if stat.S_ISLNK(member.external_attr >> 16):
            return "a link"
        return "encrypted" if member.flag_bits & 1 else ""


class Tar:
    """The members of a .tar archive, plain or compressed by gzip, bzip2 or xz."""

    def __init__(self, path: Path):
        self.path = path

    def entries(self) -> Iterator[Entry]:
        """Yield every member that is not a folder."""
        with tarfile.open(self.path, tarinfo=_TarMember) as archive:
            for member in archive:
                if not member.isdir():
                    yield Entry(member.name, member.size, member.mtime, self._problem(member))
            # tarfile takes a damaged header for the end; the true end is a block of zeros.
            archive.fileobj.seek(archive.offset)
            if archive.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                raise tarfile.ReadError("its end is missing or a header is damaged")

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the contents of the members named, in the archive's own order.

        A compressed archive can only be read forwards at any speed.
        """
        wanted = set(names)
        with tarfile.open(self.path, tarinfo=_TarMember) as archive:
            for member in archive:
                if member.name in wanted and not self._problem(member):
                    wanted.remove(member.name)
                    yield member.name, archive.extractfile(member).read()
                if not wanted:
                    return

    @staticmethod
    def _problem(member: tarfile.TarInfo) -> str:
        if member.issym() or member.islnk():
            return f"a link to {member.linkname}"
        return "" if member.isfile() else "not a regular file"


class _TarMember(tarfile.TarInfo):
    """A member whose extended header, should it have one, is of a sane size."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENDED_HEADERS and member.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes")
        return member


def open_source(path: str | os.PathLike) -> Folder | Zip | Tar:
    """Find out whether a path is a folder, a .zip or a .tar of any compression.

    Raises:
        TutorialError: the path is missing, unreadable or something else.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return Folder(path)
        with path.open("rb"):
            pass
        if tarfile.is_tarfile(path):
            return Tar(path)
        if zipfile.is_zipfile(path):
            return Zip(path)
    except OSError as error:
        raise TutorialError(
            f"{path} cannot be read ({error.strerror or error}): "
            "name a folder or an archive of images."
        ) from error
    except DAMAGED as error:
        raise damaged(path, error) from error
    raise TutorialError(
        f"{path} is neither a folder nor an archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz)."
    )


def list_files(source: Folder | Zip | Tar) -> tuple[list[Entry], dict[str, str]]:
    """List the files worth reading, in natural order of names, and those that are not.

    Hidden files and macOS's `__MACOSX` are passed over; they are no part of the data.

    Returns:
        The entries, `cat_9` before `cat_10`, and a dictionary {name: reason} of the files left out.

    Raises:
        TutorialError: the source is damaged, or would unpack to more than any dataset of images.
    """
    found: dict[str, Entry] = {}
    skipped: dict[str, str] = {}
    total = 0
    try:
        for count, entry in enumerate(source.entries(), start=1):
            total += entry.size
            _refuse_bomb(source.path, count, total)
            if any(is_hidden(part) for part in Path(entry.name).parts):
                continue
            problem = entry.problem or _unsafe(entry, entry.name in found)
            if problem:
                skipped[printable(entry.name)] = problem
            else:
                found[entry.name] = entry
    except TutorialError:
        raise
    except DAMAGED as error:
        raise damaged(source.path, error) from error
    return sorted(found.values(), key=lambda entry: natural_key(entry.name)), skipped


def natural_key(name: str) -> tuple[str, str]:
    """Make the key that sorts `cat_9` before `cat_10`: digits padded to one length."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(20), name.casefold()), name


def is_hidden(name: str) -> bool:
    """Tell whether a name is a hidden file or macOS's folder of resource forks."""
    return name == "__MACOSX" or (name.startswith(".") and name not in (".", ".."))


def printable(name: str) -> str:
    """Escape the bytes of a file name that are not text, so that it can be printed."""
    return name.encode("utf-8", "backslashreplace").decode()


def damaged(path: Path, error: Exception) -> TutorialError:
    """Make the error that says an archive is damaged."""
    return TutorialError(f"{path} is damaged ({error}): download or pack it again.")


def _unsafe(entry: Entry, seen: bool) -> str:
    parts = entry.name.replace("\\", "/").split("/")
    if parts[0] == "" or re.fullmatch("[A-Za-z]:", parts[0]):
        return "an absolute path"
    if ".." in parts:
        return "a path that leads out of the archive"
    if entry.size > MAX_FILE_BYTES:
        return f"too large for an image ({entry.size:,} bytes)"
    return "a second member of the same name" if seen else ""


def _refuse_bomb(path: Path, count: int, total: int) -> None:
    if count > MAX_FILES or total > MAX_TOTAL_BYTES:
        raise TutorialError(
            f"{path} holds more than {MAX_FILES:,} files or {MAX_TOTAL_BYTES:,} bytes when "
            "unpacked, which is no set of images for this book: choose a part of it."
        )
