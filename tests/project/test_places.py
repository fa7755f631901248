"""The project works in places of any name, beside other Pythons, and on other systems."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_settings_for_other_pythons_do_not_reach_what_make_starts():
    settings = {"PYTHONPATH": "/stale", "PYTHONHOME": "/stale", "PIP_TARGET": "/x", "PIP_USER": "1"}
    command = ["make", "--no-print-directory", "--eval", "probe:; @env", "probe"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, text=True, capture_output=True, check=True
    )
    lines = done.stdout.splitlines()
    assert "PIP_USER=0" in lines
    assert [line for line in lines if line.startswith(("PYTHONPATH=", "PYTHONHOME="))] == []
    assert [line for line in lines if line.startswith("PIP_TARGET=")] == []


def test_a_checkout_with_the_line_ends_of_windows_has_ours():
    if not (ROOT / ".git").exists():
        pytest.skip("this copy has no history to check out from")
    command = ["git", "-c", "core.autocrlf=true", "archive", "HEAD", "scripts", "Makefile", ".ci"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = [member for member in archive if member.isfile()]
        assert len(files) > 5
        wrong = [m.name for m in files if b"\r\n" in archive.extractfile(m).read()]
    assert wrong == []


def test_every_folder_with_text_that_is_no_page_is_left_out_of_the_site():
    """The builder's own way to find such files stops at a bracket in the project's path."""
    excluded = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["exclude_patterns"]
    pages = {"book", "notebooks"}
    found = {
        path.relative_to(ROOT).parts[0]
        for kind in ("md", "ipynb", "rst")
        for path in ROOT.glob(f"[!._]*/**/*.{kind}")
    }
    assert found - pages - {"build", "dist"} <= set(excluded)
