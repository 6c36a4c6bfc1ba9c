# Each target sets up what it needs in .venv, and is quick the second time.
#
#   PYTHON=...       the interpreter to build .venv with (otherwise python3.12, python3.11, python3: the first that runs)
#   ARGS=...         passed on: make jam ARGS="--pack songbook", make test ARGS="-k jam"
#   TORCH_INDEX=...  where to take torch from, for the targets that need it. On Linux the usual wheel carries CUDA
#                    (gigabytes); PyTorch's site names an index of small CPU-only ones.
#   MINUTES=...      how long to fuzz or to soak
#   CORPORA=...      the folder of MIDI corpora (docs/corpora.md)

VENV ?= .venv
PYTHON ?=
ARGS ?=
TORCH_INDEX ?=
CORPORA ?= ../shared/corpora
MINUTES ?= 10

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt

# Stamps: newer than what they were made from, or made again.
READY_TO_JAM := $(VENV)/.ready-to-jam
READY_TO_DEVELOP := $(VENV)/.ready-to-develop

.DEFAULT_GOAL := help
.PHONY: help setup jam test check faults fuzz soak bench docs packs

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(READY_TO_JAM)  ## make .venv with what a jam needs

jam: $(READY_TO_JAM)  ## start the jam partner
	@$(BIN)/fours jam $(ARGS)

test: $(READY_TO_DEVELOP)  ## run the tests
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY_TO_DEVELOP)  ## lint, format, types, import rules and the size of rooms, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --no-warn-unreachable --cache-dir .mypy_cache/windows -p server -p bridge -p model
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_rooms.py

faults: $(READY_TO_DEVELOP)  ## do again what went wrong once, and say which rows of tests/faults/README.md hold
	@$(BIN)/python -m tests.faults

fuzz: $(READY_TO_DEVELOP)  ## try hostile inputs on everything that reads some: MINUTES=60 for all of it
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(ARGS)

soak: $(READY_TO_DEVELOP)  ## play on real ports for half an hour, with cables pulled: MINUTES=30
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

bench: $(READY_TO_DEVELOP)  ## measure speed and size
	@$(BIN)/python -m bench $(ARGS)

docs: $(READY_TO_DEVELOP)  ## write again what is made from the table of controls
	$(BIN)/fours controls --markdown > docs/osc.md.new && mv docs/osc.md.new docs/osc.md
	$(BIN)/fours layout -o bridge/touchosc/trading-fours.tosc --picture docs/touchosc.png

packs: $(READY_TO_DEVELOP)  ## train again the packs that come with the program (an hour or two on two cores)
	$(BIN)/fours train $(CORPORA)/openewld_pd $(CORPORA)/mutopia $(CORPORA)/openscore_lieder --out model/packs/songbook \
	    --force --tracks melodic --epochs 30 --patience 30 --lanes 32 --chunk 128 --dropout 0.45 --threads 1
	$(BIN)/fours train $(CORPORA)/freedoom --from model/packs/songbook --out model/packs/rock --force \
	    --epochs 16 --patience 16 --threads 1

# "Runs" is tried, not looked up: a name on the path may be a shim with nothing behind it, and Debian's
# python3 may come without venv.
$(BIN)/python:
	@for python in $(or $(PYTHON),python3.12 python3.11 python3); do \
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$($$python --version)."; \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "Trading Fours needs Python 3.11 or 3.12 with venv, and found none$(if $(PYTHON), in $(PYTHON)): install one (Debian, Ubuntu: apt install python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(READY_TO_JAM): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what a jam needs."
	@$(PIP) -e .
	@touch $@

$(READY_TO_DEVELOP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what training and the tests need."
	@$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) torch)
	@$(PIP) -e '.[dev]'
	@touch $@ $(READY_TO_JAM)
