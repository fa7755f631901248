#!/bin/sh
# Make the virtual environment .venv, unless a working one of this very folder is there.
#
# Usage, from the project's root: sh scripts/make_venv.sh
# PYTHON=python3.12 in the environment names the Python to use.
set -eu

fits='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
environment="$PWD/.venv"

# A virtual environment holds absolute paths: after its folder moved, it is made anew.
if [ -x .venv/bin/python ] && grep -qF "$environment" .venv/bin/activate 2>/dev/null &&
    .venv/bin/python -c "$fits" 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.13 python3.12 python3.11 python3.10
fi
python=
for candidate; do
    if "$candidate" -c "$fits" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$("$1" --version 2>/dev/null || echo "none")
    echo "Python 3.10, 3.11, 3.12 or 3.13 is needed (found as $1: $found)." \
        "Install one (Debian, Ubuntu: sudo apt install python3 python3-venv)," \
        "or name yours: make ... PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    echo "$python cannot make virtual environments: its module venv or ensurepip is missing" \
        "(Debian, Ubuntu: sudo apt install $version-venv)." >&2
    exit 1
fi

echo "Making .venv with $("$python" --version)"
"$python" -m venv --clear .venv
