# SPDX-License-Identifier: GPL-2.0
"""`make module` for another kernel than the running one; what prepares kernels
and builds modules is stood in for.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import kernels
import module_for
import options as opt
import prepared
import pytest
from errors import ToolError
from kdir import PreparedKernel

ROOT = Path(__file__).resolve().parents[2]
OWN = f"/lib/modules/{os.uname().release}/build"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stock kernel whatever is asked for; the names that were."""
    names: list[str] = []

    def prepare(name: str, _cache: Path, _arch: str) -> PreparedKernel:
        names.append(name)
        return PreparedKernel("7.2", "7.2.13-test", "", "image", str(tmp_path), "", "")

    def build(_kdir: Path, release: str, out: Path, _arch: str) -> Path:
        return out / "build" / release / "module/slubtorture.ko"

    def no_guest(*_: object) -> None:
        raise AssertionError("a guest's programs were asked for")

    monkeypatch.setattr(kernels, "prepare", prepare)
    monkeypatch.setattr(prepared, "build_for", build)
    monkeypatch.setattr(prepared, "check_guest", no_guest)
    monkeypatch.setattr("sys.argv", ["module_for.py"])
    for name in ("ARCH", "PAGE", "CONFIG", "PATCH", "KDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERNEL", "7.2")
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    return names


def test_module_is_built_where_no_guest_can_run(asked: list[str], tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    assert module_for.main() == 0 and asked == ["7.2"]
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/out/build/7.2.13-test/module/slubtorture.ko\n"
    assert "on which `uname -r` says 7.2.13-test" in said.err


def test_guest_programs_are_looked_for_where_a_guest_is_booted(asked: list[str]) -> None:
    values = opt.raw_values(opt.parser("").parse_args([]), os.environ)
    with pytest.raises(AssertionError, match="guest"):
        prepared.ready(opt.checked(values, Path("out")))
    assert not asked


def test_two_names_for_a_kernel_are_refused(asked: list[str],
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDIR", "/some/tree")
    with pytest.raises(ToolError, match="KDIR=/some/tree names a kernel") as caught:
        module_for.main()
    assert "leave one out" in caught.value.hint and not asked
    monkeypatch.setenv("KDIR", OWN)
    assert module_for.main() == 0


@pytest.mark.parametrize("words, script", [
    ([], "build_module.py --kdir"), (["KDIR=/tree"], 'build_module.py --kdir "/tree" --in-tree'),
    (["KERNEL="], "build_module.py"), (["KERNEL=7.2"], "module_for.py"),
    (["CONFIG=kasan"], "module_for.py"), (["ARCH=arm64"], "module_for.py")])
def test_make_takes_the_kernel_that_is_named(words: list[str], script: str) -> None:
    clean = {name: value for name, value in os.environ.items()
             if name not in ("KERNEL", "ARCH", "PAGE", "CONFIG", "PATCH", "KDIR")}
    done = subprocess.run(["make", "-n", "-C", str(ROOT), "module", *words], text=True,
                          capture_output=True, check=False, env=clean)
    assert f"scripts/{script}" in done.stdout
