# SPDX-License-Identifier: GPL-2.0
"""Our LAVA jobs before LAVA's own schemas: a good one is taken, each defect is
not. Skipped where no lava-common is at hand; `make check` fetches it first."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lava
import lava_job
import lava_schema
from errors import ToolError
from lava_jobs import ASKED
from options import cache_dir
from series import Package

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
Job = dict[str, Any]


@pytest.fixture(name="validator", scope="module")
def schemas() -> lava_schema.Validator:
    found = lava_schema.here(cache_dir(os.environ).resolve())
    if found is None:
        pytest.skip("LAVA's schemas (lava-common) are neither installed nor in the cache")
    return found


@pytest.mark.parametrize("arch", sorted(lava_job.ARCHITECTURES))
def test_a_job_is_taken(arch: str, validator: lava_schema.Validator) -> None:
    asked = replace(ASKED, machine=lava.machine_for(arch))
    assert validator.problem(lava_job.text(asked, "job.yaml")) == ""
    assert validator.version()


def put(*path: str | int, value: object) -> Callable[[Job], None]:
    """Sets a member; `value` None takes it away."""
    def change(job: Job) -> None:
        inner: Any = job
        for word in path[:-1]:
            inner = inner[word]
        if value is None:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
    return change


DEPLOY, BOOT = ("actions", 0, "deploy"), ("actions", 1, "boot")
MONITOR = ("actions", 2, "test", "monitors", 0)
DEFECTS: dict[str, Callable[[Job], None]] = {
    "no timeouts": put("timeouts", value=None),
    "no visibility": put("visibility", value=None),
    "an odd visibility": put("visibility", value="secret"),
    "no device type": put("device_type", value=None),
    "a name that is too long": put("job_name", value="x" * 201),
    "no actions": put("actions", value=None),
    "an unknown action": put("actions", 0, value={"install": {}}),
    "an unknown context": put("context", "cores", value=2),
    "an unknown place": put(*DEPLOY, "to", value="floppy"),
    "no images": put(*DEPLOY, "images", value=None),
    "an image without a url": put(*DEPLOY, "images", "kernel", "url", value=None),
    "another type": put(*DEPLOY, "type", value="shell"),
    "an unknown method": put(*BOOT, "method", value="bios"),
    "a monitor without an end": put(*MONITOR, "end", value=None),
    "a monitor with an odd name": put(*MONITOR, "name", value="slub torture"),
    "a result that is none": put(*MONITOR, "fixupdict", "BUG", value="broken"),
    "an action longer than the job": put("actions", 2, "test", "timeout", value={"hours": 9}),
    "a timeout of nothing": put(*BOOT, "timeout", value={"minutes": 0}),
}


@pytest.mark.parametrize("defect", list(DEFECTS))
def test_a_defect_is_refused(defect: str, validator: lava_schema.Validator) -> None:
    job = yaml.safe_load(lava_job.text(ASKED, "job.yaml"))
    DEFECTS[defect](job)
    assert validator.problem(yaml.safe_dump(job)), defect


@pytest.mark.parametrize("text, said", [("a: [", "no YAML"), ("[]", "dictionary"), ("", "")])
def test_what_is_no_job_is_refused(text: str, said: str, validator: lava_schema.Validator) -> None:
    problem = validator.problem(text)
    assert problem and said in problem


def test_the_command_stops_at_what_lava_refuses(validator: lava_schema.Validator,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lava_schema, "obtain", lambda cache: validator)
    good = lava_job.text(ASKED, "job.yaml")
    assert "checked by the schemas of LAVA" in lava.checked_by_lava(good, Path("/nowhere"))
    with pytest.raises(ToolError, match="refuses the job: visibility"):
        lava.checked_by_lava(good.replace("visibility: public", "visibility: secret"),
                             Path("/nowhere"))


def test_the_newest_version_is_tried_first() -> None:
    offered = [Package("lava-common", "2023.01-2"), Package("other", "9"),
               Package("lava-common", "2026.10-2~bpo13+1")]
    assert [one.version for one in lava_schema.wanted(offered)] == ["2026.10-2~bpo13+1",
                                                                    "2023.01-2"]


def test_schemas_that_do_not_run_are_not_here(tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lava_schema.Validator, "version", lambda self: "")
    (tmp_path / "lava/2026.1").mkdir(parents=True)
    assert lava_schema.here(tmp_path) is None
