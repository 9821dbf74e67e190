# SPDX-License-Identifier: GPL-2.0
"""The kselftest program as a program: exit status and KTAP over directories
made to be right, wrong or missing, and memory blocks put back. Its judgement
of single values it tests itself (make -C selftests check)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SELFTESTS = Path(__file__).resolve().parents[2] / "selftests"
FILES = ("objects", "total_objects", "partial", "slabs", "cpu_slabs")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="--churn needs root")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("selftests")
    subprocess.run(["make", "-C", str(SELFTESTS), f"BUILD={build}"], check=True,
                   capture_output=True)
    return build / "node_sysfs_readers"


def make_caches(root: Path, value: str) -> None:
    for cache in ("a", "b"):
        (root / "slab" / cache).mkdir(parents=True)
        for name in FILES:
            (root / "slab" / cache / name).write_text(value + "\n")


def make_node(root: Path, zone: str) -> list[Path]:
    states = []
    for number in (8, 9):
        block = root / "node" / "node1" / f"memory{number}"
        block.mkdir(parents=True)
        (block / "state").write_text("online\n")
        (block / "valid_zones").write_text(zone + "\n")
        states.append(block / "state")
    return states


def words(program: Path, root: Path, *more: str, seconds: int = 0) -> list[str]:
    return [str(program), "--seconds", str(seconds), "--slab-dir", str(root / "slab"),
            "--node-dir", str(root / "node"), *more]


def run(program: Path, root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(program, root, *more), capture_output=True, text=True,
                          check=False, timeout=30)


def test_right_sums_pass(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "5 N0=2 N1=3")
    done = run(program, tmp_path)
    assert done.returncode == 0
    assert [f"ok {i} {name}" for i, name in enumerate(FILES, 1)] == [
        line for line in done.stdout.splitlines() if line.startswith("ok")]


def test_wrong_sum_is_caught_and_shown(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "5 N0=2 N1=3")
    (tmp_path / "slab/b/partial").write_text("5 N0=2 N1=2\n")
    done = run(program, tmp_path)
    assert done.returncode == 1
    assert "not ok 3 partial" in done.stdout
    assert "# b/partial has parts that do not add up to its total: 5 N0=2 N1=2" in done.stdout


def test_missing_or_unreadable_counters_are_a_skip(program: Path, tmp_path: Path) -> None:
    assert run(program, tmp_path).returncode == 4
    (tmp_path / "slab/a").mkdir(parents=True)
    assert run(program, tmp_path).returncode == 4
    make_caches(tmp_path / "other", "1")
    done = run(program, tmp_path / "other", "--churn", "1")
    assert done.returncode == 4
    assert "no such node" in done.stdout


def until_touched(states: list[Path]) -> None:
    """Until the program churns blocks: then it has its handlers, too."""
    for _ in range(1000):
        if any(state.read_text() not in ("online\n", "") for state in states):
            return
        time.sleep(0.02)
    raise AssertionError("no block has been touched")


@needs_root
@pytest.mark.parametrize(("zone", "word"), [("Movable", "online_movable"),
                                            ("Normal", "online_kernel")])
def test_churn_puts_blocks_back_into_their_zone(program: Path, tmp_path: Path, zone: str,
                                                word: str) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, zone)
    with subprocess.Popen(words(program, tmp_path, "--churn", "1", seconds=600),
                          stdout=subprocess.PIPE, text=True) as child:
        until_touched(states)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 0 and "ok 6 memory_restored" in said
    # the end may come before the second block's turn; and a plain file keeps
    # what a shorter write leaves of a longer one
    texts = [state.read_text() for state in states]
    assert all(text.startswith(word) or text == "online\n" for text in texts)
    assert any(text.startswith(word) for text in texts)


def online_again(states: list[Path]) -> bool:
    # a plain file keeps what a shorter write leaves of a longer one
    texts = [state.read_text() for state in states]
    return (any(text.startswith("online_movable") for text in texts) and
            all(text.startswith("online_movable") or text == "online\n" for text in texts))


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT,
                                    signal.SIGTSTP, signal.SIGUSR1])
def test_churn_puts_blocks_back_after_a_signal(program: Path, tmp_path: Path,
                                               number: signal.Signals) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, "Movable")
    with subprocess.Popen(words(program, tmp_path, "--churn", "1", seconds=600),
                          stdout=subprocess.DEVNULL) as child:
        until_touched(states)
        child.send_signal(number)
        assert child.wait(timeout=20) == 0
    assert online_again(states)


def worker_of(guardian: int) -> int:
    """The process that works, which the guardian made."""
    children = Path(f"/proc/{guardian}/task/{guardian}/children")
    for _ in range(100):
        if children.read_text().split():
            return int(children.read_text().split()[0])
        time.sleep(0.02)
    raise AssertionError("the guardian has no child")


@needs_root
def test_blocks_are_put_back_when_the_worker_is_killed(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, "Movable")
    with subprocess.Popen(words(program, tmp_path, "--churn", "1", seconds=600),
                          stdout=subprocess.PIPE, text=True) as child:
        worker = worker_of(child.pid)
        until_touched(states)
        os.kill(worker, signal.SIGKILL)
        said, _ = child.communicate(timeout=20)
    assert child.returncode == 1 and "ended by signal 9; memory was put back" in said
    assert online_again(states)


@needs_root
def test_blocks_are_put_back_when_the_guardian_is_killed(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, "Movable")
    with subprocess.Popen(words(program, tmp_path, "--churn", "1", seconds=600),
                          stdout=subprocess.DEVNULL) as child:
        worker = worker_of(child.pid)
        until_touched(states)
        child.kill()
        child.wait(timeout=20)
    for _ in range(500):
        # it may have left a zombie for whoever adopted it
        stat = Path(f"/proc/{worker}/stat")
        if not stat.exists() or stat.read_text().split()[2] == "Z":
            break
        time.sleep(0.02)
    assert online_again(states)


@needs_root
def test_output_that_nobody_reads_leaves_nothing_offline(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "5 N0=2")
    states = make_node(tmp_path, "Movable")
    with subprocess.Popen(words(program, tmp_path, "--churn", "1"),
                          stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.wait(timeout=20) in (0, 1)
    # its first line may already end it: then no block has been touched
    assert not any(state.read_text().startswith("offline") for state in states)


@needs_root
def test_a_spare_node_is_found_or_there_is_a_skip(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, "Movable")
    cpus = tmp_path / "node/node1/cpulist"
    cpus.write_text("\n")
    done = run(program, tmp_path, "--churn", "auto")
    assert done.returncode == 0 and "# memory of node 1 goes and comes" in done.stdout
    assert "ok 7 memory_went\n" in done.stdout and online_again(states)
    for path, text in ((cpus, "0-3\n"), (states[0].parent / "valid_zones", "Normal\n"),
                       (states[0], "offline\n")):
        kept = path.read_text()
        path.write_text(text)
        done = run(program, tmp_path, "--churn", "auto")
        path.write_text(kept)
        assert done.returncode == 4 and "no node without CPUs" in done.stdout


@needs_root
def test_states_that_cannot_be_read_are_a_skip(program: Path, tmp_path: Path) -> None:
    make_caches(tmp_path, "1 N0=1")
    for state in make_node(tmp_path, "Movable"):
        state.unlink()
        state.mkdir()
    assert run(program, tmp_path, "--churn", "1").returncode == 4
