# SPDX-License-Identifier: GPL-2.0
"""Runs spread over two hosts of the test's own, reached by ssh: the same as on
one machine, also when a host goes in the middle; and what hosts are asked."""

from __future__ import annotations

import ast
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from bisection import hosts as hst
from bisection import spread, there
from bisection.bundle import Bundle
from bisection.by_ssh import hosts_main
from bisection.hosts import Host
from bisection.outcomes import Ran
from bisection_fakes import LONG_S, Taker, fake_bundle, pids_in, place_in
from own_hosts import OwnHosts, own_hosts, wait_until, why_not
from test_bisection_spread import HANGS, caller

from errors import ToolError

_LACKS = "GNU parallel is missing" if shutil.which("parallel") is None else why_not()
with_hosts = pytest.mark.skipif(bool(_LACKS), reason=f"no hosts of the test's own: {_LACKS}")


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnHosts]:
    """alpha and beta, two runs at once on each, which PARALLEL_SSH reaches."""
    with own_hosts(tmp_path / "hosts", "alpha", "beta") as found:
        monkeypatch.setenv("PARALLEL_SSH", found.ssh)
        yield found


def named(bundle: Bundle) -> Bundle:
    """A bundle by its digest, as it is sent."""
    to = bundle.path.with_name(f"7.2.0-fake-{there.digest_of(str(bundle.path))}")
    return Bundle.at(bundle.path.rename(to))


def outcomes(taker: Taker) -> list[tuple[int, int, str, str]]:
    return sorted((ran.number, ran.seed, str(ran.outcome), ran.said) for ran in taker.ran)


@with_hosts
def test_same_outcomes_as_on_one_machine(tmp_path: Path, two: OwnHosts) -> None:
    bundle = named(fake_bundle(tmp_path, "send(status=seed % 3)\n"))
    here, elsewhere = Taker(), Taker()
    spread.run_many(bundle, range(50, 62), 2, (), here, place_in(tmp_path))
    spread.run_many(bundle, range(50, 62), 2, ("alpha/2", "beta/2"), elsewhere, place_in(tmp_path))
    assert outcomes(here) == outcomes(elsewhere) and len(elsewhere.ran) == 12
    assert {ran.host for ran in elsewhere.ran} == {"alpha", "beta"}
    for host in (two["alpha"], two["beta"]):
        left = {path.name for path in host.home.iterdir()} - {".ssh", ".cache"}
        kept = {path.name for path in host.shelf.iterdir()}
        assert left == set() and kept == {bundle.name, there.RUNS}
        assert list((host.shelf / there.RUNS).iterdir()) == []


@with_hosts
def test_a_host_that_goes_takes_nothing_along(tmp_path: Path, two: OwnHosts,
                                              capfd: pytest.CaptureFixture[str]) -> None:
    """alpha goes when it has given outcomes and is at others: the same runs come
    as without that, those that had come are not asked again, and it is named."""
    body = ("asked = shared / f'asked-{number}'\n"
            "asked.write_text(asked.read_text() + '.' if asked.exists() else '.')\n"
            "if os.environ['HOME'].endswith('alpha') and number >= 4:\n"
            f"    {HANGS}"
            "send(status=seed % 3)\n")
    bundle, taker = named(fake_bundle(tmp_path, body)), Taker()
    came_before: set[int] = set()

    def take(ran: Ran) -> bool:
        taker(ran)
        if len(taker.ran) == 8:
            assert wait_until(lambda: len(pids_in(tmp_path / "shared")) == 2)
            came_before.update(one.number for one in taker.ran)
            two["alpha"].take_away()
        return True

    spread.run_many(bundle, range(50, 74), 2, ("alpha/2", "beta/2"), take, place_in(tmp_path))
    assert outcomes(taker) == sorted(
        (number, 50 + number, "bad" if (50 + number) % 3 == 1 else "good", str(50 + number))
        for number in range(24))
    asked = {number: len((tmp_path / f"shared/asked-{number}").read_text())
             for number in range(24)}
    assert all(asked[number] == 1 for number in came_before)
    assert sorted(asked.values()) == [1] * 22 + [2, 2]
    assert "alpha is not used any more, 2 runs in a row had no outcome" in capfd.readouterr().err


@with_hosts
def test_enough_ends_runs_on_other_hosts(tmp_path: Path, two: OwnHosts) -> None:
    body = (f"if number:\n    {HANGS}else:\n"
            "    wait_for(lambda: len(list(shared.glob('pid-*'))) == 3)\n    send()\n")
    taker = Taker(1)
    spread.run_many(named(fake_bundle(tmp_path, body)), itertools.count(1), 2,
                    ("alpha/2", "beta/2"), taker, place_in(tmp_path))
    assert taker.seeds() == {0: 1}
    assert wait_until(lambda: two["alpha"].pids() == [two["alpha"].init])
    assert wait_until(lambda: two["beta"].pids() == [two["beta"].init])


@with_hosts
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_hosts_end_their_runs_when_the_asker_is_gone(tmp_path: Path, two: OwnHosts,
                                                     number: signal.Signals) -> None:
    named(fake_bundle(tmp_path, HANGS))
    process = caller(tmp_path, "alpha/1", "beta/1")
    assert len(two["alpha"].pids()) > 1 and len(two["beta"].pids()) > 1
    process.send_signal(number)
    assert process.wait(LONG_S) != 0
    assert wait_until(lambda: two["alpha"].pids() == [two["alpha"].init])
    assert wait_until(lambda: two["beta"].pids() == [two["beta"].init])


@with_hosts
def test_a_host_that_lacks_something_is_not_used(tmp_path: Path, two: OwnHosts,
                                                 capfd: pytest.CaptureFixture[str]) -> None:
    """beta has no QEMU, gamma is unknown."""
    bundle, taker = named(fake_bundle(tmp_path, "send()\n")), Taker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hst, "_session", _lacking("beta", hst._session))
        spread.run_many(bundle, [1, 2, 3], 1, ("alpha/1", "beta/1", "gamma/1"), taker,
                        place_in(tmp_path))
    said = capfd.readouterr().err
    assert {ran.host for ran in taker.ran} == {"alpha"} and len(taker.ran) == 3
    assert "not used: beta: missing there: no-such-qemu (Debian's package qemu)" in said
    assert "not used: gamma: " in said


Session = Callable[[str, Mapping[str, object]], tuple[list[str], bytes]]


def _lacking(name: str, session: Session) -> Session:
    """_session, asking one host for a program that is nowhere."""

    def changed(host: str, asked: Mapping[str, object]) -> tuple[list[str], bytes]:
        programs = [("no-such-qemu", "qemu")] if host == name else asked["programs"]
        return session(host, {**asked, "programs": programs})

    return changed


@with_hosts
def test_no_host_at_all_is_said_at_once(tmp_path: Path, two: OwnHosts) -> None:
    two["alpha"].take_away()
    with pytest.raises(ToolError, match="no machine can run this: alpha: "):
        spread.run_many(named(fake_bundle(tmp_path, "send()\n")), [1], 1, ("alpha",), Taker(),
                        place_in(tmp_path))


@with_hosts
def test_what_is_left_on_hosts_can_be_taken_away(tmp_path: Path, two: OwnHosts) -> None:
    bundle = named(fake_bundle(tmp_path, "send()\n"))
    hst.usable(("alpha",), bundle, 1)
    assert (two["alpha"].shelf / bundle.name / "one_run").exists()
    assert hst.forget(("alpha", ":")) == [] and not two["alpha"].shelf.exists()


@with_hosts
def test_hosts_can_be_looked_at_beforehand(tmp_path: Path, two: OwnHosts,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    hst.usable(("alpha",), named(fake_bundle(tmp_path, "send()\n")), 1)
    assert hosts_main(["alpha", "beta/3"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and said[0].startswith("usable      alpha: ")
    assert said[1].endswith("1 kernels are kept in ~/.cache/slubtorture/bundles")
    assert max(map(len, said)) <= 80 and "0 kernels" in said[3]
    two["beta"].take_away()
    assert hosts_main(["alpha", "beta"]) == 2 and "not usable  beta: " in capsys.readouterr().out
    assert [text.partition(":")[0] for text in hst.check(("alpha", "beta"))] == ["beta"]
    with pytest.raises(ToolError, match="no machine can run this: beta: "):
        spread.check_hosts(("beta",))
    assert hosts_main(["--forget", "alpha"]) == 0 and not two["alpha"].shelf.exists()


@with_hosts
def test_slots_follow_from_what_a_host_has(tmp_path: Path, two: OwnHosts) -> None:
    bundle = named(fake_bundle(tmp_path, "send()\n"))
    found, _ = hst.usable(("alpha", "beta/7"), bundle, 1)
    assert found[1] == Host("beta", 7)
    assert 1 <= found[0].slots <= len(os.sched_getaffinity(0))


def test_guests_at_once_are_bounded_by_cores_and_memory(tmp_path: Path) -> None:
    bundle = fake_bundle(tmp_path, "")  # 1 GiB, 512 MiB and QEMU's own
    assert hst.guests_at_once(8, 64000, bundle) == 8
    assert hst.guests_at_once(8, 7000, bundle) == 3
    assert hst.guests_at_once(8, 1000, bundle) == 1
    assert hst.guests_at_once(8, 0, bundle) == 8


@pytest.mark.parametrize("text", ["a b", "-oProxyCommand=x", "a/0", "a/x", "a/", "@x", "a,b", "",
                                  "a/9999", "../x", "a@b@c"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ToolError, match="HOSTS"):
        hst.parsed(text)


def test_hosts_of_a_command_line() -> None:
    assert hst.parsed_hosts("") == ()
    assert hst.parsed_hosts(" u@a  b-1.example/3 : ") == ("u@a", "b-1.example/3", ":")
    assert hst.parsed_all(()) == [Host(":")]
    assert hst.parsed_all(("u@a", "b/3", ":/2")) == [Host("u@a"), Host("b", 3), Host(":", 2)]
    with pytest.raises(ToolError, match="HOSTS names a twice"):
        hst.parsed_hosts("a/2 a")


def test_missing_programs_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="parallel missing"):
        spread.check_hosts(())
    with pytest.raises(ToolError, match="parallel and openssh-client missing"):
        spread.check_hosts(("a",))


def test_a_shelf_is_bounded_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    for number in range(there.KEPT + 3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "manifest.json").touch()
        os.utime(tmp_path / str(number), (number, number))
    for name in (f"{there.RUNS}/run.1.999999999", f"{there.RUNS}/run.1.{os.getpid()}", "cache",
                 ".part.999999999"):
        (tmp_path / name).mkdir(parents=True)
    there.sweep(str(tmp_path))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {str(number) for number in range(3, there.KEPT + 3)} | {there.RUNS, "cache"}
    assert [path.name for path in (tmp_path / there.RUNS).iterdir()] == [f"run.1.{os.getpid()}"]


def test_an_old_python_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(there, "LEAST_PYTHON", (99, 0))
    assert there.missing({"programs": []}) == [
        f"python3 from 99.0 on (it has {sys.version_info[0]}.{sys.version_info[1]})"]


def test_what_is_asked_there_is_python_for_old_versions() -> None:
    """It runs on what a host has: nothing that Python 3.7 does not know."""
    ast.parse(Path(there.__file__).read_text(), feature_version=(3, 7))
    entry = Path(there.__file__).parent / "one_run"
    ast.parse(entry.read_text(), feature_version=(3, 5))
    imports = {name for line in Path(there.__file__).read_text().splitlines()
               if line.startswith(("import ", "from ")) for name in line.split()[1:2]}
    assert imports <= set(sys.stdlib_module_names)
