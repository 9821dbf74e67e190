# SPDX-License-Identifier: GPL-2.0
"""Fragments: what they may hold, and options that do not survive."""

from __future__ import annotations

from pathlib import Path

import pytest
from errors import ToolError
from lab import config, spec
from qemu import machines
from qemu.machine import Machine

TEXT = """\
# why
CONFIG_A=y
CONFIG_B=n

# may be lost: only some machines have it
CONFIG_C=y
CONFIG_D="text"

# another
# CONFIG_E is not set
"""


def test_options_are_read_with_their_permission() -> None:
    found = {wish.option: (wish.value, wish.may_be_lost) for wish in config.parse(TEXT, "f")}
    assert found == {"CONFIG_A": ("y", False), "CONFIG_B": ("n", False), "CONFIG_C": ("y", True),
                     "CONFIG_D": ('"text"', True), "CONFIG_E": ("n", False)}


def test_a_line_that_is_no_option_is_named() -> None:
    with pytest.raises(ToolError, match="f, line 2: 'CONFIG_B y' is no option"):
        config.parse("CONFIG_A=y\nCONFIG_B y\n", "f")


def test_the_last_wish_for_an_option_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("CONFIG_A=y\nCONFIG_B=y\n")
    (tmp_path / "b").write_text("CONFIG_A=n\n")
    wishes = config.read([tmp_path / "a", tmp_path / "b"])
    assert [(w.option, w.value) for w in wishes] == [("CONFIG_B", "y"), ("CONFIG_A", "n")]


def test_lost_options_stop_the_build_by_name() -> None:
    wishes = config.parse(TEXT, "kasan.config")
    with pytest.raises(ToolError) as caught:
        config.check_lost(wishes, "CONFIG_B=y\n", "here")
    assert "CONFIG_A=y of kasan.config became n" in str(caught.value)
    assert "CONFIG_B=n of kasan.config became y" in str(caught.value)
    assert "CONFIG_C" not in str(caught.value)


def test_a_permitted_loss_is_only_told() -> None:
    assert config.check_lost(config.parse(TEXT, "f"), "CONFIG_A=y\n", "") == ["CONFIG_C", "CONFIG_D"]


def test_granted_wishes_are_silent() -> None:
    text = 'CONFIG_A=y\nCONFIG_C=y\nCONFIG_D="text"\n# CONFIG_B is not set\n'
    assert config.check_lost(config.parse(TEXT, "f"), text, "") == []


@pytest.mark.parametrize("path", sorted(spec.CONFIGS.rglob("*.config")), ids=str)
def test_every_fragment_of_the_project_is_well_formed(path: Path) -> None:
    assert config.parse(path.read_text(), path.name)


@pytest.mark.parametrize("values, message", [
    (("", "vax", "", "", ""), "ARCH=vax"),
    (("", "arm64", "8", "", ""), "PAGE=8: aarch64 has no such page size"),
    (("", "", "", "kunit,nix", ""), "CONFIG=nix: no such fragment"),
    (("7.2", "", "", "", "nope"), "PATCH=nope: no such patch"),
    (("", "s390x", "64K", "", ""), "PAGE=64K"),
])
def test_what_cannot_be_meant_is_named(values: tuple[str, ...], message: str) -> None:
    with pytest.raises(ToolError, match=message) as caught:
        spec.make_spec(*values)
    assert caught.value.hint


def test_a_spec_is_put_together_in_order() -> None:
    made = spec.make_spec("7.2", "arm64", "64K", "kunit, kasan", "stride-16-bit")
    assert made.named == "aarch64-64k-kunit-kasan" and made.page_kib == 64
    assert [path.stem for path in made.fragments] == ["base", "aarch64", "aarch64-64k", "kunit",
                                                      "kasan"]
    assert [path.name for path in made.patches] == ["stride-16-bit.patch"]
    assert spec.make_spec("7.2", "ppc64le", "", "", "").page_kib == 64


def test_make_takes_the_name_of_every_fragment(tmp_path: Path) -> None:
    own = tmp_path / "a:b$c%d.config"
    own.write_text("CONFIG_X=y\n")
    assert spec.make_spec("", "x86_64", "", str(own), "").named == "x86_64-4k-a_b_c_d"


def test_a_fragment_may_be_a_file_of_the_users(tmp_path: Path) -> None:
    own = tmp_path / "mine.config"
    own.write_text("CONFIG_X=y\n")
    assert spec.make_spec("", "", "", str(own), "").fragments[-1] == own


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: str(machine.arch))
def test_every_machine_says_what_its_kernels_need(machine: Machine) -> None:
    for page_kib in machine.pages_kib:
        found = spec.machine_fragments(machine, page_kib)
        assert all(config.parse(part.text, part.name) for part in found)
        assert len(found) == (2 if len(machine.pages_kib) > 1 else 1)
