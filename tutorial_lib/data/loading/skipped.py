"""What is passed over or left out of a source of pictures, and how that is said."""

from __future__ import annotations

import fnmatch
import itertools
import json
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tutorial_lib.files import write_whole

OTHER_KIND = "of another kind"
CONFIG = "config.json"
RUN = "a run of this program"
SHEET = "a sheet of this program"
# What a run writes into its folder: see `training.trainer` and `training.callbacks`.
_RUN_PARTS = re.compile(
    r"(config\.json|log\.jsonl|card\.json|samples|checkpoints|best|weights-\w+\.npz|\.lock)$"
)

# Beside pictures, systems and programs keep thumbnails, bins and notes under these names, in
# lower case: those of Synology and QNAP, of Windows, of Linux and Android, of Apple, of others.
_SYSTEM_NAMES = frozenset((
    "@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot", "@__thumb",
    "$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db",
    "desktop.ini", "lost+found", "lost.dir", "__macosx", "ipod photo cache", "icon\r",
    "picasa.ini", "zbthumbnail.info",
))  # fmt: skip
_SYSTEM_PATTERNS = re.compile(
    "|".join(map(fnmatch.translate, ("*.lrdata", "*.lrcat-data", "found.[0-9][0-9][0-9]")))
)
# A library of Apple's is a folder; all but the originals in it is made from them.
_LIBRARIES = (".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary")
_ORIGINALS = ("originals", "masters")


def is_passed_over(path: str, root: str = "") -> bool:
    """Tell whether a path below the folder `root` is hidden, or no file of the user's making."""
    parts = re.split(r"[/\\]", path.casefold())
    return any(map(_is_passed_over, parts)) or any(
        folder.endswith(_LIBRARIES) and part not in _ORIGINALS
        for folder, part in itertools.pairwise((root.casefold(), *parts))
    )


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds a run: a config of ours beside a log, checkpoints or samples."""
    if not any((folder / name).exists() for name in ("log.jsonl", "checkpoints", "samples")):
        return False
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and not {"algorithm", "recipe"}.isdisjoint(config)


def is_run_part(name: str) -> bool:
    """Tell whether a run writes a file or folder of this name into its own."""
    return bool(_RUN_PARTS.match(name))


def runs_among(names: Iterable[str]) -> set[str]:
    """Return the folders of an archive that hold a run, by the names of its members."""
    found = set(names)
    folders = {posixpath.dirname(name) for name in found if posixpath.basename(name) == CONFIG}
    return {folder for folder in folders if posixpath.join(folder, "log.jsonl") in found}


def summarise_skipped(skipped: dict[str, str], shown: int = 3) -> list[str]:
    """Make one line for each kind of reason in {name: reason}: a count and some names.

    A reason is a kind, or "kind: detail". Files of other kinds are counted by their suffixes.
    """
    kinds: dict[str, list[str]] = {}
    for name, reason in skipped.items():
        kind, _, detail = reason.partition(": ")
        example = f"{name} ({detail})" if detail else name
        kinds.setdefault(kind, []).append(
            (PurePosixPath(name).suffix or "no suffix") if kind == OTHER_KIND else example
        )
    return [_line(kind, kinds[kind], shown) for kind in sorted(kinds)]


def describe_skipped(skipped: dict[str, str]) -> str:
    """Summarise {name: reason} in one phrase that names three files at most."""
    kinds = len({reason.partition(": ")[0] for reason in skipped.values()})
    return "; ".join(summarise_skipped(skipped, 3 // max(1, kinds)))


def write_skipped(skipped: dict[str, str], path: Path) -> None:
    """Write all of {name: reason} to a text file, a line each, name and reason parted by a tab.

    Raises OSError if that is impossible.
    """
    write_whole(path, "".join(f"{name}\t{why}\n" for name, why in skipped.items()).encode())


def _is_passed_over(part: str) -> bool:
    hidden = part.startswith(".") and part not in (".", "..")
    return hidden or part in _SYSTEM_NAMES or bool(_SYSTEM_PATTERNS.match(part))


def _line(kind: str, examples: list[str], shown: int) -> str:
    several = len(examples) != 1
    what = f"{len(examples):,} {'folder' if kind == RUN else 'file'}{'s' if several else ''}"
    distinct = list(dict.fromkeys(examples))
    listed = ", ".join(distinct[:shown]) + (", …" if len(distinct) > shown else "")
    if kind == OTHER_KIND:
        return f"{what} {'of other kinds' if several else kind} ({listed})"
    return f"{what}, {kind}: {listed}" if shown else f"{what}, {kind}"
