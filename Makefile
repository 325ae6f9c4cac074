# Everything is fetched into this folder: uv into .tools, packages into .venv. Needs Python 3.11 or newer and make.
UV_VERSION := 0.13.8
PYTHON ?= python3
UV := .tools/uv/bin/uv
READY := .venv/.ready
RUN := .venv/bin
export PYTHONDONTWRITEBYTECODE :=
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: demo test lint ui bench clean

demo: $(READY)
	@$(RUN)/migrate demo --out out/demo

test: $(READY) lint
	@$(RUN)/pytest

lint: $(READY)
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

ui: $(READY)
	@test -d out/demo/dagster || $(MAKE) demo
	@DAGSTER_HOME=$(CURDIR)/out/demo/dagster $(RUN)/dagster dev

bench: $(READY)
	@$(UV) sync --quiet --locked --group bench --compile-bytecode
	@$(RUN)/python bench/rock_import.py

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Migrate needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): uv.lock pyproject.toml | $(UV)
	@$(UV) sync --quiet --locked --python $(PYTHON) --compile-bytecode
	@touch $@

clean:
	rm -rf .venv .tools out .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
