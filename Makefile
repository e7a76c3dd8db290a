# SPDX-FileCopyrightText: 2026 The g2d authors
# SPDX-License-Identifier: MIT
#
# Short names for the usual work; each sets the machine up first (tools/setup.sh). CMake alone does for everything else.

JOBS ?= $(shell nproc)
export PATH := $(CURDIR)/build/python/bin:$(PATH)
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help setup demo check test headers format bench suite clean

help:
	@echo 'make demo [ARGS=...]   train on digits; ARGS are options of `train_audio_visual digits`, --help lists them'
	@echo 'make check             the unit and golden tests only, for the loop while working'
	@echo 'make test              build and run all tests, with and without sanitizers'
	@echo 'make headers           compile every header alone; make test compiles those of a family together'
	@echo 'make format            format the C++ code'
	@echo 'make bench [ARGS=...]  build and run the speed benchmarks; ARGS default to `--all`, `--help` tells the others'
	@echo 'make suite [ARGS=...]  run the benchmark suite; ARGS default to `run --quick`, docs/guide/suite.md has more'
	@echo 'make setup             only install what is missing'
	@echo 'make clean             remove what was built, but not build/python, the installed LibTorch'
	@echo 'JOBS=N limits the compilers running at once; each takes up to 1.5 GB of memory'

setup:
	@tools/setup.sh

demo: setup
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target train_audio_visual
	build/release/examples/train_audio_visual digits $(ARGS)

check: setup
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target g2d_test_unit g2d_test_golden
	@ctest --preset release --parallel $(JOBS) -R '^(unit|golden)\.'

test: setup
	@tools/test.sh $(JOBS)

headers: setup
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target header_check_alone

format: setup
	@tools/format.sh

bench: ARGS ?= --all
bench: setup
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target benchmarks
	@python3 benchmarks/suite/suite.py speed $(ARGS)

suite: ARGS ?= run --quick
suite: setup
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target suite_cell
	@python3 benchmarks/suite/suite.py $(ARGS)

clean:
	rm -rf build/release build/dev build/asan
