# Two commands: `make demo` sets up and runs the whole workflow on real data, `make test` sets up and runs the tests.
# All that is installed goes into .venv. Cores: `make demo CORES=8`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= all
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-binary=connection_pool
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env env-pyscenic demo test lint format lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

env: .venv/.complete ## make the environment (.venv)

env-pyscenic: .envs/pyscenic/.complete ## make the environment of pySCENIC and arboreto, for reference tests

demo: env ## run the whole workflow on the demo data and say where the report is
	$(BIN)/python -m grnformer.measure snakemake --cores $(CORES)
	@echo "The report: $(CURDIR)/results/report/index.html"

test: env ## run the tests
	$(BIN)/python -m pytest

lint: env ## run the linters
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

format: env ## format the code
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

lock: env ## write requirements.lock from what is installed
	( sed -n '/^#/p' requirements.lock; \
	  $(BIN)/python -m pip freeze --all --exclude-editable | sed 's/+cpu//' | grep -vE '^pip==' ) > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean: ## remove results and fetched resources, keep the environment
	rm -rf results resources .snakemake

# torch goes first, by itself: it brings the build that fits the machine (CUDA where PyPI has it).
.venv/.complete: requirements.lock pyproject.toml
	@echo "Making the environment in .venv (a few minutes, once) ..."
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed, found " + sys.version.split()[0] + "; name one: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(PIP) --constraint requirements.lock torch
	$(PIP) --no-deps --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

.envs/pyscenic/.complete: envs/pyscenic.txt
	rm -rf .envs/pyscenic
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed; name one: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .envs/pyscenic
	.envs/pyscenic/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement envs/pyscenic.txt
	touch $@
