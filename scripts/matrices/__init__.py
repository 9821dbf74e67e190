# SPDX-License-Identifier: GPL-2.0
"""What `make matrix` is made of: plan, facts, table and picture."""
