# SPDX-License-Identifier: GPL-2.0
"""Fitting a kernel's configuration to another compiler: what may change, and
that anything else is stopped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import compiler
from errors import ToolError

CONFIG = ('CONFIG_CC_VERSION_TEXT="gcc-16 16.2.0"\nCONFIG_GCC_VERSION=160200\n'
          "CONFIG_CC_HAS_COUNTED_BY=y\nCONFIG_CC_HAS_ASSUME=y\n# CONFIG_KCSAN is not set\n"
          "CONFIG_MITIGATION_RETHUNK=y\n")
OLDER = {"GCC_VERSION": "120200", "CC_VERSION_TEXT": '"gcc 12.2.0"'}




def test_what_the_compiler_lacks_is_found() -> None:
    config = compiler.settings(CONFIG)
    assert compiler.lost_capabilities(config, lambda c: c.symbol == "CC_HAS_ASSUME") == [
        "CC_HAS_COUNTED_BY"]
    assert compiler.lost_capabilities(config, lambda c: True) == []


def test_the_version_is_lowered_and_never_raised() -> None:
    config = compiler.settings(CONFIG)
    assert compiler.changes(config, OLDER, ["CC_HAS_ASSUME"]) == {
        "CC_HAS_ASSUME": "", "GCC_VERSION": "120200"}
    assert compiler.changes(config, {**OLDER, "GCC_VERSION": "170100"}, []) == {}


def test_a_configuration_is_rewritten() -> None:
    new = {"CC_HAS_COUNTED_BY": "", "GCC_VERSION": "120200"}
    after = compiler.settings(compiler.rewrite(CONFIG, new, header=False))
    assert "CC_HAS_COUNTED_BY" not in after and after["GCC_VERSION"] == "120200"
    assert after["MITIGATION_RETHUNK"] == "y" and after["CC_HAS_ASSUME"] == "y"
    header = "#define CONFIG_CC_HAS_COUNTED_BY 1\n#define CONFIG_CC_HAS_COUNTED_BY_PTR 1\n"
    assert compiler.rewrite(header, new, header=True) == "#define CONFIG_CC_HAS_COUNTED_BY_PTR 1\n"


def test_changes_of_the_compiler_are_listed() -> None:
    before = compiler.settings(CONFIG)
    after = {name: value for name, value in before.items() if name != "CC_HAS_ASSUME"}
    assert compiler.check_changed(before, after) == ["CC_HAS_ASSUME: y -> n"]
    assert compiler.check_changed(before, before) == []


@pytest.mark.parametrize("symbol", ["MITIGATION_RETHUNK", "KCSAN", "CC_HAS_RETURN_THUNK"])
def test_any_other_change_is_stopped(symbol: str) -> None:
    before = compiler.settings(CONFIG)
    after = dict(before)
    if after.pop(symbol, "") == "":
        after[symbol] = "y"
    with pytest.raises(ToolError, match=symbol):
        compiler.check_changed(before, after)


def test_no_hardening_is_in_the_table() -> None:
    hardening = ("RETURN_THUNK", "RETPOLINE", "SLS", "IBT", "ENTRY_PADDING", "STACKPROTECTOR",
                 "ZERO_CALL_USED_REGS", "AUTO_VAR_INIT", "SHADOW", "CFI")
    for capability in compiler.CAPABILITIES:
        assert not any(word in capability.symbol for word in hardening), capability.symbol


@pytest.mark.parametrize("dumped, number", [("12.2.0", 120200), ("16.2.0", 160200), ("14", 140000)])
def test_versions_are_written_as_kconfig_does(dumped: str, number: int) -> None:
    assert compiler.version_number(dumped) == number


def test_probes_tell_what_this_compiler_can_do() -> None:
    assert compiler.gcc_can(compiler.Capability("X", "int x;"))
    assert not compiler.gcc_can(compiler.Capability("X", flags=("-fno-such-option=8",)))
    assert not compiler.gcc_can(compiler.Capability("X", "int x __attribute__((__no_such__));"))


def test_all_three_copies_of_a_tree_are_fitted(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".config", "include/config/auto.conf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CONFIG)
    header = tmp_path / "include/generated/autoconf.h"
    header.parent.mkdir(parents=True)
    header.write_text("#define CONFIG_CC_HAS_ASSUME 1\n#define CONFIG_GCC_VERSION 160200\n")
    monkeypatch.setattr(compiler, "host_facts", lambda gcc: OLDER)
    monkeypatch.setattr(compiler, "lost_capabilities",
                        lambda config, can: ["CC_HAS_ASSUME"])
    assert compiler.adapt(tmp_path) == ["CC_HAS_ASSUME: y -> n", "GCC_VERSION: 160200 -> 120200"]
    assert header.read_text() == "#define CONFIG_GCC_VERSION 120200\n"
    assert "CC_HAS_ASSUME" not in (tmp_path / "include/config/auto.conf").read_text()


def test_a_missing_compiler_is_named() -> None:
    with pytest.raises(ToolError, match="no-such-gcc"):
        compiler.host_facts("no-such-gcc")
