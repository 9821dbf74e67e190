# SPDX-License-Identifier: GPL-2.0
"""Lab kernels: built here from source, for one machine, with the options and
the patches that a question needs. A kernel is known by the content of all that
it was made of, and made once.

    spec         what is wanted, every part checked
    source       where the source comes from, and its state in the work tree
    patches      changes to it, and what their headers promise
    config       fragments into a configuration; lost options are named
    build        make, with progress, resumable
    store        finished kernels: kept, listed, removed
    obtain       the way from spec to a kernel that boots
"""
