.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export PYTHONWARNINGS ?=

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the environment in .venv (done by itself when needed)

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Caseworker needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: setup ## set everything up and let the worker answer 100 mails (ARGS=--once ends by itself)
	$(BIN)/caseworker demo $(ARGS)

test: setup ## every fast test and check
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not systems" $(ARGS)

lint: setup ## style, types and import directions only
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

test-systems: setup ## the long campaigns: kills, races, real servers (no time limit)
	$(BIN)/pytest -m systems $(ARGS)

bench: setup ## measure: cases per second, latency, the second mail set
	$(BIN)/python -m bench $(ARGS)

docs: setup ## screenshots and generated reference pages
	$(BIN)/python docs/build.py

requirements: setup ## renew the pinned requirements (needs pip-tools)
	pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links -o requirements/dev.txt pyproject.toml requirements/dev.in

.PHONY: help setup demo test lint test-systems bench docs requirements
