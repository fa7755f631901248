# Every target sets up what it needs, in .venv; what is installed already is left alone.
#   make test PYTHON=python3.12     uses that Python, where .venv does not exist yet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book test test-fast lint format notebooks tables lock test-colab address clean

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A quiet start of TensorFlow, and its fast kernels on every CPU (see tutorial_lib/hardware/environment.py).
export TF_CPP_MIN_LOG_LEVEL := 2
export TF_ENABLE_ONEDNN_OPTS := 1
export KERAS_BACKEND := tensorflow

# What is set for other programs, or for another Python, must not reach this one's environment.
unexport PYTHONPATH PYTHONHOME KERAS_HOME PIP_TARGET PIP_PREFIX PIP_ROOT
export PIP_USER := 0

# Relative paths: a folder whose name has spaces works too.
RUN := .venv/bin/python
INSTALL := $(RUN) -m pip install --quiet
# The theme's releases for older ones differ too much: the site would be another.
BUILDS_SITE := $(RUN) -c "import sys; sys.exit(sys.version_info < (3, 11))"
# The environment belongs to this folder: a moved or copied one is made anew.
MADE := .venv/.made-$(shell pwd | cksum | cut -d' ' -f1)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

book: .venv/.book ## build the website to _build/html
	@rm -rf _build
	@.venv/bin/jupyter-book build -W -n --keep-going --quiet .
	@test -s _build/html/index.html
	@echo "The book is built. Open $(CURDIR)/_build/html/index.html in a browser."

test: lint ## run every check: style, unit tests, notebooks, the built site
	$(RUN) -m pytest --ignore=tests/site tests
	TUTORIAL_BUDGET=test $(RUN) -m pytest --nbval-lax --nbval-current-env \
		--nbval-cell-timeout=300 notebooks
	@if $(BUILDS_SITE); then make --no-print-directory book && $(RUN) -m pytest tests/site; \
		else echo "Left out: the website and its tests, which need Python 3.11 or newer."; fi

test-fast: lint .venv/.test ## run the style checks and the quick unit tests (no notebooks, no site)
	$(RUN) -m pytest -m "not slow" --ignore=tests/site tests

lint: .venv/.test ## check style, formatting, and which room imports which
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	.venv/bin/lint-imports --no-logo --no-cache

format: .venv/.test ## mend what style checks can mend
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

notebooks: .venv/.test ## run every notebook (or NOTEBOOKS="a.ipynb b.ipynb") and store its outputs
	$(RUN) scripts/run_notebooks.py $(NOTEBOOKS)

tables: .venv/.test ## write the tables of stored measurements into the book
	$(RUN) scripts/make_tables.py

lock: $(MADE) ## choose anew the versions that the website is built with
	@$(INSTALL) uv
	.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate \
		--no-emit-index-url --custom-compile-command "make lock" \
		--output-file book/requirements.lock book/requirements.txt

test-colab: $(MADE) ## run every notebook under Colab's versions (needs Python 3.13)
	$(RUN) tests/colab/run.py

address: .venv/.book ## write the repository address of _config.yml wherever it is repeated
	$(RUN) scripts/set_address.py

clean: ## remove what was built; .venv stays
	rm -rf _build .pytest_cache .ruff_cache

# --- Setting up: a stamp file says that a step was done, and redoes it when its list changes.

$(MADE):
	@sh scripts/make_venv.sh
	@rm -f .venv/.made-*
	@touch $@

.venv/.book: book/requirements.lock $(MADE)
	@$(BUILDS_SITE) || { echo "The website is built with Python 3.11, 3.12 or 3.13, and .venv" \
		"has an older one: delete .venv, then make book PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Installing what the website needs (once, about a minute)"
	@$(INSTALL) -r book/requirements.lock
	@touch $@

.venv/.test: pyproject.toml $(MADE)
	@echo "Installing the package, TensorFlow and the test tools (once, a few minutes)"
	@$(INSTALL) -e '.[cpu,test]'
	@touch $@
