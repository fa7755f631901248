"""Write the tables of stored measurements wherever a page asks for them.

Usage, from the project's root, after a benchmark has stored new results:

    python scripts/make_tables.py

A page asks for a table with two lines, <!-- table: NAME --> and <!-- end -->; what stands between
them is replaced. NAME is a key of `TABLES` in tutorial_lib/show/tables.py. A test checks that the
pages agree with the results.
"""

import re
import sys
from pathlib import Path

from rewriting import rewrite_files

from tutorial_lib.show.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
FILES = ("book/*.md",)
REGION = re.compile(r"<!-- table: (.*?) -->\n.*?<!-- end -->", re.DOTALL)


def fill(text: str) -> str:
    """Return a page with its tables as they should be. Raises KeyError for an unknown one."""
    return REGION.sub(_region, text)


def _region(match: re.Match) -> str:
    name = match.group(1)
    return f"<!-- table: {name} -->\n\n{TABLES[name]()}\n\n<!-- end -->"


def rewrite(root: Path = ROOT) -> list[Path]:
    """Fill every page of `root`; return those that changed."""
    return rewrite_files(root, FILES, fill)


def main() -> int:
    """Rewrite the pages and name those that changed."""
    try:
        changed = rewrite()
    except KeyError as error:
        print(f"There is no table {error}; there are {', '.join(TABLES)}.", file=sys.stderr)
        return 2
    for path in changed:
        print(f"changed {path.relative_to(ROOT)}")
    print(f"{len(changed)} pages changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
