# SPDX-License-Identifier: GPL-2.0
"""outside.py: what the module asks for is done, in order, and what QEMU refuses
is tried again, for so long, and told."""

from __future__ import annotations

import socket

import outside
import pytest
from outside import Answer, Attendant, module_args
from qemu.qmp import Monitor, QmpError
from qemu.topology import GuestDimm, Kind

DIMMS = (GuestDimm("dimm1-0", 1, 256, True), GuestDimm("dimm1-1", 1, 256, True))


class Told(Monitor):
    """A QEMU that does what it is told, after so many refusals."""

    def __init__(self, refusals: int = 0) -> None:
        super().__init__(socket.socket())
        self.refusals = refusals
        self.asked: list[tuple[str, dict[str, object]]] = []

    def ask(self, command: str, **arguments: object) -> object:
        self.asked.append((command, arguments))
        if self.refusals:
            self.refusals -= 1
            raise QmpError("Duplicate device ID 'dimm1-0'")
        return {}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "RETRY_S", 0.0)


def test_lines_that_ask_are_done() -> None:
    told = Told()
    one = Attendant(told, DIMMS)
    for line in ("    # host unplug dimm1-0", "    # host plug dimm1-0", "ok 1 node-partial",
                 "    # hosts unplug dimm1-1"):
        one.line(line)
    assert told.asked == [
        ("device_del", {"id": "dimm1-0"}),
        ("device_add", {"driver": "pc-dimm", "id": "dimm1-0", "memdev": "dimm1-0-ram",
                        "node": 1})]
    assert one.answers == [Answer("unplug", "dimm1-0", ""), Answer("plug", "dimm1-0", "")]
    assert one.problems() == []


def test_device_that_has_not_left_is_waited_for() -> None:
    told = Told(refusals=2)
    one = Attendant(told, DIMMS)
    one.line("# host plug dimm1-0")
    assert one.answers == []
    one.tick()
    one.tick()
    assert one.answers == [Answer("plug", "dimm1-0", "")] and len(told.asked) == 3


def test_order_is_kept_while_one_waits() -> None:
    told = Told(refusals=1)
    one = Attendant(told, DIMMS)
    one.line("# host plug dimm1-0")
    one._waiting[0].next_try = 1e18
    one.line("# host plug dimm1-1")
    assert [arguments["id"] for _, arguments in told.asked] == ["dimm1-0"]
    one._waiting[0].next_try = 0.0
    one.tick()
    assert [answer.device for answer in one.answers] == ["dimm1-0", "dimm1-1"]


def test_refusal_ends_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PATIENCE_S", 0.0)
    one = Attendant(Told(refusals=9), DIMMS)
    one.line("# host unplug dimm1-1")
    assert one.problems() == ["outside: unplug dimm1-1: Duplicate device ID 'dimm1-0'"]


def test_what_is_not_there_or_never_done_is_told() -> None:
    one = Attendant(Told(refusals=9), DIMMS)
    one.line("# host unplug dimm7")
    one.line("# host unplug dimm1-1")
    assert one.problems() == [
        "outside: unplug dimm7: this guest has no such DIMM",
        "outside: unplug dimm1-1: it was not done when the guest ended"]


def test_module_is_told_what_it_must_know() -> None:
    assert module_args(DIMMS, False, -1) == "remove_memory=1 host=dimm1-0,dimm1-1"
    assert module_args((), False, -1) == ""
    assert module_args(DIMMS[:1], True, 1) == (
        "remove_memory=1 host=dimm1-0 hotplug_zone=movable hotplug_node=1")


def test_a_virtio_mem_device_is_asked_for_all_of_its_memory_or_none() -> None:
    told = Told()
    one = Attendant(told, (GuestDimm("dimm1", 1, 512, False, Kind.VIRTIO_MEM),))
    one.line("# host plug dimm1")
    one.line("# host unplug dimm1")
    assert told.asked == [("qom-set", {"path": "/machine/peripheral/dimm1", "value": value,
                                       "property": "requested-size"}) for value in (512 << 20, 0)]


def test_a_kernel_without_the_driver_is_told_so() -> None:
    assert module_args(DIMMS, False, 1, "CONFIG_VIRTIO_MEM=y") == (
        "remove_memory=1 host=!CONFIG_VIRTIO_MEM=y hotplug_node=1")
    assert module_args((), False, -1, "CONFIG_VIRTIO_MEM=y") == ""
