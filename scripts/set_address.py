"""Write the repository's address wherever it must be repeated.

Usage, from the project's root, after changing `repository.url` in _config.yml:

    python scripts/set_address.py

The address lives in `repository.url` alone. Some places cannot look it up, because they are read
before anything of the project is there: a notebook's link to Colab, the line of its set-up cell
that installs the package, the citation file, the address of the website. This rewrites them;
a test checks that they agree.
"""

import re
import sys
from pathlib import Path

import yaml
from rewriting import rewrite_files

ROOT = Path(__file__).resolve().parent.parent
FILES = ("_config.yml", "CITATION.cff", "README.md", "book/*.md", "notebooks/*.ipynb")
PLACE = r"[\w.-]+/[\w-]+(?:\.[\w-]+)*"  # owner/name
DERIVED = (  # what stands before the place, and what after it
    (r"https://colab\.research\.google\.com/github/", "/"),
    (r"https://mybinder\.org/v2/gh/", "/"),
    (r"git\+https://github\.com/", ""),
    (r"repository-code: https://github\.com/", ""),
)


class AddressError(ValueError):
    """The configured address is not one of a GitHub repository."""


def read_place(root: Path = ROOT) -> str:
    """Return "owner/name" from `repository.url` of `root`/_config.yml.

    Raises `AddressError` if the address does not look like https://github.com/owner/name.
    """
    url = yaml.safe_load((root / "_config.yml").read_text("utf-8"))["repository"]["url"]
    match = re.fullmatch(rf"https://github\.com/({PLACE})/?", url)
    if not match or url.endswith(".git"):
        raise AddressError(
            f"repository.url in _config.yml is {url!r}; it must read https://github.com/owner/name."
        )
    return match.group(1)


def derive(text: str, place: str) -> str:
    """Return `text` with every derived occurrence of an address set to `place`."""
    for before, after in DERIVED:
        text = re.sub(rf"({before}){PLACE}(?={after})", rf"\g<1>{place}", text)
    owner, name = place.split("/")
    return re.sub(r"(baseurl: https://)\S+", rf"\g<1>{owner.lower()}.github.io/{name}", text)


def rewrite(root: Path = ROOT) -> list[Path]:
    """Bring every file of `root` in line with its _config.yml; return those that changed."""
    place = read_place(root)
    return rewrite_files(root, FILES, lambda text: derive(text, place))


def main() -> int:
    """Rewrite the files and name those that changed."""
    try:
        changed = rewrite()
    except AddressError as error:
        print(error, file=sys.stderr)
        return 2
    for path in changed:
        print(f"changed {path.relative_to(ROOT)}")
    print(f"The address is {read_place()}; {len(changed)} files changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
