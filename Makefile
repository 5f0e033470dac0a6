# The two commands of the README are `make demo` and `make test`; each creates what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
FRAMEWORKS := .venv-frameworks
BIN := $(VENV)/bin
# The first Python of 3.11 or newer on the path; `make PYTHON=/path/to/python demo` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
UV := $(BIN)/uv pip install --system-certs --python $(BIN)/python
# uv takes a tenth of pip's time. pip takes over where uv fails: no wheel for this platform, or a mirror that only pip is told of.
install = { $(PIP) --only-binary :all: 'uv>=0.13,<1' && $(UV) $(1); } >$(VENV)/uv.log 2>&1 || $(PIP) $(1)
EXACT := --constraint constraints.txt --editable
# Once, on all cores, before many processes start at the same time and each compiles what it imports. pip would use one core.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/(pip|setuptools|mypy|mypyc|tests)/' $(VENV)/lib client agent services
FUZZ_MINUTES ?= 5
MUTANTS ?= 300
# How many tests run at once: three for two cores, as a third of their time is spent waiting.
WORKERS ?= $(shell echo $$(( ($$(nproc 2>/dev/null || echo 2) * 3 + 1) / 2 )))
# Unit tests are so short that handing them out one by one would cost as much as they do: two halves, side by side.
UNIT := $(BIN)/python -m pytest -q -n 0 -m 'unit and not slow and not lengthy'
HALF := $(addprefix tests/unit/,spec codec compat functions metric_store suggestion views)
UNITS := $(UNIT) $(HALF) >$(VENV)/unit.log 2>&1 & half=$$!; $(UNIT) tests/unit $(HALF:%=--ignore=%); passed=$$?; \
	wait $$half || passed=1; cat $(VENV)/unit.log
OTHERS := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m 'not slow and not frameworks and (lengthy or not unit)'
SOURCES := client agent services tests benchmarks protos/build.py examples
PROTOS := $(shell find protos -name '*.proto') protos/build.py

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/server ## Run a real sweep from nothing to its best run
	@$(BIN)/sweepctl demo

test: $(VENV)/dev ## Pass every check and every test that this machine can run
	@nice $(MAKE_COMMAND) --no-print-directory check >$(VENV)/check.log 2>&1 & checking=$$!; \
		trap 'kill $$checking $$half; exit 1' INT TERM; \
		$(UNITS); $(OTHERS) || passed=1; \
		wait $$checking || { cat $(VENV)/check.log; echo "error: \`make check\` fails"; exit 1; }; \
		exit $$passed

unit: $(VENV)/dev ## Pass the unit tests alone, but for the few that take long
	@trap 'kill $$half; exit 1' INT TERM; $(UNITS); exit $$passed

test-slow: $(VENV)/dev ## Pass the long forms: more examples of each property, more faults
	@$(BIN)/python -m pytest -q --long tests/unit
	@$(BIN)/python -m pytest -q -m slow tests

test-frameworks: $(VENV)/dev $(FRAMEWORKS)/created ## Train with torch, Keras, XGBoost and others, as their users do
	@$(BIN)/python -m pytest -q -m frameworks tests/frameworks

fuzz: $(VENV)/dev ## Try mutated sweep files on the reader for FUZZ_MINUTES, keep what crashes it
	@PYTHONPATH=tests $(BIN)/python -m fuzz --minutes $(FUZZ_MINUTES)

mutants: $(VENV)/dev ## Change the pure cores in MUTANTS places, and show what no test notices
	@PYTHONPATH=tests $(BIN)/python -m mutants --sample $(MUTANTS)

check: $(VENV)/dev ## Check format, lint, types, import rules and the contract
	@$(BIN)/python -m sweepd.objects.generate
	@$(BIN)/python -m sweepd_kernel.sql.generate
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy --no-error-summary
	@PYTHONPATH=client:agent:services $(BIN)/lint-imports --no-logo >$(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code
	@$(BIN)/buf breaking --against protos/released.binpb

format: $(VENV)/dev ## Format the code and the contract
	@$(BIN)/ruff format --quiet $(SOURCES)
	@$(BIN)/ruff check --fix --quiet $(SOURCES)
	@$(BIN)/buf format --write

protos: $(VENV)/server ## Build again what is generated: stubs of the contract, SQL of the tables, the blocking client
	@$(call install,--no-deps --editable .)

bench: $(VENV)/bench ## Measure speed beside its peers, as ratios in one run
	@$(BIN)/python -m benchmarks

clean: ## Remove what these targets made
	rm -rf $(VENV) $(FRAMEWORKS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache client/sweepd/v1/*_pb2*
	rm -f client/sweepd/objects/client.py client/sweepd/objects/sweep.py
	find services -name tables_sql.py -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	@[ -n "$(PYTHON)" ] || { echo "error: no Python 3.11 or newer on the path: install one, or say make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment: on Debian or Ubuntu, apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/server: $(VENV)/created pyproject.toml constraints.txt $(PROTOS)
	@echo "Installing sweepd into $(VENV) (once; some seconds)"
	@$(call install,$(EXACT) '.[server]')
	@$(COMPILE)
	@touch $@

$(VENV)/dev: $(VENV)/created pyproject.toml constraints.txt $(PROTOS)
	@echo "Installing sweepd and its development tools into $(VENV) (once; about half a minute)"
	@$(call install,$(EXACT) '.[dev]')
	@$(COMPILE)
	@touch $(VENV)/server $@

# PyPI's torch for Linux brings CUDA, gigabytes of it. Debian's is made for the CPU, 0.2 GB to fetch, and goes with Debian's Python.
$(FRAMEWORKS)/created: tests/frameworks/requirements.txt
	@/usr/bin/python3 -c 'import ensurepip, torch' 2>/dev/null && [ -d /usr/share/datasets/fashion-mnist ] || \
		{ echo "error: on Debian 13 or newer, first: apt-get install --no-install-recommends python3-torch python3-venv dataset-fashion-mnist"; exit 1; }
	@echo "Installing frameworks into $(FRAMEWORKS) (once; 2 GB, some minutes)"
	@/usr/bin/python3 -m venv --system-site-packages $(FRAMEWORKS)
	@$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/frameworks/requirements.txt
	@touch $@

$(VENV)/bench: $(VENV)/dev
	@$(call install,$(EXACT) '.[bench]')
	@$(COMPILE)
	@touch $@

.PHONY: help demo test test-slow test-frameworks unit fuzz mutants check format protos bench clean
