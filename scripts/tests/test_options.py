# SPDX-License-Identifier: GPL-2.0
"""options.py and scenarios.py: what is taken, and that everything wrong is
refused with a message that names it and the way out."""

from __future__ import annotations

import re
from pathlib import Path

import options as opt
import pytest
import scenarios
from errors import ToolError
from qemu.machine import GuestError

TABLE = '''/* SCENARIO(name, family) explains itself */
SCENARIO("exts-external", Exts, External, false, None,
\t "text")
SCENARIO("busted-exts-external", Busted, 0, false, Corruption, "text")
SCENARIO("handoff-xchg", Handoff, ST_X, true, None, "text")
SCENARIO("busted-handoff-xchg", Handoff, ST_X, false, Ordering, "text")
'''


def values(**changed: str) -> dict[str, str]:
    return {**opt.raw_values(opt.parser("").parse_args([]), {}), **changed}


def wrong(**changed: str) -> ToolError:
    with pytest.raises(ToolError) as caught:
        opt.checked(values(**changed), Path("out"))
    assert caught.value.status == 2 and caught.value.hint
    return caught.value


def test_defaults() -> None:
    got = opt.checked(values(), Path("out"))
    assert (got.cpus, got.mem_mib, got.accel, got.scenario) == (2, 1024, "auto", opt.DEFAULT_SCENARIOS)
    assert got.seed >= 1 and got.out == Path("out").absolute()


def test_names_that_widen_are_for_the_module_to_know() -> None:
    got = opt.checked(values(widen="alloc_*, reader,__memcg_slab_free_hook"), Path("out"))
    assert got.widen == "alloc_*,reader,__memcg_slab_free_hook"
    assert "WIDEN='alloc_*,reader,__memcg_slab_free_hook'" in opt.replay_line(got, "tcg")
    assert "WIDEN" not in opt.replay_line(opt.checked(values(), Path("out")), "tcg")


@pytest.mark.parametrize("text", ["a b", "reader,", ",", "x=1", "a" * 64, "f;g", "f'"])
def test_what_is_no_name_does_not_widen(text: str) -> None:
    assert f"WIDEN={text}" in str(wrong(widen=text))


def test_flag_beats_environment_beats_default() -> None:
    args = opt.parser("").parse_args(["--seconds", "7"])
    got = opt.raw_values(args, {"SECONDS": "8", "CPUS": "3", "MEM": ""})
    assert (got["seconds"], got["cpus"], got["mem"]) == ("7", "3", "1G")


@pytest.mark.parametrize("name, text", [
    ("seconds", "0"), ("seconds", "-1"), ("seconds", "1.5"), ("seconds", "many"),
    ("seconds", "86401"), ("cpus", "1"), ("cpus", "65"), ("seed", "0"), ("seed", "0x10"),
    ("seed", str(2**32)), ("mem", "0"), ("mem", "64M"), ("mem", "1T"), ("mem", "G"),
    ("accel", "xen"), ("rescue", "maybe"), ("seconds", "\u0663")])
def test_wrong_value_is_named(name: str, text: str) -> None:
    assert f"{name.upper()}={text}" in str(wrong(**{name: text}))


@pytest.mark.parametrize("text, mib", [("1G", 1024), ("768M", 768), ("2048", 2048), ("2GiB", 2048)])
def test_memory(text: str, mib: int) -> None:
    assert opt.memory_mib(text) == mib


def test_host_must_have_the_memory() -> None:
    options = opt.checked(values(mem="4G"), Path("out"))
    with pytest.raises(ToolError, match="1000 MiB available"):
        opt.check_memory(options, "MemAvailable:  1024000 kB\n")
    opt.check_memory(options, "MemAvailable:  9024000 kB\n")
    opt.check_memory(options, "")


def test_home_is_known_where_the_shell_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    parsed = opt.parser("").parse_args(["--kernel", "~/linux@HEAD~1"])
    raw = opt.raw_values(parsed, {"OUT": "~/out", "CONFIG": "~/a.config"})
    assert (raw["kernel"], raw["out"]) == ("/home/me/linux@HEAD~1", "/home/me/out")


def test_unwritable_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("the user's")
    with pytest.raises(ToolError, match="is no directory"):
        opt.check_out(tmp_path / "file")
    with pytest.raises(ToolError, match="cannot be written"):
        opt.check_out(Path("/proc/slubtorture"))
    assert (tmp_path / "file").read_text() == "the user's"


def test_writable_out_is_left_empty(tmp_path: Path) -> None:
    opt.check_out(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_missing_tool_names_its_package() -> None:
    with pytest.raises(ToolError) as caught:
        opt.check_tools({"no-such-tool": "its-package", "sh": "dash"})
    assert "no-such-tool" in str(caught.value) and "its-package" in caught.value.hint
    assert "dash" not in caught.value.hint


def test_cache_dir_follows_xdg() -> None:
    assert opt.cache_dir({"XDG_CACHE_HOME": "/c"}) == Path("/c/slubtorture")
    assert opt.cache_dir({"XDG_CACHE_HOME": "relative"}).is_absolute()


def test_replay_line_says_it_all() -> None:
    options = opt.checked(values(seed="7", kernel="5.10", scenario="exts-*"), Path("out"))
    assert opt.replay_line(options, "tcg") == (
        "make run KERNEL=5.10 SCENARIO='exts-*' SECONDS=4 SEED=7 CPUS=2 MEM=1024M ACCEL=tcg")
    assert "SCENARIO='node-offline-online'" in opt.replay_line(options, "tcg",
                                                              "node-offline-online")


def names(globs: str) -> list[str]:
    return [s.name for s in scenarios.select(globs, scenarios.parse_table(TABLE))]


def test_table_is_read() -> None:
    assert [(s.name, s.timed) for s in scenarios.parse_table(TABLE)] == [
        ("exts-external", False), ("busted-exts-external", False),
        ("handoff-xchg", True), ("busted-handoff-xchg", False)]


@pytest.mark.parametrize("globs, expected", [
    ("*", ["exts-external", "busted-exts-external", "handoff-xchg", "busted-handoff-xchg"]),
    ("handoff-*", ["handoff-xchg", "busted-handoff-xchg"]),
    ("busted-exts-external", ["busted-exts-external"]),
    ("handoff-xchg, exts-external", ["exts-external", "busted-exts-external", "handoff-xchg",
                                     "busted-handoff-xchg"])])
def test_a_control_runs_with_its_scenario(globs: str, expected: list[str]) -> None:
    assert names(globs) == expected


def test_unknown_scenario_gets_near_names() -> None:
    with pytest.raises(ToolError) as caught:
        names("handof-xchg")
    assert "SCENARIO=handof-xchg" in str(caught.value)
    assert "did you mean handoff-xchg" in caught.value.hint
    with pytest.raises(ToolError, match="zzz"):
        names("exts-*,zzz-*")
    with pytest.raises(ToolError):
        names(" , ")


# Why is said above DEFAULT_SCENARIOS.
BY_NAME = ("audit-exact", "node-price", "node-unplug-plug", "node-remove-add", "node-churn")
BY_PREFIX = ("node-window-", "node-publication")


def test_the_module_runs_the_same_by_default() -> None:
    text = (opt.ROOT / "module/abi/base.h").read_text()
    assert f'#define ST_DEFAULT_SCENARIOS \\\n\t"{opt.DEFAULT_SCENARIOS}"\n' in text
    assert "*scenario = ST_DEFAULT_SCENARIOS;" in (opt.ROOT / "module/main.c").read_text()


def test_few_scenarios_are_asked_for_by_name_alone() -> None:
    known = scenarios.known()
    default = {s.name for s in scenarios.select(opt.DEFAULT_SCENARIOS, known)}
    left = {s.name for s in known} - default
    plain = {name for name in left if not name.startswith(scenarios.CONTROL)}
    assert {name for name in plain if not name.startswith(BY_PREFIX)} == set(BY_NAME)
    assert all(any(name.startswith(prefix) for name in plain) for prefix in BY_PREFIX)
    assert {f"busted-{name}" for name in BY_NAME if name != "node-churn"} <= left
    assert "busted-node-churn-lists" in left


def test_this_clone_has_a_table() -> None:
    known = scenarios.known()
    assert len(known) >= 16
    owners = {scenarios.owner(s, known) for s in known if s.is_control}
    assert {s.name for s in known if not s.is_control} <= owners


def test_a_scenario_may_have_several_controls() -> None:
    table = [scenarios.Scenario(name, False) for name in (
        "exts-late", "exts-late-two", "busted-exts-late", "busted-exts-late-a",
        "busted-exts-late-two-b", "busted-exts-later")]
    assert [scenarios.owner(s, table) for s in table if s.is_control] == [
        "exts-late", "exts-late", "exts-late-two", "exts-later"]
    assert [s.name for s in scenarios.select("exts-late", table)] == [
        "exts-late", "busted-exts-late", "busted-exts-late-a"]


def test_topology_brings_its_cpus() -> None:
    got = opt.checked(values(topology="cpus-on-both"), Path("out"))
    assert (got.topology, got.cpus) == ("cpus-on-both", 4)
    assert "TOPOLOGY=cpus-on-both" in opt.replay_line(got, "tcg")
    assert opt.checked(values(topology="cpus-on-both", cpus="2"), Path("out")).cpus == 2
    assert "TOPOLOGY" not in opt.replay_line(opt.checked(values(topology="two"), Path("out")),
                                             "tcg")


def test_unknown_topology_is_refused_with_the_list() -> None:
    with pytest.raises(GuestError, match="TOPOLOGY=three") as caught:
        opt.checked(values(topology="three"), Path("out"))
    assert "no-memory-at-boot" in caught.value.hint


def test_kunit_has_a_row_for_every_family() -> None:
    """Without one the suites do not build, which only lab kernels show."""
    families = set(re.findall(r'(?m)^SCENARIO\("[^"]+", (\w+),', scenarios.TABLE.read_text()))
    suite = (opt.ROOT / "kunit" / "suite_handoff.c").read_text()
    assert families == set(re.findall(r"#define STK_ROW_(\w+)\(name\)", suite))
