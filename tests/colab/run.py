"""Run every notebook under the versions of a Colab runtime.

Usage, from the project's root: python tests/colab/run.py

Makes .venv-colab with Python 3.13 and the versions of colab-pins-*.txt, installs the package as
the notebooks' set-up cell does, makes sure that this changed no other version, and runs the
notebooks with nbval in the budget "test". Without Python 3.13 it says so and stops.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENVIRONMENT = ROOT / ".venv-colab"
PYTHON = ENVIRONMENT / "bin" / "python"
SOURCES = ("tutorial_lib", "pyproject.toml", "README.md", "LICENSE", "LICENSE-text")


def find_python() -> str | None:
    """Return a command that runs Python 3.13, or None. A name on the path may be a dead shim."""
    installed = sorted(Path.home().glob(".pyenv/versions/3.13*/bin/python3.13"))
    for candidate in ["python3.13", "python3", *map(str, installed)]:
        check = "import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 13))"
        try:
            if subprocess.run([candidate, "-c", check], capture_output=True).returncode == 0:
                return candidate
        except OSError:
            continue
    return None


def requirements() -> str:
    """Return the pins; the same TensorFlow without its GPU parts where such a build exists."""
    files = [*sorted(HERE.glob("colab-pins-*.txt")), HERE / "colab-extra.txt"]
    text = "\n".join(file.read_text("utf-8") for file in files)
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        text = text.replace("tensorflow==", "tensorflow-cpu==")
    return text


def pip(*arguments: str) -> str:
    """Run pip in the Colab environment and return what it printed; stop if it failed."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"pip {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def versions() -> dict[str, str]:
    """Return name and version of all that is installed in the Colab environment."""
    return {row["name"]: row["version"] for row in json.loads(pip("list", "--format=json"))}


def make_environment(python: str) -> None:
    """Make the Colab environment, unless one with these very pins is there."""
    text = requirements()
    stamp = ENVIRONMENT / hashlib.sha256(text.encode()).hexdigest()
    if stamp.exists() and PYTHON.exists():
        return
    print(f"Making {ENVIRONMENT.name} with Colab's versions (a few minutes)", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    pinned = ENVIRONMENT / "requirements.txt"
    pinned.write_text(text, "utf-8")
    pip("install", "--quiet", "-r", str(pinned))
    stamp.touch()


def install_package() -> None:
    """Install the package from a clean copy with --no-deps, and check that nothing else moved."""
    before = versions()
    if before.pop("tutorial_lib", None):
        pip("uninstall", "--quiet", "--yes", "tutorial_lib")
    with tempfile.TemporaryDirectory() as folder:
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder) / name)
        pip("install", "--quiet", "--no-deps", folder)
    after = versions()
    package = after.pop("tutorial_lib", None)
    if after != before or package is None:
        moved = sorted(set(before.items()) ^ set(after.items()))
        sys.exit(f"Installing the package changed other versions: {moved}")
    print(pip("check").strip())
    print(f"tutorial_lib {package} installed; the other {len(before)} versions are unchanged.")


def main() -> int:
    """Set up the environment and run the notebooks; return pytest's exit code."""
    python = find_python()
    if python is None:
        print("Skipped: Python 3.13, the version of Colab, is not installed here.")
        return 0
    make_environment(python)
    install_package()
    settings = {"TUTORIAL_BUDGET": "test", "TF_CPP_MIN_LOG_LEVEL": "2"}
    settings["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # Colab's debugger complains at every start
    command = [PYTHON, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
    command += ["--nbval-cell-timeout=300", "-p", "no:cacheprovider", "notebooks"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}).returncode


if __name__ == "__main__":
    sys.exit(main())
