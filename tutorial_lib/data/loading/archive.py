"""List and read the files of a folder or an archive without unpacking anything to disk.

Since no member of an archive is ever written to a path of its own choosing, a hostile archive can
reach no file outside. What is left out of an archive all the same is named, with the reason.
"""

from __future__ import annotations

import lzma
import os
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from tutorial_lib.data.loading.skipped import (
    RUN,
    is_passed_over,
    is_run,
    is_run_part,
    runs_among,
)
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import natural_key, printable, user_path

MAX_FILES = 2_000_000  # ImageNet has 1.3 million
MAX_TOTAL_BYTES = 200 * 2**30
MAX_FILE_BYTES = 256 * 2**20  # one image; a larger one would only fill the memory
MAX_HEADER_BYTES = 2**20  # tarfile reads an extended header into memory whole
MAX_LINKS = 40  # from link to link, as Linux has it

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
    """The files of a folder and those below it, but for runs, which would train on their sheets."""

    def __init__(self, path: Path):
        self.path = path
        self._root = os.path.basename(os.path.realpath(path))

    def entries(self) -> Iterator[Entry]:
        """Yield every file; links to files count as files, links to folders are not followed."""
        unreadable: list[OSError] = []
        for parent, folders, files in os.walk(self.path, onerror=unreadable.append):
            here = Path(parent)
            if "config.json" in files and is_run(here):
                if here != self.path:
                    folders.clear()
                    yield Entry(self._name(here), 0, 0, RUN)
                    continue
                if "samples" in folders:
                    yield Entry("samples", 0, 0, RUN)
                files = [name for name in files if not is_run_part(name)]
                folders[:] = [name for name in folders if not is_run_part(name)]
            folders[:] = [name for name in folders if not self._is_passed_over(here / name)]
            for name in files + [name for name in folders if (here / name).is_symlink()]:
                if not self._is_passed_over(here / name):
                    yield self._entry(here / name)
        for error in unreadable:
            yield Entry(self._name(Path(error.filename)), 0, 0, f"unreadable: {error.strerror}")

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """Yield the contents of the files named, or the error met in reading one."""
        for name in names:
            try:
                yield name, (self.path / name).read_bytes()
            except OSError as error:
                yield name, error

    def _is_passed_over(self, path: Path) -> bool:
        return is_passed_over(self._name(path), self._root)

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
            usable = (m for m in reversed(archive.infolist()) if m.file_size <= MAX_FILE_BYTES)
            members = {member.filename: member for member in usable}
            for name in names:
                try:
                    yield name, archive.read(members[name])
                except DAMAGED as error:
                    yield name, error

    def _problem(self, member: zipfile.ZipInfo) -> str:
        if stat.S_ISLNK(member.external_attr >> 16):
            return "a link"
        if member.flag_bits & 1:
            return "encrypted"
        return _refusal(tarfile.TarInfo(member.filename), self.path)


class Tar:
    """The members of a .tar archive, plain or compressed by gzip, bzip2 or xz.

    `entries` finds out which members the links stand for; `read` follows them.
    """

    def __init__(self, path: Path):
        self.path = path
        self._targets: dict[str, str] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield every member that is not a folder, the links last."""
        files: dict[str, tarfile.TarInfo] = {}
        links: list[tarfile.TarInfo] = []
        with tarfile.open(self.path, tarinfo=_TarMember) as archive:
            for member in archive:
                problem = _refusal(member, self.path)
                if not problem and (member.islnk() or member.issym()):
                    links.append(member)
                elif not member.isdir():
                    if not problem:
                        files.setdefault(posixpath.normpath(member.name), member)
                    yield Entry(member.name, member.size, member.mtime, problem)
            # tarfile takes a damaged header for the end; the true end is a block of zeros.
            archive.fileobj.seek(archive.offset)
            if archive.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                raise tarfile.ReadError("its end is missing or a header is damaged")
        known = {posixpath.normpath(link.name): link for link in reversed(links)} | files
        for link in links:
            target = _follow(link, known)
            problem = "" if target else f"a link to nothing in the archive: {link.linkname}"
            if target and posixpath.normpath(link.name) not in files:
                self._targets.setdefault(link.name, target.name)
            yield Entry(link.name, target.size if target else 0, link.mtime, problem)

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the contents of the members named, in the order that is quick to read."""
        wanted: dict[str, list[str]] = {}
        for name in names:
            wanted.setdefault(self._targets.get(name, name), []).append(name)
        with tarfile.open(self.path, tarinfo=_TarMember) as archive:
            for member in archive:
                if member.isreg() and member.size <= MAX_FILE_BYTES and member.name in wanted:
                    content = archive.extractfile(member).read()
                    yield from ((name, content) for name in wanted.pop(member.name))
                if not wanted:
                    return


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

    Raises `TutorialError` if the path is missing, unreadable or something else.
    """
    path = user_path(path)
    try:
        if path.is_dir():
            return Folder(path)
        if tarfile.is_tarfile(path):
            return Tar(path)
        if zipfile.is_zipfile(path):
            return Zip(path)
    except OSError as error:
        reason = error.strerror or error
        raise TutorialError(
            f"{printable(path)} cannot be read ({reason}): name a folder or an archive of images."
        ) from error
    except DAMAGED as error:
        raise damaged(path, error) from error
    raise TutorialError(
        f"{printable(path)} is neither a folder nor an archive: it may be a .zip, .tar, .tar.gz, "
        ".tar.bz2 or .tar.xz."
    )


def list_files(source: Folder | Zip | Tar) -> tuple[list[Entry], dict[str, str]]:
    """List the files worth reading, in natural order of names, and those that are not.

    Hidden files and what systems keep beside pictures are passed over; they are no part of the
    data. Returns the entries, `cat_9` before `cat_10`, and {name: reason} of the files left out.
    Raises `TutorialError` if the source is damaged, or would unpack to more than any dataset.
    """
    found: dict[str, Entry] = {}
    skipped: dict[str, str] = {}
    total = 0
    try:
        for count, entry in enumerate(source.entries(), start=1):
            total += entry.size
            if count > MAX_FILES or total > MAX_TOTAL_BYTES:
                raise TutorialError(
                    f"{printable(source.path)} holds more than {MAX_FILES:,} files or "
                    f"{MAX_TOTAL_BYTES:,} bytes when unpacked: choose a part of it."
                )
            if is_passed_over(entry.name):
                continue
            problem = entry.problem
            if entry.size > MAX_FILE_BYTES:
                problem = problem or f"too large for an image: {entry.size:,} bytes"
            elif entry.name in found:
                problem = problem or "a second member of the same name"
            if problem:
                skipped[printable(entry.name)] = printable(problem)
            else:
                found[entry.name] = entry
    except TutorialError:
        raise
    except DAMAGED as error:
        raise damaged(source.path, error) from error
    for run in () if isinstance(source, Folder) else runs_among(found):
        skipped[printable(run or ".")] = RUN
        below = f"{run}/" if run else ""
        found = {name: entry for name, entry in found.items() if not name.startswith(below)}
    return sorted(found.values(), key=lambda entry: natural_key(entry.name)), skipped


def damaged(path: Path, error: Exception) -> TutorialError:
    """Make the error that says an archive is damaged."""
    reason = printable(str(error))[:100]
    return TutorialError(f"{printable(path)} is damaged ({reason}): download or pack it again.")


def _refusal(member: tarfile.TarInfo, archive: Path) -> str:
    """Say why the standard library would not unpack a member of data, "" if it would.

    The archive stands for the folder to unpack to: a file has no links inside that could count.
    """
    if not hasattr(tarfile, "data_filter"):
        raise TutorialError("To read archives safely, Python 3.10.12, 3.11.4 or later is needed.")
    name = member.name.replace("\\", "/")
    if PureWindowsPath(name).anchor:  # which the filter only strips
        return "an absolute path"
    try:
        tarfile.data_filter(member.replace(name=name, deep=False), os.fspath(archive))
    except tarfile.SpecialFileError:
        return "not a regular file"
    except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError):
        return f"a link that leads out of the archive: {member.linkname}"
    except (tarfile.FilterError, ValueError):  # a zero in a name is a ValueError
        return "a path that leads out of the archive"
    return ""


def _follow(link: tarfile.TarInfo, known: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo | None:
    """Return the file at which a link, and the links behind it, end; None if there is none."""
    for _ in range(MAX_LINKS):
        folder = posixpath.dirname(link.name) if link.issym() else ""
        link = known.get(posixpath.normpath(posixpath.join(folder, link.linkname)))
        if link is None or link.isreg():
            return link
    return None
