PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo dev test test-lake test-long test-fast test-browser test-duckdb2 check bench bench-full clean

demo: $(VENV)/.installed            ## twelve weeks of the bundled demo API into DuckDB, and its page
	$(BIN)/leads-assets demo

dev: $(VENV)/.installed             ## the Dagster UI; against the demo API where no account is set
	$(BIN)/leads-assets dev

test: $(VENV)/.tested check         ## everything that must pass
	$(BIN)/python -m pytest -n 2 -m 'not long'

test-long: $(VENV)/.tested          ## the long ones, which are left out of that
	$(BIN)/python -m pytest -n 2 -m long

test-lake: $(VENV)/.tested          ## what is about lakes, long ones too: a real PostgreSQL, an object store, kills
	$(BIN)/python -m pytest -n 2 leads_assets_tests -k 'lake or postgres'

test-fast: $(VENV)/.tested          ## the pure tests, in seconds
	$(BIN)/python -m pytest -m unit

test-browser: $(VENV)/.tested       ## the page in a headless Chromium, which must be on the PATH
	$(PIP_INSTALL) --editable '.[test,browser]'
	$(BIN)/python -m pytest -n 0 browser_tests

check: $(VENV)/.tested              ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed           ## ours and the others side by side, minutes
	$(BIN)/python benchmarks/compare.py

bench-full: $(VENV)/.installed      ## the same with 50 ms a request, and up to 1,000,000 leads
	$(BIN)/python benchmarks/compare.py --full
	$(BIN)/python benchmarks/scaling.py

test-duckdb2:                       ## the warehouse's tests on DuckDB 2.0, in an environment of their own
	test -x .venv-duckdb2/bin/python || $(PYTHON) -m venv .venv-duckdb2
	.venv-duckdb2/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	.venv-duckdb2/bin/python -m pip install --quiet --no-deps duckdb==2.0.0
	.venv-duckdb2/bin/python -m pytest -n 2 leads_assets_tests/engine/warehouse leads_assets_tests/engine/records

clean:                              ## what these targets made, never your data
	rm -rf $(VENV) .venv-duckdb2 .dagster_home .tmp_dagster_home_* benchmarks/.venvs .hypothesis .mypy_cache .ruff_cache

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[report]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[test]'
	touch $@
