#!/usr/bin/env bash
# Run every notebook inside Colab's own container image, with the repository as current folder.
# The package goes in as the notebooks' set-up cell puts it there; no other version may change.
set -euo pipefail

pip install --quiet nbval
pip list --format=freeze | sort > /tmp/before
pip install --quiet --no-deps .
pip list --format=freeze | grep -vi '^tutorial.lib==' | sort > /tmp/after
diff /tmp/before /tmp/after

python3 -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
    -p no:cacheprovider notebooks
