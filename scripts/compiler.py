# SPDX-License-Identifier: GPL-2.0
"""Fits a stock kernel's configuration to the compiler that is here.

A kernel's headers record what its own, often newer, compiler could do. What
this one cannot do is taken out: only symbols of the table below, none of
which is a hardening option, each after a probe. All else is left as the
kernel was built with; a hardening flag that this compiler lacks thus stops
the probe build in kdir.py instead of going quietly.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError


@dataclass(frozen=True)
class Capability:
    """A CONFIG_ symbol that stands for something a compiler can do."""

    symbol: str
    code: str = ""
    flags: tuple[str, ...] = ()


# Probes as in init/Kconfig and arch/Kconfig of Linux 7.2.
CAPABILITIES = (
    Capability("CC_HAS_MIN_FUNCTION_ALIGNMENT", flags=("-fmin-function-alignment=8",)),
    Capability("CC_HAS_COUNTED_BY",
               "struct f { int n; int a[] __attribute__((__counted_by__(n))); };"),
    Capability("CC_HAS_COUNTED_BY_PTR",
               "struct f { int n; char *p __attribute__((__counted_by__(n))); };"),
    Capability("CC_HAS_MULTIDIMENSIONAL_NONSTRING",
               'char t[][4] __attribute__((__nonstring__)) = { "1234" };'),
    Capability("CC_HAS_ASSUME", "void f(int a) { __attribute__((__assume__(a < 4))); }"),
    Capability("CC_HAS_ASM_INLINE", 'void f(void) { asm inline (""); }'),
    Capability("CC_HAS_ASM_GOTO_OUTPUT",
               'int f(int x) { asm goto ("" : "=r"(x) ::: bar); return x; bar: return 0; }'),
    Capability("CC_HAS_ASM_GOTO_TIED_OUTPUT",
               'int f(int *x) { asm goto (".long (%l[bar]) - .": "+m"(*x) ::: bar); '
               "return *x; bar: return 0; }"),
    Capability("CC_HAS_NAMED_AS", "int __seg_fs a; int __seg_gs b;"),
    Capability("CC_HAS_INT128", "__int128 v;"),
)
# Facts about the build host's tools, which say what they are, not what to do.
_FACTS = re.compile(r"(CC_VERSION_TEXT|(GCC|AS|LD|PAHOLE)_VERSION)$")
_SET = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)


def settings(config: str) -> dict[str, str]:
    """Symbols that are set, without CONFIG_, from .config or auto.conf."""
    return dict(_SET.findall(config))


def gcc_can(capability: Capability, compiler: str = "gcc") -> bool:
    """Whether the compiler takes a probe without even a warning."""
    done = subprocess.run([compiler, "-Werror", "-Wall", "-Wno-unused", "-std=gnu11",
                           *capability.flags, "-x", "c", "-c", "-o", "/dev/null", "-"],
                          input=capability.code, capture_output=True, text=True, check=False)
    return done.returncode == 0


def lost_capabilities(config: Mapping[str, str],
                      can: Callable[[Capability], bool] = gcc_can) -> list[str]:
    """Symbols that are set though this compiler cannot do what they say."""
    return [c.symbol for c in CAPABILITIES if config.get(c.symbol) == "y" and not can(c)]


def version_number(dumped: str) -> int:
    """12.2.0 -> 120200, as Kconfig writes it."""
    parts = [int(part) for part in re.findall(r"\d+", dumped)[:3]]
    major, minor, patch = parts + [0] * (3 - len(parts))
    return major * 10000 + minor * 100 + patch


def host_facts(compiler: str = "gcc") -> dict[str, str]:
    """The version symbols of the compiler that is here."""
    def said(*arguments: str) -> str:
        try:
            return subprocess.run([compiler, *arguments], capture_output=True, text=True,
                                  check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            raise ToolError(f"{compiler} does not run: {error}", "apt-get install gcc") from error
    text = said("--version").splitlines()[0]
    number = version_number(said("-dumpfullversion"))
    return {"CC_VERSION_TEXT": f'"{text}"', "GCC_VERSION": str(number)}


def changes(config: Mapping[str, str], facts: Mapping[str, str],
            lost: list[str]) -> dict[str, str]:
    """New values of symbols, "" for one to unset. The version is lowered to
    the one at hand and never raised: what a newer compiler could do besides,
    the kernel was built without. CC_VERSION_TEXT stays: it only names who built
    the kernel."""
    new = dict.fromkeys(lost, "")
    if int(config.get("GCC_VERSION", "0")) > int(facts["GCC_VERSION"]):
        new["GCC_VERSION"] = facts["GCC_VERSION"]
    return {symbol: value for symbol, value in new.items() if config.get(symbol, "") != value}


def rewrite(text: str, new: Mapping[str, str], header: bool) -> str:
    """Apply changes to .config or auto.conf, or to autoconf.h (`header`)."""
    for symbol, value in new.items():
        begin = f"#define CONFIG_{symbol} " if header else f"CONFIG_{symbol}="
        line = f"{begin}{value}\n" if value else ""
        text = re.sub(rf"^{re.escape(begin)}.*\n", line.replace("\\", r"\\"), text,
                      flags=re.MULTILINE)
    return text


def check_changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Every difference as text; ToolError if one is not about the compiler."""
    known = {capability.symbol for capability in CAPABILITIES}
    said: list[str] = []
    for symbol in sorted(before.keys() | after.keys()):
        old, new = before.get(symbol, "n"), after.get(symbol, "n")
        if old == new:
            continue
        if symbol not in known and not _FACTS.match(symbol):
            raise ToolError(f"preparing the kernel changed CONFIG_{symbol} from {old} to {new}",
                            "a module built so would not fit the kernel: use another compiler")
        said.append(f"{symbol}: {old} -> {new}")
    return said


def adapt(tree: Path, gcc: str = "gcc") -> list[str]:
    """Fit the three copies of a tree's configuration; returns what changed."""
    config = tree / ".config"
    before = settings(config.read_text())
    new = changes(before, host_facts(gcc),
                  lost_capabilities(before, lambda capability: gcc_can(capability, gcc)))
    for name in (".config", "include/config/auto.conf", "include/generated/autoconf.h"):
        path = tree / name
        path.write_text(rewrite(path.read_text(), new, name.endswith(".h")))
    return check_changed(before, settings(config.read_text()))
