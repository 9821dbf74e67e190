# SPDX-License-Identifier: GPL-2.0
"""LAVA's jobs: what is in them, and that their patterns read our consoles as
LAVA's monitors do. What LAVA's schemas hold of them is in test_lava_schema.py."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

import lava
import lava_job
import lava_schema
import run
import scenarios
import setup as stp
from errors import ToolError
from guests import judged
from kdir import PreparedKernel
from lava_jobs import ASKED
from options import Options
from qemu import accel, machines
from qemu.machine import Accel, GuestError
from qemu.topologies import find
from qemu.topology import Topology

OURS = Path(__file__).resolve().parent / "golden"
GUESTS = Path(__file__).resolve().parents[2] / "qemu/tests/golden"
PANIC = "[    9.1] Kernel panic - not syncing: Fatal exception\r\n"


class Reader:
    """A monitor as LAVA's: what arrives is searched after each piece for the
    end and for a result, the leftmost first, and forgotten up to its end."""

    def __init__(self, monitor: dict[str, object]) -> None:
        self.start = re.compile(str(monitor["start"]), re.DOTALL)
        self.patterns = [re.compile(str(monitor[name]), re.DOTALL) for name in ("end", "pattern")]
        self.fixup = monitor["fixupdict"]
        self.results: dict[str, str] = {}
        self.begun = self.ended = False

    def feed(self, buffer: str) -> str:
        """Take what it can of the buffer; the rest."""
        if not self.begun:
            match = self.start.search(buffer)
            if match is None:
                return buffer
            self.begun, buffer = True, buffer[match.end():]
        while not self.ended:
            found = [(match.start(), at, match) for at, pattern in enumerate(self.patterns)
                     if (match := pattern.search(buffer))]
            if not found:
                break
            _, at, match = min(found, key=lambda one: one[:2])
            buffer = buffer[match.end():]
            if at == 0:
                self.ended = True
            else:
                self._take(match)
        return buffer

    def _take(self, match: re.Match[str]) -> None:
        assert isinstance(self.fixup, dict)
        result = self.fixup.get(match["result"], match["result"])
        assert result in ("pass", "fail", "skip", "unknown"), match["result"]
        self.results[lava_job.case_id(match["test_case_id"].strip())] = result


def read(text: str, piece: int = 4096) -> list[Reader]:
    """What LAVA makes of a console that arrives so many characters at a time."""
    readers = [Reader(monitor) for monitor in lava_job.monitors(ASKED)]
    waiting, buffer = list(readers), ""
    for at in range(0, len(text), piece):
        buffer += text[at:at + piece]
        while waiting:
            buffer = waiting[0].feed(buffer)
            if not waiting[0].ended:
                break
            waiting.pop(0)
    return readers


def golden(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


REAL = {"exts_in_object": "pass", "busted_exts_in_object": "pass", "exts_late": "pass",
        "node_offline_online": "pass", "busted_node_offline_online": "pass"}


@pytest.mark.parametrize("piece", [1, 7, 64, 4096])
def test_a_real_console_is_read_right_however_it_arrives(piece: int) -> None:
    module, guest = read(golden(OURS / "lava.console"), piece)
    assert module.results == REAL and module.ended
    assert guest.results == {"end": "pass"} and guest.ended


@pytest.mark.parametrize("name", ["clean", "fail", "silent-control", "nodes"])
def test_verdicts_are_those_of_our_own_judge(name: str) -> None:
    module, guest = read(golden(GUESTS / f"{name}.ktap"))
    records = {lava_job.case_id(record.scenario): record for record in judged(name)
               if record.reason == "-" or record.verdict == "skip"}
    for case, result in module.results.items():
        record = records[case]
        wanted = ("pass" if record.is_caught else "fail") if (
            record.is_control and record.verdict != "skip") else record.verdict
        assert result == wanted, case
    assert module.results and guest.results == {"end": "pass"}


def record(scenario: str, verdict: str, expected: str, cause: str) -> str:
    return (f"# record scenario={scenario} verdict={verdict} expected={expected} cause={cause} "
            "invariant=- observations=1\r\n")


@pytest.mark.parametrize("piece", [1, 4096])
@pytest.mark.parametrize("line, case, result", [
    (record("exts-late", "fail", "pass", "ordering"), "exts_late", "fail"),
    (record("exts-late", "skip", "pass", "none"), "exts_late", "skip"),
    (record("exts-late", "broken", "pass", "none"), "exts_late", "unknown"),
    (record("busted-x", "fail", "fail:ordering", "ordering"), "busted_x", "pass"),
    (record("busted-x", "fail", "fail:ordering", "corruption"), "busted_x", "fail"),
    (record("busted-x", "fail", "fail:order", "ordering"), "busted_x", "fail"),
    (record("busted-x", "pass", "fail:ordering", "none"), "busted_x", "fail"),
    (record("busted-x", "skip", "fail:ordering", "none"), "busted_x", "skip"),
    ("[ 3.1] BUG: KASAN: use-after-free in count_partial+0x1\r\n", "bug_kasan", "fail"),
    ("[ 3.1] BUG kmalloc-64 (Tainted: G O): Poison overwritten\r\n", "bug_kmalloc_64", "fail"),
    ("[ 3.1] UBSAN: shift-out-of-bounds in mm/slub.c:9\r\n", "ubsan_shift_out_of_bounds", "fail"),
    ("[ 3.1] WARNING: possible circular locking\r\n", "warning_possible", "fail"),
])
def test_each_kind_of_line(line: str, case: str, result: str, piece: int) -> None:
    module, _ = read(f"@ step mount-devtmpfs ok\r\n# run seed=1\r\n{line}@ end ok\r\n", piece)
    assert module.results == {case: result}


@pytest.mark.parametrize("line", [
    "# run release=7.2 seed=5 scenario=exts-late,pass\r\n", "ok 5 exts-late\r\n",
    "    not ok 1 exts-own-slot # 8 asked, 1 broken\r\n", "slubtorture: end exts-late pass\r\n",
    "# record scenario=exts-late verdict=pa", "[ 1.0] DEBUG: WARNINGS are on\r\n"])
def test_other_lines_are_no_results(line: str) -> None:
    assert read(f"@ step mount-devtmpfs ok\r\n{line}@ end ok\r\n")[0].results == {}


@pytest.mark.parametrize("piece", [1, 4096])
def test_a_panic_ends_it_and_is_a_failure(piece: int) -> None:
    text = "@ step mount-devtmpfs ok\n" + record("exts-late", "pass", "pass", "none") + PANIC
    module, guest = read(text, piece)
    assert module.results == {"exts_late": "pass"} and module.ended
    assert guest.results == {"kernel_panic": "fail"} and guest.ended


def test_a_guest_that_could_not_do_a_step_fails() -> None:
    _, guest = read("@ step mount-devtmpfs ok\n@ step insmod error 8 Exec format error\n"
                    "@ end errors\n")
    assert guest.results == {"end": "fail"}


def test_a_boot_that_fails_is_never_a_run() -> None:
    module, guest = read(PANIC)
    assert not module.begun and not guest.begun


def test_nothing_the_kernel_is_started_with_looks_like_a_result() -> None:
    """LAVA's log begins with the command line."""
    line = lava_job.command_line(ASKED)
    assert not re.search(lava_job.PATTERN, line) and not re.search(lava_job.START, line)
    assert line.split()[-1] == "loglevel=5"


def test_what_is_expected_are_all_that_were_chosen() -> None:
    assert lava_job.monitors(ASKED)[0]["expected"] == ["exts_late", "busted_exts_late"]


@pytest.mark.parametrize("name", sorted(lava_job.ARCHITECTURES))
def test_every_architecture_has_its_words(name: str) -> None:
    machine = lava.machine_for(name)
    found = lava_job.context(replace(ASKED, machine=machine))
    assert found["arch"] == lava_job.ARCHITECTURES[name] and found["no_kvm"] is True
    words = " ".join(found["extra_options"])
    assert "-no-reboot" in words and "-smp 2" in words and "-m " not in f"{words} ".replace(
        "-machine ", "")
    assert ("-cpu" in words) != ("cpu" in found) and ("-machine" in words) != ("machine" in found)
    assert re.match(r"(1024|1536)M", found["memory"])


def test_kvm_is_left_to_the_device_type() -> None:
    found = lava_job.context(replace(ASKED, accel=Accel("kvm", accel.KVM)))
    words = " ".join(found["extra_options"])
    assert "no_kvm" not in found and "-cpu" not in words and "-accel" not in words
    with pytest.raises(ToolError, match="ACCEL=kvm"):
        lava.chosen_accel("kvm", machines.find("aarch64"), "7.2")


def test_nodes_are_those_of_the_topology() -> None:
    found = lava_job.context(replace(ASKED, topology=Topology(2, 1024, 512, find("cpus-on-both"))))
    assert "-numa node,nodeid=1,memdev=ram1,cpus=1" in found["extra_options"]


@pytest.mark.parametrize("values, said", [
    ({"url": "ftp://x"}, "URL=ftp://x"), ({"visibility": "secret"}, "VISIBILITY=secret")])
def test_odd_wishes_are_refused(values: dict[str, str], said: str) -> None:
    with pytest.raises(ToolError, match=said):
        lava.checked_wishes({"url": "", "device": "qemu", "visibility": "public", **values})


def test_odd_devices_and_machines_are_refused() -> None:
    with pytest.raises(ToolError, match="no name of a LAVA device type"):
        lava_job.job(replace(ASKED, device="my device"))
    with pytest.raises(GuestError, match="not known to boot"):
        lava_job.architecture(replace(ASKED.machine, arch="mips"))


def test_files_are_where_the_user_put_them(tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(b"x")
    wishes = lava.checked_wishes({"url": "https://files.example.org/k/", "device": "qemu",
                                  "visibility": "public"})
    found = lava._file(tmp_path / "kernel", wishes)
    assert found.url == "https://files.example.org/k/kernel" and found.sha256.startswith("2d711642")
    own = lava._file(tmp_path / "kernel", replace(wishes, url=""))
    assert own.url == f"file://{tmp_path}/kernel"


def made_run(where: Path) -> run.Run:
    """Of a kernel that is a few bytes."""
    for file, data in (("image", b"kernel"), ("module.ko", b"module"), ("config", b"CONFIG_A=y\n")):
        (where / file).write_bytes(data)
    kernel = PreparedKernel("7.2", "7.2.13", "", str(where / "image"), "", "",
                            str(where / "config"))
    options = Options(kernel="", scenario="exts-late", seconds=1, seed=7, cpus=2, mem_mib=1024,
                      accel="auto", out=where, rescue=False)
    setup = stp.Setup(options, kernel, lava.machine_for("x86_64"), ASKED.accel, b"init")
    chosen = scenarios.select("exts-late", scenarios.known())
    return run.Run(setup, chosen, where / "module.ko", where / "job")


def test_all_that_the_guest_says_goes_where_lava_listens(tmp_path: Path) -> None:
    made = made_run(tmp_path)
    config = lava.initrd(made)
    assert b"channel=/dev/ttyS0\nconsole=/dev/ttyS0\nmode=run\n" in config
    assert b"args=scenario=exts-late seconds=1 seed=7 remove_memory=1\n" in config
    assert b"host=" not in config  # nobody outside answers


def test_files_and_job_belong_together(tmp_path: Path) -> None:
    wishes = lava.checked_wishes({"url": "", "device": "qemu", "visibility": "personal"})
    made = made_run(tmp_path)
    text = lava.write(made, wishes)
    assert (made.run_dir / "kernel").read_bytes() == b"kernel"
    assert (made.run_dir / "job.yaml").read_text() == text
    for name in ("kernel", "initrd"):
        digest = hashlib.sha256((made.run_dir / name).read_bytes()).hexdigest()
        assert f"url: file://{tmp_path}/job/{name}\n        sha256sum: {digest}\n" in text
    assert "- busted_exts_late" in text and "visibility: personal" in text


def test_what_cannot_be_checked_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(cache: Path) -> None:
        raise ToolError("the archive cannot be reached")

    monkeypatch.setattr(lava_schema, "obtain", missing)
    assert "not checked, LAVA's schemas cannot be had" in lava.checked_by_lava("", tmp_path)
