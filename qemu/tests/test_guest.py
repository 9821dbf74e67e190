# SPDX-License-Identifier: GPL-2.0
"""guest.py with programs that stand in for QEMU: one that ends, one that
dies, one that hangs, one that babbles, and a stop in mid-run."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qemu import guest, machines
from qemu.console import Markers, Pulse
from qemu.guest import GuestSpec, Stopped
from qemu.machine import Accel, GuestError
from qemu.topology import Topology

# Finds the files behind `id=out` and `id=con` in its own arguments, as QEMU would.
PREAMBLE = """#!/bin/sh
for word; do case "$word" in
    file,id=out,path=*) out=${word#file,id=out,path=};;
    file,id=con,path=*) con=${word#file,id=con,path=};;
esac; done
echo $$ >"$(dirname "$out")/pid"
"""


def spec(tmp_path: Path, body: str, idle_s: float = 5, total_s: float = 10) -> GuestSpec:
    fake = tmp_path / "fake-qemu"
    fake.write_text(PREAMBLE + body)
    fake.chmod(0o755)
    machine = replace(machines.find("x86_64"), qemu=str(fake))
    return GuestSpec(machine, Topology(), Accel("tcg", ("-accel", "tcg")), tmp_path / "image",
                     tmp_path / "initrd", tmp_path, idle_s, total_s)


def gone(tmp_path: Path) -> bool:
    try:
        os.kill(int((tmp_path / "pid").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_channel_is_streamed_to_its_end(tmp_path: Path) -> None:
    said: list[bytes] = []
    own = spec(tmp_path, 'echo one >>"$out"; sleep 0.1; echo two >>"$out"\n')
    result = guest.run(own, said.append)
    assert result.outcome == "powered-off"
    assert b"".join(said) == b"one\ntwo\n"


def test_failure_of_qemu_is_told(tmp_path: Path) -> None:
    result = guest.run(spec(tmp_path, "echo no such CPU >&2; exit 3\n"), lambda data: None)
    assert (result.outcome, result.detail) == ("died", "no such CPU")


def test_silence_is_a_hang_and_is_ended(tmp_path: Path) -> None:
    own = spec(tmp_path, 'echo said >>"$out"; exec sleep 60\n', idle_s=0.3)
    result = guest.run(own, lambda data: None)
    assert result.outcome == "hang" and result.seconds < 5
    assert gone(tmp_path)
    assert own.channel.read_bytes() == b"said\n"


def test_endless_babble_is_a_timeout(tmp_path: Path) -> None:
    own = spec(tmp_path, 'while :; do echo x >>"$out"; sleep 0.05; done\n', total_s=0.5)
    assert guest.run(own, lambda data: None).outcome == "timeout"
    assert gone(tmp_path)


SPINS = """echo 'test: begin a' >>"$con"; echo 'BUG: KASAN: use-after-free in b' >>"$con"
while :; do echo 'rcu: INFO: rcu_sched self-detected stall on CPU' >>"$con"; sleep 0.05; done
"""


def dying_spec(tmp_path: Path, body: str, total_s: float) -> GuestSpec:
    own = spec(tmp_path, body, total_s=total_s)
    pulse = Pulse(Markers("test: begin ", "test: end ", "test: "))
    return replace(own, is_dying=pulse.is_dying, grace_s=0.3)


def test_kernel_that_only_stalls_after_a_splat_is_down(tmp_path: Path) -> None:
    result = guest.run(dying_spec(tmp_path, SPINS, 60), lambda data: None)
    assert result.outcome == "down" and result.seconds < 50
    assert gone(tmp_path)


@pytest.mark.parametrize("body", [
    SPINS.replace("BUG: KASAN", "no BUG"),
    SPINS.replace("sleep", 'echo ok >>"$out"; sleep'),
    SPINS.replace("sleep", "echo 'BUG: KASAN: use-after-free in c' >>\"$con\"; sleep")])
def test_kernel_that_stalls_and_says_more_is_not_down(tmp_path: Path, body: str) -> None:
    assert guest.run(dying_spec(tmp_path, body, 1.5), lambda data: None).outcome == "timeout"


def test_dying_kernel_has_time_to_panic(tmp_path: Path) -> None:
    own = dying_spec(tmp_path, SPINS.split("while")[0] + "echo 'rcu: INFO: rcu_sched "
                     "self-detected stall on CPU' >>\"$con\"; sleep 0.5\n", 60)
    assert guest.run(replace(own, grace_s=30.0), lambda data: None).outcome == "powered-off"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signal_ends_the_guest(tmp_path: Path, number: int) -> None:
    own = spec(tmp_path, "exec sleep 60\n")
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
    with pytest.raises(Stopped), guest.stop_signals():
        guest.run(own, lambda data: None)
    assert gone(tmp_path)


def test_missing_qemu_names_its_package(tmp_path: Path) -> None:
    own = spec(tmp_path, "")
    own = replace(own, machine=replace(own.machine, qemu="no-such-qemu"))
    with pytest.raises(GuestError) as caught:
        guest.run(own, lambda data: None)
    assert "qemu-system-x86" in caught.value.hint


def test_guest_has_no_network_and_no_reboot(tmp_path: Path) -> None:
    words = guest.command(spec(tmp_path, ""))
    assert words[words.index("-nic") + 1] == "none"
    assert "-no-reboot" in words and "-nodefaults" in words


def test_comma_in_a_path_is_doubled(tmp_path: Path) -> None:
    own = replace(spec(tmp_path, ""), run_dir=tmp_path / "a,b")
    assert any("a,,b/channel" in word for word in guest.command(own))


def test_rescue_shell_has_the_console(tmp_path: Path) -> None:
    own = replace(spec(tmp_path, ""), interactive=True)
    assert any(word.startswith("stdio,") for word in guest.command(own))


def test_rescue_shell_may_be_silent(tmp_path: Path) -> None:
    body = 'echo "@ fact rescue_shell=ttyS0" >>"$out"; sleep 1\n'
    own = replace(spec(tmp_path, body, idle_s=0.3), interactive=True)
    assert guest.run(own, lambda data: None).outcome == "powered-off"


def test_hang_before_the_rescue_shell_is_a_hang(tmp_path: Path) -> None:
    own = replace(spec(tmp_path, "exec sleep 60\n", idle_s=0.3), interactive=True)
    assert guest.run(own, lambda data: None).outcome == "hang"


def test_death_of_the_parent_ends_the_guest(tmp_path: Path) -> None:
    own = spec(tmp_path, "exec sleep 60\n")
    child = os.fork()
    if child == 0:
        guest.run(own, lambda data: None)
        os._exit(0)
    deadline = time.monotonic() + 5
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    stat = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not stat.exists() or ") Z " in stat.read_text()
