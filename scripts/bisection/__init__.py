# SPDX-License-Identifier: GPL-2.0
"""Finds the commit that broke SLUB, with an honest answer about bugs that show
only now and then. The door is scripts/bisect.

    outcomes     what a run, and a commit, came to
    signature    what is hunted, and whether a run showed it
    statistics   how many runs an answer takes, and how sure it is
    tree         the user's git tree: what is wrong with it, said early
    step         one commit: a kernel, its runs, an answer for git
    session      what was asked, and all that is known so far, on disk
    bundle       what one run needs, in a directory that can be sent away
    spread       several runs at once, here and on other machines
    page         what was found, as text, page and picture
"""
