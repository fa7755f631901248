"""Rewrite text files in place, for the scripts that keep them in line with something else."""

from collections.abc import Callable, Iterable
from pathlib import Path


def rewrite_files(root: Path, patterns: Iterable[str], change: Callable[[str], str]) -> list[Path]:
    """Put every file of `root` that matches a pattern through `change`; return those it changed."""
    changed = []
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        old = path.read_text("utf-8")
        new = change(old)
        if new != old:
            path.write_text(new, "utf-8")
            changed.append(path)
    return changed
