# SPDX-License-Identifier: GPL-2.0
"""A kernel's report boiled down to what stays the same from one kernel to the
next: its kind, what it complains of, the functions it came from.

Addresses, offsets, line numbers and the suffixes of compilers do not. Reports
are found by qemu/console.py; here lines are freed from what mail programs,
syslog and terminals put before them, and frames of the reporting itself are
left out. Pure: text in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qemu.console import Kind, Markers, Splat, find_splats, kind_of
from qemu.ktap import STAMP

_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_DAY = r"\d{4}-\d\d-\d\d"
_ZONE = r"(?:Z|[+-]\d\d:?\d\d)?"
# What may stand before a kernel's line, outermost first, as often as it does.
_BEFORE = re.compile("|".join((
    r"\s*(?:[>|] ?)+",                                         # quoted in a mail
    rf"\s*\w{{3}} +\d+ {_CLOCK} (?:\S+ )?kernel(?:\[\d+\])?: ?",    # syslog
    rf"\s*{_DAY}T{_CLOCK}{_ZONE} (?:\S+ )?kernel(?:\[\d+\])?: ?",   # syslog of today
    r"\s*(?:kern|user|daemon|local\d) *: *\w+ *: ?",            # dmesg -x
    rf"\s*\[\w{{3}} \w{{3}} +\d+ {_CLOCK} \d{{4}}\] ?",          # dmesg -T
    rf"\s*\[?{_DAY}[T ]{_CLOCK}{_ZONE}\]? ",                   # a serial logger
    rf"\s*\[?{_CLOCK}\]? ",
    r"\s*<\d{1,2}>",                                           # the record's level
    r"\s+(?=\[\s*\d+\.\d{3,}\])",                              # before printk's stamp
)))

# Of the reporting, of locks and lists that complain for those who call them,
# of exception entries: not where a bug is.
_MACHINERY = re.compile("|".join((
    r"_*dump_stack(_lvl)?", r"show_stack\w*", r"print_\w+", r"_*k(a|c|m)san_\w+", r"_*asan_\w+",
    r"check_memory_region\w*", r"_*tsan_\w+", r"_*ubsan_\w+", r"kfence_\w+", r"_*warn\w*",
    r"_*report_bug\w*", r"handle_bug", r"(asm_)?exc_\w+", r"asm_common_\w+", r"do_error_trap",
    r"do_trap\w*", r"(do_|async_|bad_)?page_fault\w*", r"bad_area\w*", r"_*die\w*", r"oops_\w+",
    r"_*refcount_\w+", r"(_*raw|do_raw)_(spin|read|write)_\w+", r"_*(native_|pv_)*queued_\w+",
    r"osq_\w+", r"_*lock_(acquire|release)\w*", r"check_(noncircular|prev_add|prevs_add|deadlock)",
    r"validate_chain", r"mark_lock\w*", r"_*lockdep_\w+", r"_*list_(add|del)\w*_valid\w*",
    r"_*(memcpy|memset|memmove|memcmp|strlen|strcmp)", r"v?panic", r"nmi_panic",
    r"_*mutex_lock\w*", r"_*might_(sleep|resched|fault)\w*", r"slab_(err|bug|fix|pad_check)",
    r"_*slab_err", r"object_err", r"print_trailer", r"check_(bytes\w*|object|slab|pad_bytes)",
    r"(free|alloc)_(consistency_checks|debug_processing)", r"restore_bytes",
    r"do_kernel_fault", r"do_mem_abort", r"do_translation_fault", r"el1h?_\w+", r"el1",
    r"do_bad_area", r"do_debug_exception", r"bug_handler", r"brk_handler",
    r"(program|exception|interrupt)_check_\w+", r"ret_from_\w+", r"restore_\w*regs\w*",
    r"_*pgm_check_\w+", r"handle_exception",
)) + r"\Z")
_FRAME = re.compile(r"(?:^|[\s(\[:])\.?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/(?:0x)?[0-9a-f]+")
# The caller's address beside the one of the fault.
_CALLER = re.compile(r"^\s*(lr : |LR \[| ra : )")
# From here on the report tells who had the memory, or the lock, before.
_HISTORY = re.compile(r"^\s*(Allocated by task|Freed by task|(Last|Second to last) potentially|"
                      r"The buggy address|allocated by task|freed by task|Allocated in |Freed in )")
_BACKTRACE = "stack backtrace:"
_CRASH = re.compile(r"BUG: (unable to handle|kernel NULL pointer|Kernel NULL pointer|"
                    r"Unable to handle)")


@dataclass(frozen=True)
class Report:
    """`functions` begin with the one in which it happened; `during` is the
    scenario or case that was running."""

    kind: str
    detail: str
    functions: tuple[str, ...]
    title: str
    during: str = ""
    in_boot: bool = False

    @property
    def is_stall(self) -> bool:
        return Kind(self.kind).is_stall

    @property
    def is_consequence(self) -> bool:
        """A panic tells that something came before it."""
        return self.kind == Kind.PANIC.value


def plain(line: str) -> str:
    """A line of the kernel's as the kernel said it."""
    line = line.rstrip()
    while found := _BEFORE.match(line) or STAMP.match(line):
        line = line[found.end():]
    bare = line.strip()
    return line if kind_of(bare) is None else bare


def cleaned(text: str) -> list[str]:
    """The lines of a log from wherever it was copied."""
    return [plain(line) for line in text.replace("\r", "").split("\n")]


def bare_name(function: str) -> str:
    """Without what a compiler put behind it: .isra.0, .constprop.0, .part.1, .cold."""
    return function.lstrip(".").partition(".")[0]


def _slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words if "-" in words else ""  # one word alone would read as a function


def kind_name(splat: Splat) -> str:
    """console.py goes by first lines, which for an oops differ by machine."""
    return Kind.OOPS.value if _CRASH.match(splat.title) else splat.kind.value


def _sanitizer_detail(title: str) -> str:
    said = re.sub(r"^.*?BUG: \w+: ", "", title).partition(" in ")[0]
    return _slug(re.sub(r" (read|write|read-write)$", "", said))


def detail_of(kind: str, title: str) -> str:
    """What is complained of, in words that hold no number, address or name."""
    if kind in ("kasan", "kfence", "kcsan"):
        return _sanitizer_detail(title)
    if kind == "ubsan":
        return _slug(title.partition("UBSAN: ")[2].partition(" in ")[0])
    if kind == "refcount":
        return _slug(title.partition("refcount_t: ")[2])
    if kind == "slub":
        return _slug(re.split(r"[.,0-9]| kmalloc| in ", title.partition("): ")[2])[0])
    if kind == "lockdep":
        said = re.sub(r"^\W*(WARNING|BUG|INFO): ", "", title)
        return _slug(re.split(r" detected|!|\d", said)[0])
    if kind == "bug" and title.startswith("BUG: "):
        return _slug(re.split(r" (at|in|on) |[:,]", title[len("BUG: "):])[0])
    if kind == "panic":
        return _slug(re.split(r"[:!(\[]", title.partition("not syncing: ")[2])[0])
    return ""


def _own_part(text: Sequence[str]) -> list[str]:
    """The lines that tell of the event itself."""
    trace = [at for at, line in enumerate(text) if _BACKTRACE in line]
    own = [*text[:1], *text[trace[0]:]] if trace else list(text)
    history = [at for at, line in enumerate(own) if _HISTORY.match(line)]
    return own[:history[0]] if history else own


def functions_of(splat: Splat) -> tuple[str, ...]:
    """Where it happened, then who called; a function once."""
    found: list[str] = []
    if splat.kind is Kind.KCSAN:
        pair = splat.title.partition(" in ")[2].split(" / ")
        found += [word.split()[0].partition("+")[0] for word in pair if word.split()]
    for line in _own_part(splat.text):
        if not _CALLER.match(line):
            at = line.find("? ")
            found += _FRAME.findall(line if at < 0 else line[:at])
    names = [bare_name(name) for name in found]
    return tuple(dict.fromkeys(name for name in names if not _MACHINERY.match(name)))


def report_of(splat: Splat) -> Report:
    kind = kind_name(splat)
    return Report(kind, detail_of(kind, splat.title), functions_of(splat), splat.title,
                  splat.during, splat.in_boot)


def reports_in(lines: Sequence[str], markers: Markers) -> list[Report]:
    """Every report of a console or a log, in order."""
    return [report_of(splat) for splat in find_splats("\n".join(lines).encode(), markers)]
