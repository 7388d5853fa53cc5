# make run    everything on this machine, at http://127.0.0.1:8000; Ctrl-C stops it
# make test   every test
#
# PYTHON       which Python makes the virtual environment (3.11 or newer; found by itself)
# TORCH_INDEX  a package index that has CPU builds of torch, where the usual one has only builds for GPUs

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := help
.PHONY: help run test test-fast check model clean

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
TORCH := $(shell grep ^torch== requirements.txt)
PIP := $(PY) -m pip install --disable-pip-version-check --no-input --progress-bar off --log $(VENV)/pip.log
# pip says a thousand lines or none; this leaves one for each package that it fetches.
BRIEFLY := 2>&1 | { grep --line-buffered -E '^(Downloading|Installing|ERROR)' || true; } | cut -c 1-100 \
	|| { echo "The packages could not be installed; $(VENV)/pip.log says why." >&2; exit 1; }
# The tests share the fetched model with `make run`.
export LECTERN_MODELS ?= $(CURDIR)/.lectern/models

help:
	@grep -E '^# ' Makefile | cut -c 3-

run: $(VENV)/.installed
	@exec $(PY) manage.py up

test: $(VENV)/.installed-dev model
	@export LECTERN_CHROMIUM="$$($(PY) -m tests.chromium)"; exec $(PY) -m pytest

test-fast: $(VENV)/.installed-dev
	@exec $(PY) -m pytest -m "not browser and not model"

check: $(VENV)/.installed-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .
	@$(MAKE) --no-print-directory test

model: $(VENV)/.installed
	@$(PY) -m local.model_files --tests

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Your documents and answers in .lectern are kept."

$(PY):
	@test -n "$(PYTHON)" || { echo "Lectern needs Python 3.11 or newer with its venv module; set PYTHON to one." >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv $(VENV)

# torch first and by its pin: were another package to choose it, it might choose gigabytes of GPU libraries.
$(VENV)/.installed: requirements.txt | $(PY)
	@echo "Installing what Lectern runs on; the first time takes a few minutes."
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH) $(BRIEFLY)
	@$(PIP) -r requirements.txt $(BRIEFLY)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests need."
	@$(PIP) -r requirements-dev.txt $(BRIEFLY)
	@touch $@
