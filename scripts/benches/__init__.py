# SPDX-License-Identifier: GPL-2.0
"""One file a benchmark. Each has a function that takes a Bench (common.py),
measures, and returns an Outcome; scripts/bench.py has the table of them."""
