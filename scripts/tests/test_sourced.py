# SPDX-License-Identifier: GPL-2.0
"""Whether a tree fits a kernel is judged by vermagic and structs; which
configuration is tried first, and what a name stands for where the archive has
images without headers."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import layouts
import series as ser
import sourced
from elf_builder import elf_file
from errors import ToolError
from test_series import OFFER, kernel_text, kernels, stanza

MAGIC = b"vermagic=6.19.1-cloud SMP preempt mod_unload \0"


def btf(structs: dict[str, tuple[int, list[tuple[str, int]]]], flag: bool = False) -> bytes:
    """BTF of structs: size, and name and place of each member, all of type 1."""
    strings, types = b"\0int\0", struct.pack("<IIII", 1, 1 << 24, 4, 32)
    for name, (size, members) in structs.items():
        types += struct.pack("<III", len(strings), flag << 31 | 4 << 24 | len(members), size)
        strings += name.encode() + b"\0"
        for member, place in members:
            types += struct.pack("<III", len(strings), 1, place)
            strings += member.encode() + b"\0"
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types),
                       len(strings)) + types + strings


MANY = {f"s{n}": (8, [("a", 0), ("b", 32)]) for n in range(sourced._STRUCTS_LEAST)}


def image(structs: dict[str, tuple[int, list[tuple[str, int]]]], magic: bytes = MAGIC) -> bytes:
    return elf_file({".BTF": (0, btf(structs)), ".rodata": (0, b"x" + magic[9:])})


def test_a_tree_that_fits() -> None:
    assert sourced.misfit(b"\0" + MAGIC, btf(MANY), image(MANY | {"own": (4, [("x", 0)])})) == ""


@pytest.mark.parametrize("other, said", [
    ({"s7": (16, [("a", 0), ("b", 32)])}, "1 of 300 structs are other than its own: s7"),
    ({"s7": (8, [("a", 0), ("b", 40)])}, "s7"), ({"s7": (8, [("a", 0), ("c", 32)])}, "s7"),
    ({"s7": (8, [("a", 0)])}, "s7")])
def test_another_struct_is_a_misfit(other: dict[str, tuple[int, list[tuple[str, int]]]],
                                    said: str) -> None:
    assert said in sourced.misfit(MAGIC, btf(MANY | other), image(MANY))


def test_too_little_to_compare_is_a_misfit() -> None:
    few = dict(list(MANY.items())[1:])
    assert "only 299" in sourced.misfit(MAGIC, btf(few), image(MANY))
    assert "no BTF" in sourced.misfit(MAGIC, btf(MANY), elf_file({".rodata": (0, MAGIC[9:])}))


@pytest.mark.parametrize("module", [b"", MAGIC.replace(b"preempt ", b""),
                                    MAGIC.replace(b"mod_unload ", b"mod_unload modversions ")])
def test_another_vermagic_is_a_misfit(module: bytes) -> None:
    assert "its modules say" in sourced.misfit(module, btf(MANY), image(MANY))


def test_one_of_several_structs_of_a_name_will_do() -> None:
    two = btf({"s": (8, [("a", 0)])})
    assert layouts.layouts(two)["s"] == {layouts.Layout(8, (("a", 0),))}
    # bit fields: the width is in the high byte of the place
    wide = btf({"s": (8, [("a", 3 << 24 | 5)])}, flag=True)
    assert layouts.layouts(wide)["s"] == {layouts.Layout(8, (("a", 5),))}


def test_all_headers_of_the_module_are_looked_at() -> None:
    found = sourced.headers_of_module()
    assert "<linux/slab.h>" in found and "<linux/memcontrol.h>" in found
    assert not any("slubtorture" in name for name in found)


BARE = (stanza("linux-binary-7.1.13+deb13-cloud-amd64", "7.1.13-1~bpo13+1")
        + stanza("linux-image-7.1.13+deb13-cloud-amd64", "7.1.13-1~bpo13+1")
        + stanza("linux-binary-7.1.8+deb13-cloud-amd64", "7.1.8-1~bpo13+1")
        + stanza("linux-image-6.18.15+deb13-cloud-amd64", "6.18.15-1~bpo13+1")
        + stanza("linux-image-6.12-cloud-amd64", "6.12.117-1~deb12u1")
        + stanza("linux-image-6.18.15+deb13-rt-amd64", "6.18.15-1~bpo13+1"))


def test_images_alone_are_offered_newest_first() -> None:
    found = ser.choices(kernels(OFFER + BARE), "7.1")
    assert [kernel.version for kernel in found] == ["7.1.13-1~bpo13+1", "7.1.8-1~bpo13+1"]
    assert found[0].bare and found[0].image.name.startswith("linux-binary-")
    assert "6.12" not in ser.series_offered(kernels(OFFER + BARE))


def test_headers_are_better_than_a_newer_image() -> None:
    text = OFFER + stanza("linux-image-7.2.99+deb14-cloud-amd64", "7.2.99-1")
    assert ser.choose(kernels(text), "7.2").version == "7.2.13-1"
    assert ser.choose(kernels(BARE + kernel_text("6.1.0-56", "6.1.192-2")), "").series == "6.1"


def test_flavours_are_asked_for_by_name() -> None:
    offer = kernels(OFFER + BARE + OFFER.replace("cloud-amd64", "rt-amd64"))
    assert ser.choose(offer, "rt:7.2").release == "7.2.13+deb14-rt-amd64"
    assert ser.choose(offer, "rt:").release == "7.2.13+deb14-rt-amd64"
    assert ser.choose(offer, "7.2").release == "7.2.13+deb14-cloud-amd64"
    assert ser.choose(offer, "rt:6.18").bare
    names = ser.series_offered(offer)
    assert names.index("6.1") < names.index("rt:7.3") < names.index("rt:6.1")
    for name in ("rt:9.9", "rt:7.1"):
        with pytest.raises(ToolError, match=f"series {name} "):
            ser.choose(offer, name)


def test_stock_is_a_word_for_the_usual_one() -> None:
    offer = kernels(OFFER)
    assert ser.choose(offer, "stock:7.2") == ser.choose(offer, "7.2")
    assert ser.choose(offer, "stock:") == ser.choose(offer, "")
    assert ser.says_stock("stock:7.2") and ser.says_stock("rt:")
    assert not any(map(ser.says_stock, ("7.2", "", "/a:b", "http:7.2")))


@pytest.mark.parametrize("name", ["cloud:7.2", "7", "rt:7", "seven", "/a/tree", "rt:7.2.1"])
def test_what_is_no_name(name: str) -> None:
    assert ser.parse_name(name) is None


def test_the_nearest_configurations_are_tried_the_older_first() -> None:
    offer = kernels(OFFER + BARE)
    own = ser.choose(offer, "7.1")
    assert [package.pinned for package in sourced.config_packages(own, offer)] == [
        "linux-image-6.18.15+deb13-cloud-amd64=6.18.15-1~bpo13+1",
        "linux-headers-7.2.12+deb13-cloud-amd64=7.2.12-1~bpo13+1"]


def test_a_kernels_own_configuration_comes_first(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/config-6.18").write_text("CONFIG_SLUB=y\n")
    assert sourced._config_in(tmp_path) == "CONFIG_SLUB=y\n"
    assert sourced._config_in(tmp_path / "boot") == ""


def test_what_the_user_chose_is_not_for_kbuild(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCH", "")  # make matrix asks for this computer's so
    monkeypatch.setenv("MAKEFLAGS", "-k")
    monkeypatch.setenv("PATIENCE", "kept")
    said = 'echo "ARCH ${ARCH-none}, flags ${MAKEFLAGS-none}, ${PATIENCE}"; exit 1'
    with pytest.raises(ToolError, match="ARCH none, flags none, kept"):
        sourced._run(["sh", "-c", said], "asking")
