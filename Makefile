# Everything starts from python3, pip and make: the environment is made once, in .venv.
PYTHON ?= python3
BIN := .venv/bin
NAME ?= cars
EXTRAS ?= dev
JOBS ?= 2
# Threads that wait must not spin, as those of BLAS do over every small matrix: the other process needs the core.
SHARING := OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1
# A file stays in one process, so that what its tests share is computed once.
PYTEST := $(SHARING) $(BIN)/pytest -n $(JOBS) --dist loadfile

.PHONY: setup demo test fast lint quick docs torture bench clean

setup: .venv/ready

demo: .venv/ready
	$(BIN)/eqfree run traffic

test: .venv/ready
	$(PYTEST)

fast: .venv/ready
	$(PYTEST) -m "not slow"

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

quick: .venv/ready
	$(SHARING) $(BIN)/python -m scenarios

docs: .venv/ready
	cd docs/images && ../../$(BIN)/python ../execute.py ../*.md

# Kills runs and feeds damaged files, for half an hour and longer; `make test` does a few of both.
torture: .venv/ready
	$(BIN)/python -m tests.torture

bench: .venv/ready
	OMP_WAIT_POLICY=passive $(BIN)/python -m benchmarks.$(NAME)

# `make clean setup EXTRAS=dev,sumo` has SUMO too. pip of the system fills an environment made without one: Debian's
# python3 has no ensurepip. pip compiles on one core, and what packages test themselves with, too.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-compile \
		--constraint constraints.txt --editable ".[$(EXTRAS)]"
	-$(BIN)/python -m compileall -q -j $(JOBS) -x '/tests?/' .venv/lib
	touch $@

clean:
	rm -rf .venv results
