# SPDX-License-Identifier: GPL-2.0
"""Guests: machines, the initrd and its init, booting under a watchdog, and
reading what a guest said.

Nothing in here knows what the loaded module is about; verdicts are judged in
scripts/.
"""
