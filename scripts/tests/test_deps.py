# SPDX-License-Identifier: GPL-2.0
"""deps.sh against a dpkg, an apt and a sudo that are stood in for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "deps.sh"


def run(tmp_path: Path, target: str, lacking: str = "", apt: str = "exit 0",
        **environment: str) -> tuple[int, str, str]:
    """Exit status, stderr, and what apt-get was called with."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    dpkg = ('shift 3; for p; do case " $LACKING " in *" $p "*) ;; *) printf "ii %s\\n" "$p";; '
            "esac; done")
    for name, body in (("dpkg-query", dpkg), ("sudo", 'exec "$@"'),
                       ("apt-get", f'echo "$@" >>"{tmp_path}/calls"; {apt}')):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    done = subprocess.run(["/bin/bash", str(SCRIPT), target], capture_output=True, text=True,
                          check=False, env={"PATH": f"{tools}:{os.defpath}", "LACKING": lacking,
                                            "KDIR": "/some/tree", **environment})
    calls = tmp_path / "calls"
    return done.returncode, done.stderr, calls.read_text() if calls.exists() else ""


@pytest.mark.parametrize("target", ["run", "models", "check", "module", "bisect", "junit", "kcidb",
                                    "lava", "matrix"])
def test_nothing_is_done_when_nothing_is_missing(tmp_path: Path, target: str) -> None:
    assert run(tmp_path, target) == (0, "", "")


def test_what_is_missing_is_named_and_installed(tmp_path: Path) -> None:
    status, said, calls = run(tmp_path, "run", "zstd dwarves")
    assert status == 0 and "installing dwarves zstd" in said
    install = [line for line in calls.splitlines() if " install " in line]
    assert len(install) == 1 and install[0].endswith("--no-install-recommends dwarves zstd")


def test_deps_no_names_and_stops(tmp_path: Path) -> None:
    status, said, calls = run(tmp_path, "check", "mypy", DEPS="no")
    assert status == 2 and "packages are missing: mypy" in said and calls == ""


def test_nothing_that_listens_is_installed_for_the_hosts_of_tests(tmp_path: Path) -> None:
    _, said, _ = run(tmp_path, "check", "dropbear-bin openssh-server parallel", DEPS="no")
    assert "packages are missing: parallel dropbear-bin\n" in said


def test_a_failing_archive_is_said(tmp_path: Path) -> None:
    status, said, calls = run(tmp_path, "run", "zstd", "echo 'E: Unable to fetch' >&2; exit 100")
    assert status == 2 and "E: Unable to fetch" in said and "zstd" in said
    assert " update" in calls


def test_a_kernel_that_debian_does_not_have_is_told_of(tmp_path: Path) -> None:
    own = f"linux-headers-{os.uname().release}"
    status, said, _ = run(tmp_path, "module", own, "echo 'E: no such package' >&2; exit 100",
                          KDIR=f"/lib/modules/{os.uname().release}/build")
    has_headers = Path(f"/lib/modules/{os.uname().release}/build").exists()
    assert has_headers or (status == 2 and own in said and "KDIR=DIR" in said)
    status, said, _ = run(tmp_path, "run", "zstd", "exit 100")
    assert status == 2 and "KDIR=DIR" not in said


def test_old_lists_are_renewed_once(tmp_path: Path) -> None:
    apt = f'[ -e "{tmp_path}/new" ] || case "$*" in *update*) : >"{tmp_path}/new";; *) exit 100;; esac'
    status, _, calls = run(tmp_path, "run", "zstd", apt)
    assert status == 0 and calls.count(" update") == 1 and " install " in calls.splitlines()[-1]


def test_unknown_targets_are_refused(tmp_path: Path) -> None:
    status, said, _ = run(tmp_path, "everything")
    assert status == 2 and "none of run, models, check, module" in said


def test_other_systems_are_told_what_to_have(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sed", "tr"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    done = subprocess.run(["/bin/bash", str(SCRIPT), "run"], capture_output=True, text=True,
                          check=False, env={"PATH": str(tmp_path / "bin")})
    assert done.returncode == 2 and "not a Debian machine" in done.stderr
    assert "qemu-system-x86" in done.stderr


@pytest.mark.parametrize("asked, built", [
    ({}, False), ({"KERNEL": "7.2"}, False), ({"KERNEL": "/linux@v7.2"}, True),
    ({"CONFIG": "kasan"}, True), ({"ARCH": "s390x"}, True),
])
def test_a_kernel_that_is_built_takes_more(tmp_path: Path, asked: dict[str, str],
                                           built: bool) -> None:
    status, said, _ = run(tmp_path, "run", "flex libelf-dev", DEPS="no", **asked)
    assert (status, "flex libelf-dev" in said) == ((2, True) if built else (0, False))


def test_a_source_is_told_from_a_tree_that_is_built(tmp_path: Path) -> None:
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux/Kconfig").touch()
    asked = {"DEPS": "no", "KERNEL": str(tmp_path / "linux")}
    assert run(tmp_path, "run", "flex", **asked)[0] == 2
    assert run(tmp_path, "run", "flex", DEPS="no", KERNEL="~/linux", HOME=str(tmp_path))[0] == 2
    (tmp_path / "linux/vmlinux").touch()
    assert run(tmp_path, "run", "flex", **asked)[0] == 0


@pytest.mark.parametrize("arch, package", [
    ("ppc64le", "g++-powerpc64le-linux-gnu"), ("arm64", "qemu-efi-aarch64"),
    ("s390x", "libc6-dev-s390x-cross"), ("riscv64", "gcc-riscv64-linux-gnu"),
])
def test_another_architecture_takes_its_own(tmp_path: Path, arch: str, package: str) -> None:
    status, said, _ = run(tmp_path, "kernel", package, DEPS="no", ARCH=arch)
    assert status == 2 and package in said
    assert run(tmp_path, "kernel", package, DEPS="no")[0] == 0


def test_a_module_for_another_kernel_takes_what_obtains_that(tmp_path: Path) -> None:
    lacking = "zstd flex qemu-system-x86 g++-aarch64-linux-gnu"
    assert run(tmp_path, "module", lacking, DEPS="no") == (0, "", "")
    for asked, missing in (({"KERNEL": "7.2"}, "zstd"), ({"CONFIG": "kasan"}, "flex"),
                           ({"ARCH": "arm64"}, "g++-aarch64-linux-gnu")):
        status, said, _ = run(tmp_path, "module", lacking, DEPS="no", **asked)
        assert status == 2 and missing in said and "qemu-system-x86" not in said
