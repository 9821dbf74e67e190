# SPDX-License-Identifier: GPL-2.0
"""What a matrix asks, of which kernels, and in which order."""

from __future__ import annotations

from pathlib import Path

import gate
import options as opt
import pytest
from errors import ToolError
from lab import spec
from matrices import asking, columns, costs, plan
from matrices.columns import Kernel, Wishes
from matrices.plan import Visit
from matrix_samples import KERNELS, OLD, RACE, STRIDE
from prepared import AtHand


def keys(runs: int = 1, kernels: list[Kernel] = KERNELS) -> list[str]:
    return [visit.key for visit in plan.visits(kernels, runs)]


def of(name: str) -> Kernel:
    return next(kernel for kernel in KERNELS if kernel.name == name)


def test_what_tells_most_is_asked_first_and_nothing_twice() -> None:
    found = keys()
    assert len(set(found)) == len(found)
    promises = ["7.2/stride@1 named:exts-in-object/1s 1", "7.2/stride@1 suite:slubtorture-metadata 1",
                "7.2/race@2 named:exts-late/30s 1", "7.2/gated@3 named:exts-in-object/1s 1",
                "7.2/nodes@6 named:node-offline-online/1s 1",
                "5.10/early@7 named:node-publication/1s 1"]
    assert found[:6] == promises  # Check: yes first
    silent = [f"{name} {group} 1" for name in ("7.2", "7.2/harmless@4")
              for group in ("usual", "suites", "nodes")]
    assert found[6:12] == silent
    assert found[12:16] == [f"{name} stock {group} 1" for name in ("5.10", "6.12")
                            for group in ("usual", "nodes")]
    rest = {f"{name} {group} 1" for name in ("7.2/stride@1", "7.2/race@2", "7.2/gated@3",
                                             "7.2/unseen@5", "7.2/nodes@6")
            for group in ("usual", "suites", "nodes")}
    assert set(found[16:16 + len(rest)]) == rest
    again = found[16 + len(rest):]
    assert again == [f"7.2/gated@3 named:exts-in-object/1s {turn}"
                     for turn in range(2, gate.runs_for(5) + 1)]


def test_of_a_series_with_findings_only_promises_are_asked() -> None:
    assert plan.groups(Kernel("5.10", "5.10/early", OLD)) == ["named"]
    assert plan.groups(Kernel("5.10", stock=True)) == ["usual", "nodes"]
    found = columns.lab_kernels(["5.10"])
    assert found and all(kernel.is_busted for kernel in found)


def test_what_a_verdict_hangs_on_is_repeated_and_comes_last() -> None:
    found = keys(10)
    assert found[:16] == keys()[:16]
    for key in ("7.2/harmless@4 usual 10", "7.2/race@2 named:exts-late/30s 10", "7.2/stride@1 suite:slubtorture-metadata 10"):
        assert key in found
    for key in ("7.2/stride@1 usual 2", "7.2/harmless@4 nodes 2", "7.2/harmless@4 suites 2",
                "7.2 usual 2", "6.12 stock usual 2"):
        assert key not in found
    turns = [int(key.rpartition(" ")[2]) for key in found]
    first = turns.index(2)
    assert set(turns[:first]) == {1} and turns[first:] == sorted(turns[first:])


def test_another_patch_or_another_way_to_ask_is_another_visit() -> None:
    old, new = (Visit(Kernel("7.2", "7.2/stride", STRIDE, made), "usual", 1) for made in "12")
    assert old.key != new.key
    slow, fast = (Visit(Kernel("7.2", "7.2/race", header, "2"), "named", 1)
                  for header in (RACE, STRIDE))
    assert slow.key != fast.key


def environment(kernel: Kernel, group: str, tmp_path: Path, turn: int = 1) -> dict[str, str]:
    raw = opt.raw_values(opt.parser("").parse_args([]), {"KERNEL": "7.2,6.12"})
    return asking.Asking(opt.checked(raw, tmp_path), tmp_path).of_visit(Visit(kernel, group, turn))


def words(kernel: Kernel, group: str, tmp_path: Path, turn: int = 1) -> tuple[str, ...]:
    found = environment(kernel, group, tmp_path, turn)
    return tuple(found[name] for name in ("KERNEL", "PATCH", "CONFIG", "SCENARIO", "SECONDS",
                                          "SUITE"))


def test_each_group_is_asked_what_it_is_for(tmp_path: Path) -> None:
    race, stride = of("7.2/race"), of("7.2/stride")
    assert words(race, plan.NAMED, tmp_path) == ("7.2", "7.2/race", "kunit", "exts-late", "30", "")
    assert words(race, plan.USUAL, tmp_path) == ("7.2", "7.2/race", "kunit", "", "1", "")
    assert words(stride, plan.SUITE, tmp_path)[5] == "slubtorture-metadata"
    assert words(stride, plan.SUITES, tmp_path)[5] == plan.NO_TWINS
    assert words(of("7.2/harmless"), plan.SUITES, tmp_path)[5] == ""
    assert words(of("7.2/harmless"), plan.SUITES, tmp_path, 2)[5] == plan.NO_TWINS
    assert words(Kernel("6.12", stock=True), plan.NODES, tmp_path) == (
        "6.12", "", "", plan.NODE_SCENARIOS, str(plan.NODE_SECONDS), "")
    found = environment(Kernel("7.2", arch="ppc64le", page="64", config=("kasan",)), plan.USUAL,
                        tmp_path)
    assert (found["ARCH"], found["PAGE"], found["CONFIG"]) == ("ppc64le", "64", "kunit,kasan")
    assert found["SEED"] == ""  # another one in each run


def test_machines_and_configurations_are_columns_of_their_own() -> None:
    wished = Wishes(series="7.2", stock="none", patch="stride-16-bit",
                    machines="x86_64,ppc64le/64,ppc64le/4", configs="plain,kasan+lockdep")
    found, warning = columns.chosen(wished)
    own = spec.machine_of("").arch == "x86_64"
    base = "7.2/stride-16-bit"
    assert not warning and len({kernel.name for kernel in found}) == len(found) == 12
    for name in (base if own else f"{base} x86_64", f"{base} ppc64le", f"{base} ppc64le/4",
                 f"{base} ppc64le +kasan+lockdep", "7.2 ppc64le/4"):
        assert name in [kernel.name for kernel in found]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    def obtainable(arch: str) -> tuple[list[str], str]:
        assert arch in ("x86_64", "aarch64")
        return (["7.2", "6.12", "5.10", "rt:7.2"] if arch == "x86_64" else ["7.2"]), ""

    monkeypatch.setattr(columns, "obtainable", obtainable)
    monkeypatch.setattr("kernels.HOST", "x86_64")


def test_stock_kernels_are_those_that_can_be_had(offered: None) -> None:
    found, _ = columns.stock_kernels("")
    assert [kernel.name for kernel in found] == ["7.2 stock", "6.12 stock", "5.10 stock"]
    for name in ("5.10", "rt:7.2"):
        assert [kernel.name for kernel in columns.stock_kernels(name)[0]] == [f"{name} stock"]
    assert len(columns.stock_kernels("all")[0]) == 4
    assert columns.stock_kernels("none") == ([], "")


def test_stock_kernels_are_of_machines_that_have_some(offered: None, tmp_path: Path) -> None:
    machines = [("", ""), ("aarch64", ""), ("aarch64", "64"), ("ppc64le", "64")]
    found, _ = columns.all_stock("", machines)
    assert [kernel.name for kernel in found][2:] == ["5.10 stock", "7.2 stock aarch64"]
    assert columns.all_stock("", machines[2:]) == ([], "")
    foreign = environment(found[-1], plan.USUAL, tmp_path)
    assert (foreign["KERNEL"], foreign["ARCH"], foreign["CONFIG"]) == ("stock:7.2", "aarch64", "")


def test_without_the_archive_stock_kernels_are_those_prepared(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_reach(*_: object) -> None:
        raise ToolError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("kernels.offered_names", out_of_reach)
    place = tmp_path / "slubtorture/series"
    place.mkdir(parents=True)
    for name in ("6.12", "newest", "rt:7.2", "5.10"):
        (place / f"{name}.json").touch()
    series, warning = columns.obtainable()
    assert series == ["6.12", "5.10", "rt:7.2"] and "no network" in warning


@pytest.mark.parametrize("wished, said", [
    (Wishes(series="4.19"), "KERNEL=4.19: no patches"),
    (Wishes(series="7.2", stock="none", patch="nosuch"), "PATCH=nosuch: no such patch"),
    (Wishes(series="7.2", stock="9.9"), "STOCK=9.9: no stock kernel"),
    (Wishes(series="7.2", stock="debian"), "STOCK=debian: no series"),
    (Wishes(machines="vax"), "vax"),
    (Wishes(machines="ppc64le/8"), "PAGE=8"),
    (Wishes(machines="ppc64le/"), "ends with a slash"),
    (Wishes(machines="ppc64le", arch="arm64"), "names machines, and so does ARCH"),
    (Wishes(stock="none", configs="nosuch"), "CONFIG=nosuch"),
    (Wishes(series="none", stock="none"), "no kernel is left"),
])
def test_wrong_wishes_are_named(wished: Wishes, said: str, offered: None) -> None:
    with pytest.raises(ToolError, match=said) as caught:
        columns.chosen(wished)
    assert caught.value.hint


def test_patches_are_chosen_by_name_or_by_their_headers(offered: None) -> None:
    def patches(text: str) -> list[str]:
        return [kernel.patch for kernel in columns.chosen(
            Wishes(series="7.2", stock="none", patch=text))[0]]

    assert patches("stride-16-bit") == ["", "7.2/stride-16-bit"] == patches("7.2/stride-16-bit")
    assert patches("none") == [""]
    assert patches("all") == patches("")
    checked = patches("check")
    assert "7.2/stride-16-bit" in checked and "7.2/stride-16-bit-one-in-five" not in checked


def test_as_many_guests_at_once_as_there_are_cores_and_memory_for(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = opt.checked(opt.raw_values(opt.parser("").parse_args([]), {}), tmp_path)
    for cores, kib, jobs in ((2, 24 << 20, 3), (4, 24 << 20, 6), (1, 24 << 20, 1), (2, 4 << 20, 2),
                             (2, 1 << 20, 1)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, count=cores: set(range(count)))
        assert costs.default_jobs(options, f"MemAvailable: {kib} kB\n") == jobs
    assert costs.default_jobs(options, "") >= 1  # nobody knows


def test_costs_are_learned_and_promises_that_take_long_are_known_to(tmp_path: Path) -> None:
    prices = costs.Costs()
    race = Visit(of("7.2/race"), plan.NAMED, 1)
    stride = Visit(of("7.2/stride"), plan.NAMED, 1)
    assert prices.of(race) > prices.of(stride) + 20
    prices.learn(race, 11)
    assert prices.of(race) > 30  # one is no rule
    prices.learn(race, 13)
    assert prices.of(race) == 12 and prices.of(stride) == costs.GUEST_S[plan.NAMED]
    nothing, kernel_only = AtHand(False, False), AtHand(True, False)
    assert prices.of_build(KERNELS[0], AtHand(True, True)) == 0
    assert (prices.of_build(KERNELS[0], nothing) > prices.of_build(KERNELS[0], kernel_only)
            >= costs.MODULES_S)
