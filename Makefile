# fckd: `make` alone lists what there is.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# A stamp, so that a second `make demo` does not install again.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[service,development]'
	@# The oracle of our losses, alone: they need nothing of what it asks for, and the torchvision
	@# among that cannot be imported beside a torch for CPUs.
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps torchdistill
	@touch $@

install: $(VENV)/.installed ## make .venv with the tested set of packages

demo: install ## a whole sweep on synthetic figures: search, confirmation, report, registry
	$(BIN)/fckd sweep tune_spaces/demo.yaml

test: install ## every test of CI; those on real recordings where FCKD_DATA has them
	$(BIN)/pytest -m 'not long'

test-long: install ## what takes minutes: running sweeps that are stopped and grow, fuzzing, images
	$(BIN)/pytest -m 'long and not chaos'

chaos: install ## sixty kills of drivers, workers, nodes, heads, servers; full disks: an hour
	$(BIN)/pytest -m chaos

check: install ## lint, types, layers and the tests without Ray, recordings and servers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q -m 'not ray and not real and not service and not chaos and not long'

BENCHES := runner_overhead sweep_overhead loss_cost network_cost lesson_cost against_peers \
           reading reading_ahead packed_steps two_workers scaling_model

bench: install ## comparisons about speed that need no GPU, server or hour of their own: tables, and build/bench/*.json; some twenty-five minutes
	mkdir -p build/bench
	@for bench in $(BENCHES); do \
		echo "# $$bench"; $(BIN)/python -m benchmarks.$$bench --json build/bench/$$bench.json || exit 1; \
	done
	$(BIN)/python -m benchmarks.lesson_cost --shape video --json build/bench/lesson_cost_video.json

clean: ## delete fckd-storage and student, WITH ALL SWEEPS in them, and caches (not .venv)
	rm -rf fckd-storage student .pytest_cache .mypy_cache .ruff_cache

.PHONY: help install demo test test-long chaos check bench clean
