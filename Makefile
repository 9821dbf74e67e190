# SPDX-License-Identifier: GPL-2.0
# The doors of slubtorture. `make help` names them all; what is behind each is
# in scripts/ (host), module/ (kernel) and qemu/ (guests).

# sh, not bash: bash counts a variable named SECONDS by itself
SHELL := /bin/sh
.SHELLFLAGS := -ec
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Debian's own: its packages of pytest and mypy belong to it
PYTHON ?= $(or $(wildcard /usr/bin/python3),python3)
DEPS ?= yes
KDIR ?= /lib/modules/$(shell uname -r)/build
CYCLES ?= 200
export PYTHON KERNEL SCENARIO SECONDS SEED CPUS MEM ACCEL OUT RESCUE DEPS CYCLES KDIR
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help run check check-host module clean bench cycles kernels selftests kunit deps

help:
	@cat scripts/help.txt

deps:
	@scripts/deps.sh $(or $(FOR),run)

run:
	@scripts/deps.sh run
	@exec $(PYTHON) scripts/run.py

check:
	@scripts/deps.sh check
	@exec $(PYTHON) scripts/check.py

check-host:
	@scripts/deps.sh check
	@exec $(PYTHON) scripts/check.py --host

module:
	@scripts/deps.sh module
	@exec $(PYTHON) scripts/build_module.py --kdir "$(KDIR)" --in-tree

bench:
	@scripts/deps.sh run
	@exec $(PYTHON) scripts/bench.py

cycles:
	@scripts/deps.sh run
	@exec $(PYTHON) scripts/cycles.py

kernels:
	@scripts/deps.sh run
	@exec $(PYTHON) scripts/kernels.py list

selftests:
	@scripts/deps.sh check
	@$(MAKE) -C selftests run_tests

kunit:
	@scripts/deps.sh run
	@exec $(PYTHON) scripts/kunit.py

clean:
	@$(PYTHON) scripts/clean.py
