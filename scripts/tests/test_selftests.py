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


@needs_root
@pytest.mark.parametrize(("zone", "word"), [("Movable", "online_movable"),
                                            ("Normal", "online_kernel")])
def test_churn_puts_blocks_back_into_their_zone(program: Path, tmp_path: Path, zone: str,
                                                word: str) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, zone)
    done = run(program, tmp_path, "--churn", "1")
    assert done.returncode == 0 and "ok 6 memory_restored" in done.stdout
    # a plain file keeps what a shorter write leaves of a longer one
    assert all(state.read_text().startswith(word) for state in states)


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_churn_puts_blocks_back_after_a_signal(program: Path, tmp_path: Path,
                                               number: signal.Signals) -> None:
    make_caches(tmp_path, "1 N0=1")
    states = make_node(tmp_path, "Movable")
    with subprocess.Popen(words(program, tmp_path, "--churn", "1", seconds=600),
                          stdout=subprocess.DEVNULL) as child:
        time.sleep(0.3)
        child.send_signal(number)
        assert child.wait(timeout=20) == 0
    assert all(state.read_text().startswith("online_movable") for state in states)
