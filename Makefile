# Two commands matter: 'make demo' (a small class from nothing to a gradebook) and 'make test' (everything continuous integration runs).
# Both set up what they need in .venv, and are quick the second time.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.set-up
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
# nbgrader calls alembic by name, and Triton reads its mode when it is first imported.
export PATH := $(BIN):$(PATH)
export TRITON_INTERPRET := 1

.PHONY: help setup walls demo data lesson-data test lint unit notebooks attacks build bundle audit doctor docs constraints clean

help:
	@echo "make demo    a class of two dozen submissions from nothing to a gradebook"
	@echo "make test    the whole test suite, as continuous integration runs it"
	@echo "make data    every data set that the notebooks read, into data/"
	@echo "make attacks  hostile submissions gain nothing, honest ones lose nothing"
	@echo "make build   lessons to source/ and release/        make bundle  one zip per assignment for students"
	@echo "make docs    the documentation's site, in build/docs"
	@echo "make audit   the honesty gate of every assignment   make doctor  what this machine can wall off"

setup: $(STAMP) walls

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "vislab needs Python 3.11 or newer; on Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python's venv module is incomplete; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV) (a few minutes the first time)"
	@# torch first and pinned: an unpinned one brings gigabytes for a GPU that may not be there.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt setuptools wheel
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-build-isolation \
		--editable '.[kernels,instructor,cluster,postgres,docs,dev]'
	@# read for the pictures inside it: what it needs to be a program stays out.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps scikit-image
	@touch $@

# bubblewrap is no Python package. Without it everything works but grading.
walls:
	@command -v bwrap >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null; \
		elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq bubblewrap >/dev/null; \
		fi; }
	@command -v bwrap >/dev/null 2>&1 || echo "bubblewrap is missing and could not be installed; grading needs it: sudo apt-get install bubblewrap" >&2

demo: setup lesson-data
	@$(BIN)/python -m autograder demo --workers $(WORKERS)

data: $(STAMP)
	@$(BIN)/python -m data_scripts all

# the sets that lessons read and hidden pictures are drawn from: built where they are missing or have changed, a second otherwise.
LESSON_SETS := pose pose_hidden icons
lesson-data: $(STAMP)
	@for set in $(LESSON_SETS); do $(BIN)/python -m data_scripts $$set --no-picture || exit 1; done

test: setup lint unit notebooks attacks
	@$(BIN)/python -m autograder audit --secrets 3

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# each worker has one stretch of the suite, so that what a room's tests share is built once, and takes of the other's when its own is done.
unit: lesson-data
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist worksteal tests

# a notebook is one kernel: its cells go to one worker together, in their order. One thread each: kernels side by side would wait for each other.
notebooks: lesson-data
	@OMP_NUM_THREADS=1 VISLAB_CI=1 VISLAB_BUDGET=small $(BIN)/python -m pytest -q --numprocesses $(WORKERS) --dist loadfile \
		--nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg -p no:cacheprovider source

# hostile and honest submissions; without bubblewrap there is nothing to run them behind, as in the tests that need walls.
attacks: setup
	@if command -v bwrap >/dev/null 2>&1; then $(BIN)/python -m autograder attack --workers $(WORKERS) --quiet; \
	else echo "the attack suite was skipped: bubblewrap is missing" >&2; test -z "$(CI)"; fi

build: setup lesson-data
	@$(BIN)/python -m autograder build

bundle: setup lesson-data
	@$(BIN)/python -m autograder bundle

audit: setup lesson-data
	@$(BIN)/python -m autograder audit

doctor: setup
	@$(BIN)/python -m autograder doctor

# Warnings are errors. The notice it silences advertises this theme's successor.
docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "build/docs/index.html"

# After a deliberate upgrade inside .venv.
constraints: $(STAMP)
	@{ echo "# What continuous integration installs, to the last digit. Made by 'make constraints'; the package itself asks for ranges (pyproject.toml)."; \
		$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//' | sort -f; } > constraints.new && mv constraints.new constraints.txt

clean:
	rm -rf build dist bundle demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
