# SPDX-License-Identifier: GPL-2.0
"""Every rule of check_module.py on a tiny object that breaks it, and on one
that does not. Objects are compiled here; no kernel is needed.
"""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import btf as btf_reader
import check_module as cm
import elf
from btf import BtfError, Extent
from btf import check as btf_check
from errors import ToolError

RELEASE = "7.2.12-test"
TARGET = cm.Kernel(RELEASE, frozenset({"_printk", "kfree"}), False, b"")
MODINFO = (f'__attribute__((section(".modinfo"), used)) static const char vm[] = '
           f'"vermagic={RELEASE} SMP mod_unload ";\n')


def compiled(tmp_path: Path, source: str, language: str = "c", *flags: str) -> bytes:
    compiler = "g++" if language == "c++" else "gcc"
    target = tmp_path / "object.o"
    subprocess.run([compiler, "-x", language, "-", "-c", "-o", target, "-ffreestanding",
                    "-fno-asynchronous-unwind-tables", *flags],
                   input=MODINFO + source, text=True, check=True)
    return target.read_bytes()


def whats(image: bytes, target: cm.Kernel = TARGET, log: str = "") -> list[str]:
    return [found.what for found in cm.problems(image, target, log)]


def btf(types: bytes, text: bytes = b"\0int\0") -> bytes:
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(text))
    return header + types + text


INT = struct.pack("<IIII", 1, 1 << 24, 4, 32)


def pointer_to(number: int) -> bytes:
    return struct.pack("<III", 0, 2 << 24, number)


def with_btf(tmp_path: Path, data: bytes, section: str = ".BTF") -> bytes:
    listed = ",".join(str(byte) for byte in data)
    return compiled(tmp_path, f'__attribute__((section("{section}"), used)) static const '
                              f"unsigned char btf[] = {{{listed}}};\n")


def test_an_ordinary_object_is_let_pass(tmp_path: Path) -> None:
    source = ("extern int _printk(const char *, ...); int f(void); "
              "int f(void) { return _printk(vm); }")
    assert whats(compiled(tmp_path, source), log="  CC [M] object.o\n") == []


def test_cxx_without_runtime_is_let_pass(tmp_path: Path) -> None:
    source = ('extern "C" void kfree(void *);\n'
              "struct S { int x; constexpr S() : x(3) {} };\nconstinit S s;\n"
              'extern "C" void g(void *p) { kfree(p); }\n')
    assert whats(compiled(tmp_path, source, "c++", "-std=c++20", "-fno-exceptions")) == []


def test_a_constructor_is_found(tmp_path: Path) -> None:
    source = 'extern "C" int kfree(); int late = kfree();\n'
    assert [w for w in whats(compiled(tmp_path, source, "c++")) if ".init_array" in w]


@pytest.mark.parametrize("section", [".ctors", ".ctors.65535", ".init_array.00100",
                                     ".fini_array", ".preinit_array", ".dtors"])
def test_every_kind_of_constructor_section_is_found(section: str) -> None:
    assert list(cm.constructors([elf.Section(section, 1, 0, bytes(8))]))


def test_sections_of_similar_name_are_let_pass() -> None:
    names = (".init.text", ".init_arrays", ".text.ctors", ".data..ctors")
    assert not list(cm.constructors([elf.Section(n, 1, 0, bytes(8)) for n in names]))


def test_exceptions_are_found(tmp_path: Path) -> None:
    source = "void f(); int g() { try { f(); } catch (int) { return 1; } return 0; }\n"
    found = whats(compiled(tmp_path, source, "c++"))
    assert any("exception tables" in what for what in found)
    assert any("__gxx_personality_v0" in what and "C++ runtime" in what for what in found)
    assert any("__cxa_begin_catch" in what for what in found)


def test_operator_delete_is_found(tmp_path: Path) -> None:
    found = whats(compiled(tmp_path, "void f(int *p) { delete p; }\n", "c++"))
    assert any("_ZdlPv" in what and "C++ runtime" in what for what in found)


def test_a_weak_runtime_symbol_is_found(tmp_path: Path) -> None:
    source = "extern void _Znwm(void) __attribute__((weak)); void f(void){ if (_Znwm) _Znwm(); }"
    assert any("_Znwm" in what for what in whats(compiled(tmp_path, source)))


def test_a_symbol_that_is_not_exported_is_found(tmp_path: Path) -> None:
    source = "void slab_secret(void); void f(void); void f(void) { slab_secret(); }"
    found = whats(compiled(tmp_path, source))
    assert found == ["undefined symbol slab_secret: this kernel does not export it"]


def test_the_wrong_vermagic_is_found(tmp_path: Path) -> None:
    found = whats(compiled(tmp_path, ""), replace(TARGET, release="7.2.12-test2"))
    assert len(found) == 1 and RELEASE in found[0] and "7.2.12-test2" in found[0]


def test_no_vermagic_is_found() -> None:
    found = [finding.what for finding in cm.vermagic([], RELEASE)]
    assert len(found) == 1 and "missing" in found[0] and RELEASE in found[0]


def test_objtool_warnings_are_found_and_mere_mention_is_not() -> None:
    loud = "module/core/btf.o: warning: objtool: f+0x10: unreachable instruction\n"
    assert len(list(cm.objtool_warnings(loud))) == 1
    quiet = "  CALL tools/objtool/objtool --orc\nwarning: the compiler differs\n"
    assert not list(cm.objtool_warnings(quiet))


def test_missing_btf_is_found_only_where_it_is_wanted(tmp_path: Path) -> None:
    image = compiled(tmp_path, "")
    assert whats(image) == []
    assert any(".BTF is missing" in what for what in whats(image, replace(TARGET, btf_modules=True)))


def test_good_btf_is_let_pass(tmp_path: Path) -> None:
    target = replace(TARGET, btf_modules=True, base_btf=btf(b"", b"\0"))
    assert whats(with_btf(tmp_path, btf(INT + pointer_to(1))), target) == []


def test_split_btf_counts_on_from_the_kernels(tmp_path: Path) -> None:
    split = btf(pointer_to(1) + pointer_to(2), b"\0")
    target = replace(TARGET, btf_modules=True, base_btf=btf(INT))
    assert whats(with_btf(tmp_path, split), target) == []
    beyond = btf(pointer_to(9), b"\0")
    assert any("type 9" in what for what in whats(with_btf(tmp_path, beyond), target))


def test_a_base_of_its_own_comes_before_the_kernels() -> None:
    parts = [elf.Section(".BTF", 1, 0, btf(pointer_to(2), b"\0")),
             elf.Section(".BTF.base", 1, 0, btf(INT))]
    assert not list(cm.module_btf(parts, TARGET))
    parts[0] = elf.Section(".BTF", 1, 0, btf(pointer_to(3), b"\0"))
    assert list(cm.module_btf(parts, replace(TARGET, base_btf=btf(INT * 5))))


@pytest.mark.parametrize("data, says", [
    (b"\x9f\xeb", "cannot hold a BTF header"),
    (b"\x12\x34" + btf(INT)[2:], "magic"),
    (btf(INT)[:-20], "beyond"),
    (btf(INT[:-2]), "cut off"),
    (btf(INT[:8]), "cut off"),
    (btf(struct.pack("<III", 0, 31 << 24, 0)), "unknown kind 31"),
    (btf(struct.pack("<III", 99, 2 << 24, 0)), "type 1 .*name at 99"),
    (btf(INT, b"\0int"), "no end"),
    (btf(pointer_to(2)), "refers to type 2"),
])
def test_damaged_btf_is_found(data: bytes, says: str) -> None:
    with pytest.raises(BtfError, match=says):
        btf_check(data)


def test_an_extent_counts_types_and_strings() -> None:
    assert btf_check(btf(INT + pointer_to(1))) == Extent(3, 5)
    assert btf_check(btf(pointer_to(2), b"\0x\0"), Extent(3, 5)) == Extent(4, 8)


@pytest.mark.parametrize("cut", [3, 40, 70, -1])
def test_half_an_object_is_found(tmp_path: Path, cut: int) -> None:
    image = compiled(tmp_path, "")[:cut]
    assert len(whats(image)) == 1


def kernel_tree(tmp_path: Path, conf: str = "") -> Path:
    for name, text in (("include/config/auto.conf", conf),
                       ("Module.symvers", "0x0\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n"),
                       ("include/generated/utsrelease.h", f'#define UTS_RELEASE "{RELEASE}"\n')):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_target_is_read_from_a_tree(tmp_path: Path) -> None:
    conf = "CONFIG_DEBUG_INFO_BTF_MODULES=y\n"
    target = cm.kernel_of(kernel_tree(tmp_path, conf))
    assert target == cm.Kernel(RELEASE, frozenset({"kfree"}), False, b"")


@pytest.mark.parametrize("name, says", [("Module.symvers", "Module.symvers"),
                                        ("include/generated/utsrelease.h", "its release")])
def test_an_unprepared_tree_is_named(tmp_path: Path, name: str, says: str) -> None:
    (kernel_tree(tmp_path) / name).unlink()
    with pytest.raises(ToolError, match=says):
        cm.kernel_of(tmp_path)


def test_check_names_file_and_fault(tmp_path: Path) -> None:
    tree = kernel_tree(tmp_path / "k")
    bad = tmp_path / "bad.ko"
    bad.write_bytes(compiled(tmp_path, "void slab_secret(void); void f(void){ slab_secret(); }"))
    with pytest.raises(ToolError, match=r"(?s)bad\.ko.*slab_secret"):
        cm.check(bad, tree, "")
    bad.write_bytes(compiled(tmp_path, "void kfree(void); void f(void){ kfree(); }"))
    cm.check(bad, tree, "")


def test_kasan_may_have_constructors_where_the_kernel_runs_them() -> None:
    section = [elf.Section(".init_array", 1, 0, bytes(8))]
    assert list(cm.constructors(section))
    assert not list(cm.constructors(section, allowed=True))


def test_global_that_is_initialised_at_load_is_found_everywhere(tmp_path: Path) -> None:
    source = tmp_path / "global.cc"
    source.write_text("int f(); int value = f();\n")
    made = tmp_path / "global.o"
    subprocess.run(["g++", "-c", "-o", str(made), str(source)], check=True)
    found = list(cm.dynamic_initialisers(elf.sections(made.read_bytes())))
    assert found and "_GLOBAL__sub_I_" in "".join(problem.what for problem in found)


def test_constinit_global_is_no_dynamic_initialiser(tmp_path: Path) -> None:
    source = tmp_path / "global.cc"
    source.write_text("constinit int value = 3;\n")
    made = tmp_path / "global.o"
    subprocess.run(["g++", "-std=c++20", "-c", "-o", str(made), str(source)], check=True)
    assert not list(cm.dynamic_initialisers(elf.sections(made.read_bytes())))


def test_either_byte_order_is_read() -> None:
    names = b"\0.BTF\0"
    for order, mark in (("<", 1), (">", 2)):
        types = struct.pack(f"{order}IIII", 1, 1 << 24, 4, 32)
        text = b"\0int\0"
        data = struct.pack(f"{order}HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types),
                           len(text)) + types + text
        assert btf_reader.check(data) == btf_reader.Extent(2, len(text))
        body = names + data
        head = b"\x7fELF\x02" + bytes([mark]) + bytes(10)
        head += struct.pack(f"{order}HHIQQQIHHHHHH", 1, 22, 1, 0, 0, 64 + len(body), 0, 64, 0, 0,
                            64, 2, 0)
        tables = [struct.pack(f"{order}IIQQQQIIQQ", name, 1, 0, 0, 64 + at, size, 0, 0, 1, 0)
                  for name, at, size in ((0, 0, len(names)), (1, len(names), len(data)))]
        found = elf.sections(head + body + b"".join(tables))
        assert [(s.name, s.order) for s in found][1] == (".BTF", order)
        assert found[1].data == data
