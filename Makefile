# `make demo` and `make test` need Python 3.11 or newer, make, and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
S3 := $(VENV)/s3
PORT ?= 8765
PYTEST ?= $(BIN)/pytest

.PHONY: demo run test chaos bench check format lock clean help browser

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# moto, an S3 server for the tests, needs another python-dateutil than PgQueuer does: it has an environment of its own.
$(S3)/.ready: requirements-s3.lock | $(BIN)/python
	$(PYTHON) -m venv $(S3)
	$(S3)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-s3.lock
	@touch $@

$(BENCH): requirements-bench.lock $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

demo: $(RUNTIME) ## Run the real bots against local stand-ins and open the page
	$(BIN)/imagine demo --port $(PORT)

run: $(RUNTIME) ## Run the bots with the settings of .env
	$(BIN)/imagine run

test: $(DEV) $(S3)/.ready browser ## Run the whole test suite
	$(BIN)/python -m tests.everything

chaos: $(DEV) ## Kill the bots again and again, and count what was lost or done twice (minutes)
	$(BIN)/python -m bench.chaos

bench: $(BENCH) ## Measure, and write bench/report.md (minutes)
	$(BIN)/python -m bench

check: $(DEV) ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The page is tested in a real Chromium. Where there is none and Debian's can be installed, it is.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium" && \
	  { apt-get update -qq >/dev/null 2>&1; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null 2>&1; } || true; }

format: $(DEV) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(DEV) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --upgrade --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --upgrade --group dev --group bench pyproject.toml -c requirements-dev.lock -o requirements-bench.lock
	printf 'moto[s3]>=5.1,<6\nflask>=3,<4\nflask-cors>=5\n' | $(BIN)/uv pip compile -q --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header - -o requirements-s3.lock
	echo hatchling editables | tr ' ' '\n' | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header - -o requirements-build.lock

clean: ## Remove the virtual environment and what tests left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
