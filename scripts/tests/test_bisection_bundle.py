# SPDX-License-Identifier: GPL-2.0
"""What a run needs, put together: the same files have the same name, and a
bundle runs from wherever it lies, without the clone that it came from."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from bisection import bundle as bdl
from bisection import spread, there
from bisection.bundle import Bundle

import kunit
import setup as stp
from errors import ToolError
from kdir import PreparedKernel
from options import Options
from prepared import Ready
from qemu import machines


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ready:
    for name, text in (("image", "kernel"), (".config", "CONFIG_NUMA=y\n"), ("x.ko", "module")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(stp, "guest_parts", lambda options, kernel: (
        machines.find(kernel.arch), b"init"))
    return Ready(PreparedKernel("7.2", "7.2.13-lab", "", str(tmp_path / "image"), "/b", "/v",
                                str(tmp_path / ".config")), tmp_path / "x.ko")


def asked(seed: int = 1, scenario: str = "exts-external") -> Options:
    return Options(kernel="/tree@abc", scenario=scenario, seconds=3, seed=seed, cpus=2,
                   mem_mib=1024, accel="tcg", out=Path(f"/out-{seed}"), rescue=False)


def test_name_follows_from_contents_alone(ready: Ready, tmp_path: Path) -> None:
    first = bdl.make(ready, asked(1), tmp_path / "one", False)
    again = bdl.make(ready, asked(2), tmp_path / "two", False)
    assert first.name == again.name and first.name.startswith("7.2.13-lab-")
    assert bdl.make(ready, asked(3), tmp_path / "one", False).path == first.path
    assert [path.name for path in (tmp_path / "one").iterdir()] == [first.name]
    assert first.name.endswith(there.digest_of(str(first.path)))
    others = {bdl.make(ready, asked(), tmp_path / "one", True).name,
              bdl.make(ready, asked(scenario="exts-*"), tmp_path / "one", False).name}
    ready.module.write_text("changed")
    others.add(bdl.make(ready, asked(), tmp_path / "one", False).name)
    assert len(others | {first.name}) == 4


def test_all_that_is_asked_is_in_it(ready: Ready, tmp_path: Path) -> None:
    made = Bundle.at(bdl.make(ready, asked(), tmp_path / "b", False).path)
    assert made.options(7, Path("/o")) == dataclasses.replace(asked(7), out=Path("/o"))
    assert made.init == b"init" and made.module.read_text() == "module" and not made.suites
    assert Path(made.kernel.image).read_text() == "kernel" and made.kernel.release == "7.2.13-lab"
    assert made.machine == machines.find("x86_64") and made.programs[0][0] == "qemu-system-x86_64"


def test_firmware_comes_along(ready: Ready, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "efi").write_text("firmware")
    arm = dataclasses.replace(ready, kernel=dataclasses.replace(ready.kernel, arch="aarch64"))
    machine = machines.find("aarch64")
    for found, path in ((machine.with_firmware(str(tmp_path / "efi")), "firmware"),
                        (machine.without_firmware("there is none"), None)):
        monkeypatch.setattr(stp, "guest_parts", lambda options, kernel: (found, b"init"))
        made = bdl.make(arm, asked(), tmp_path / "b", False)
        there_too = made.machine.firmware
        assert (there_too and there_too.path) == (path and str(made.path / path))
        assert made.machine.why_fixed == found.why_fixed


def test_runs_from_anywhere_and_says_what_is_missing(ready: Ready, tmp_path: Path) -> None:
    """Only python3 is in PATH: everything else comes with it but for QEMU."""
    made = bdl.make(ready, asked(), tmp_path / "b", False)
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    with tarfile.open(fileobj=io.BytesIO(made.tar())) as archive:
        archive.extractall(elsewhere / "x")
    assert there.digest_of(str(elsewhere / "x")) == there.digest_of(str(made.path))
    done = subprocess.run([sys.executable, str(elsewhere / "x/one_run"), "--seed", "1", "--into",
                           str(elsewhere / "run")], capture_output=True, text=True, check=False,
                          cwd="/", env={"PATH": "/nowhere", "HOME": str(elsewhere)})
    assert done.returncode == 2 and "there is no qemu-system-x86_64" in done.stderr
    assert "apt-get install qemu-system-x86" in done.stderr
    streamed = subprocess.run(
        [sys.executable, str(elsewhere / "x/one_run"), "--seed", "1", "--stream"],
        capture_output=True, text=True, check=False, cwd="/",
        env={"PATH": "/nowhere", "HOME": str(elsewhere)})
    assert streamed.returncode == 75 and streamed.stdout == ""
    assert "guests cannot run here: there is no qemu-system-x86_64" in streamed.stderr
    assert not any((elsewhere / ".cache/slubtorture/bundles/runs").iterdir())


_STUB = """\
import sys
sys.path[:0] = {paths!r}
from bisection import running


def run_bundle(bundle, seed, run_dir):
    print("said", seed)
    (run_dir / "console").write_text("console of " + bundle.name)
    return 1


running.run_bundle = run_bundle
sys.exit(running.main({place!r}, ["--stream", "--number", "3", "--seed", "44"]))
"""


def test_a_run_that_is_streamed_comes_out_whole(ready: Ready, tmp_path: Path) -> None:
    made = bdl.make(ready, asked(), tmp_path / "b", False)
    stub = _STUB.format(paths=[str(made.path), str(made.path / "scripts")], place=str(made.path))
    done = subprocess.run([sys.executable, "-c", stub], capture_output=True, check=False,
                          env={"HOME": str(tmp_path), "PATH": os.defpath})
    assert (done.returncode, done.stderr) == (0, b"")
    assert spread.unpacked(done.stdout, tmp_path / "in/00003", 3, 44)[0] == 1
    kept = {path.name: path.read_text() for path in (tmp_path / "in/00003").iterdir()}
    assert kept["said"] == "said 44\n" and kept["console"] == f"console of {made.name}"
    assert sorted(kept) == ["console", "outcome.json", "said"]
    assert list((tmp_path / ".cache/slubtorture/bundles/runs").iterdir()) == []
    with pytest.raises(ValueError, match="it is of run 3, seed 44"):
        spread.unpacked(done.stdout, tmp_path / "in/00004", 4, 44)
    with pytest.raises(ValueError, match="damaged"):
        spread.unpacked(done.stdout[:-20], tmp_path / "in/00003", 3, 44)
    assert os.listdir(tmp_path / "in") == ["00003"]


def test_size_of_the_python_stays_small(ready: Ready, tmp_path: Path) -> None:
    made = bdl.make(ready, asked(), tmp_path / "b", False)
    assert sum(path.stat().st_size for path in made.path.rglob("*") if path.is_file()) < 1_500_000


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "{}"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ToolError, match="is no bundle"):
            Bundle.at(tmp_path)


def test_no_run_is_waited_for_without_end(ready: Ready, tmp_path: Path) -> None:
    scenario = bdl.make(ready, asked(), tmp_path / "b", False)
    suites = bdl.make(ready, asked(), tmp_path / "b", True)
    assert 300 < spread.limit_s(scenario) < 7200 and spread.limit_s(suites) > kunit.TOTAL_S


def test_damaged_bundles_are_not_kept(ready: Ready, tmp_path: Path) -> None:
    made = bdl.make(ready, asked(), tmp_path / "b", False)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    good = made.tar()
    assert there.receive(io.BytesIO(good), str(shelf), made.name) == ""
    assert Bundle.at(shelf / made.name).name == made.name
    assert "damaged" in there.receive(io.BytesIO(good.replace(b"module", b"mudole", 1)),
                                      str(shelf), "other-0123456789abcdef")
    assert "cannot be kept" in there.receive(io.BytesIO(good[:700]), str(shelf), made.name)
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    assert "does not belong" in there.receive(io.BytesIO(evil.getvalue()), str(shelf), "x")
    assert os.listdir(shelf) == [made.name] and not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden"])
def test_runs_that_come_in_stay_in_their_place(tmp_path: Path, name: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match="does not belong"):
        spread.unpacked(packed.getvalue(), tmp_path / "in/00000", 0, 1)
    assert os.listdir(tmp_path / "in") == []
