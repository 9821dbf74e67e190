# SPDX-License-Identifier: GPL-2.0
# The doors of slubtorture. `make help` names them all; what is behind each is
# in scripts/ (host), module/ (kernel) and qemu/ (guests).

# sh, not bash: bash counts a variable named SECONDS by itself
SHELL := /bin/sh
.SHELLFLAGS := -ec
# A failing recipe makes make exit with 2, whatever its own status; in question
# mode make hands on 1 as well, which is what tells fail from broken. Lines that
# begin with + run all the same. What they call must not inherit that mode.
DRY := $(findstring n,$(firstword -$(MAKEFLAGS)))
MAKEFLAGS += --no-builtin-rules --no-print-directory -q
DO = +@$(if $(DRY),echo) env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL

# Debian's own: its packages of pytest and mypy belong to it
PYTHON ?= $(or $(wildcard /usr/bin/python3),python3)
DEPS ?= yes
KDIR ?= /lib/modules/$(shell uname -r)/build
CYCLES ?= 200
export ARCH PAGE CONFIG PATCH REMOVE BENCH CACHE OBJECTS
export TOPOLOGY
export PYTHON KERNEL SCENARIO WIDEN RACERS CHURN SECONDS SEED CPUS MEM ACCEL OUT RESCUE DEPS CYCLES KDIR
export AUDIT WORKLOAD
export SUITE STOCK MACHINES CONFIGS MINUTES ASK
export TREE GOOD BAD SUITES SIGNATURE ERROR HOURS JOBS HOSTS RUNS DIRTY
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: audit help run check check-host module clean bench report cycles kernel kernels \
	machines scenarios topologies busted selftests kselftest soak kunit models inspect deps \
	junit kcidb lava bisect matrix matrix-readme publication

help:
	$(DO) cat scripts/help.txt

deps:
	$(DO) scripts/deps.sh $(or $(FOR),run)

run:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/run.py

check:
	$(DO) scripts/deps.sh check
	$(DO) $(PYTHON) scripts/check.py

check-host:
	$(DO) scripts/deps.sh check
	$(DO) $(PYTHON) scripts/check.py --host

# For the running kernel or KDIR, to be loaded from module/; else it stays in OUT.
module:
	$(DO) scripts/deps.sh module
	$(DO) $(PYTHON) $(if $(strip $(KERNEL)$(ARCH)$(PAGE)$(CONFIG)$(PATCH)),scripts/module_for.py, \
		scripts/build_module.py --kdir "$(KDIR)" --in-tree)

bench:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/bench.py

audit:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/audit.py

report:
	$(DO) $(PYTHON) scripts/report.py $(if $(RUN),"$(RUN)")

cycles:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/cycles.py

kernel:
	$(DO) $(if $(REMOVE),:,scripts/deps.sh kernel)
	$(DO) $(PYTHON) scripts/kernel.py

kernels:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/kernels.py list
	$(DO) $(PYTHON) scripts/kernel.py --list

machines:
	$(DO) $(PYTHON) scripts/machines.py

scenarios:
	$(DO) $(PYTHON) scripts/list_scenarios.py

topologies:
	$(DO) $(PYTHON) scripts/topologies.py

busted:
	$(DO) scripts/deps.sh kernel
	$(DO) $(PYTHON) scripts/busted.py

matrix-readme:
	$(DO) scripts/deps.sh matrix
	$(DO) $(PYTHON) scripts/matrix_readme.py

matrix:
	$(DO) scripts/deps.sh matrix
	$(DO) $(PYTHON) scripts/matrix.py

selftests:
	$(DO) scripts/deps.sh check
	$(DO) $(MAKE) -C selftests run_tests

kselftest:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/kselftest.py

# CYCLES has a default of its own here
soak:
	$(DO) scripts/deps.sh run
	$(DO) $(if $(filter file,$(origin CYCLES)),CYCLES=) $(PYTHON) scripts/soak.py

inspect:
	$(DO) scripts/deps.sh run
	$(DO) $(PYTHON) scripts/inspector.py

kunit:
	$(DO) scripts/deps.sh kernel
	$(DO) $(PYTHON) scripts/kunit.py

publication:
	$(DO) scripts/deps.sh kernel
	$(DO) $(PYTHON) scripts/publish.py

models:
	$(DO) scripts/deps.sh models
	$(DO) $(PYTHON) scripts/models.py $(if $(RUN),--run "$(RUN)") $(if $(TEST),--test "$(TEST)")

bisect:
	$(DO) scripts/deps.sh bisect
	$(DO) $(PYTHON) scripts/bisect run

junit:
	$(DO) scripts/deps.sh junit
	$(DO) $(PYTHON) scripts/junit.py $(if $(RUN),--run "$(RUN)") $(if $(TO),--to "$(TO)")

kcidb:
	$(DO) $(if $(KCIDB_SCHEMA),KCIDB_SCHEMA="$(KCIDB_SCHEMA)") scripts/deps.sh kcidb
	$(DO) $(PYTHON) scripts/kcidb.py --origin "$(ORIGIN)" $(if $(RUN),--run "$(RUN)") \
		$(if $(CHECKOUT),--checkout "$(CHECKOUT)") \
		$(if $(KCIDB_SCHEMA),--schema "$(KCIDB_SCHEMA)") $(if $(TO),--to "$(TO)")

lava:
	$(DO) scripts/deps.sh lava
	$(DO) $(PYTHON) scripts/lava.py $(if $(URL),--url "$(URL)") \
		$(if $(DEVICE),--device "$(DEVICE)") $(if $(VISIBILITY),--visibility "$(VISIBILITY)")

clean:
	$(DO) $(PYTHON) scripts/clean.py
