# Two commands: `make run` and `make test`. Everything else is for who works on Poort.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
RUN_STAMP := .venv/.run-ready
TEST_STAMP := .venv/.test-ready

.PHONY: help run test check bench format debian clean

help:
	@echo "make run    start Poort on http://127.0.0.1:8000 with everything embedded"
	@echo "make test   the whole suite, on SQLite and Postgres, with the browser"
	@echo "make check  formatting, lint, types and structure, under a minute"
	@echo "make bench  the benchmarks, in one table"

$(RUN_STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Poort needs Python 3.11 or newer; found $$($(PYTHON) --version)."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(TEST_STAMP): requirements-test.txt $(RUN_STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.txt
	@touch $@

run: $(RUN_STAMP)
	@$(BIN)/python -m models migrate --setup-link
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/honcho start

# Chromium for the browser tests, Redis for the queue tests, fonts to look at.
debian:
	@bash tests/debian_packages.sh

test: $(TEST_STAMP) debian
	@$(BIN)/python -m pytest -n $${TEST_PROCESSES:-2} --dist loadfile --no-loadscope-reorder -q

check: $(TEST_STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_structure.py tests/test_routes.py tests/test_words.py tests/test_documents.py

bench: $(TEST_STAMP)
	@$(BIN)/python -m tests.bench

format: $(TEST_STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
