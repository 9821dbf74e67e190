# SPDX-License-Identifier: GPL-2.0
"""Makes a stock kernel usable from where it was unpacked: paths, compiler,
tools, vmlinux; then shows that a module can be built with it.

The kernel's packages are chosen in series.py and fetched in kernels.py. A
tree is whole when its kernel.json is there, which is written last.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import compiler
import runtime as rt
import vmlinux
from errors import ToolError
from lab.tools import cross_prefix, kbuild_environment
from qemu import machines
from qemu.machine import Machine
from qemu.store import write_whole

STAMP = "kernel.json"
# Raised when trees are prepared in another way: older ones are made anew.
RECIPE = 1
_PROBE = """\
#include <linux/module.h>
#include <linux/slab.h>
static int size = 64;
module_param(size, int, 0444);
static int __init probe_init(void) { kfree(kmalloc(size, GFP_KERNEL)); return 0; }
static void __exit probe_exit(void) { }
module_init(probe_init);
module_exit(probe_exit);
MODULE_DESCRIPTION("shows that modules can be built for this kernel");
MODULE_LICENSE("GPL");
"""


@dataclass(frozen=True)
class PreparedKernel:
    """A kernel to boot and to build for; paths are absolute."""

    series: str
    release: str
    package_version: str
    image: str
    build: str
    vmlinux: str
    config: str
    arch: str = "x86_64"  # as uname -m names it

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


def _sizes(kernel: PreparedKernel) -> dict[str, int]:
    """Of the files that a guest or a build takes: a cut one boots to nothing."""
    paths = (kernel.image, kernel.vmlinux, kernel.config)
    return {path: Path(path).stat().st_size for path in paths if Path(path).is_file()}


def stamp_text(kernel: PreparedKernel, compiler_text: str) -> str:
    return json.dumps({"recipe": RECIPE, "compiler": compiler_text, "sizes": _sizes(kernel),
                       **asdict(kernel)}, indent=1)


def from_stamp(text: str, compiler_text: str) -> PreparedKernel | None:
    """The kernel of a stamp, if this recipe and compiler made it and its files
    are still there, as long as they were."""
    try:
        values = json.loads(text)
        if values.pop("recipe") != RECIPE or values.pop("compiler") != compiler_text:
            return None
        sizes = values.pop("sizes", {})
        kernel = PreparedKernel(**values)
        if any(size != sizes.get(path, size) for path, size in _sizes(kernel).items()):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    there = (kernel.image, kernel.build, kernel.vmlinux, kernel.config)
    return kernel if all(Path(path).exists() for path in there) else None


def unpack(deb: Path, root: Path, only: str = "") -> None:
    """Unpack a package, or the members that match the glob `only`."""
    root.mkdir(parents=True, exist_ok=True)
    if not only:
        command = ["dpkg-deb", "-x", str(deb), str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    else:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)],
                              stdout=subprocess.PIPE) as source:
            done = subprocess.run(["tar", "-x", "-C", str(root), "--wildcards", only],
                                  stdin=source.stdout, capture_output=True, text=True,
                                  check=False)
    if done.returncode:
        raise ToolError(f"{deb.name} cannot be unpacked: {done.stderr.strip()}",
                        "is the disk full? remove the cache's kernels directory and try again")


def relocate(makefile: str, root: Path) -> str:
    """Debian's headers name their installed place; name the real one."""
    return re.sub(r"(?<![\w./])/usr/src/", lambda _: f"{root}/usr/src/", makefile)


def misaligns(config: dict[str, str]) -> bool:
    """Whether ftrace would find places to patch that are not aligned as it
    expects, and stop the kernel in a BUG(): arm64 with call ops wants them at
    multiples of 8, which -falign-functions does not give cold functions, and a
    compiler before gcc 14 has no -fmin-function-alignment."""
    return (config.get("DYNAMIC_FTRACE_WITH_CALL_OPS") == "y"
            and config.get("CC_HAS_MIN_FUNCTION_ALIGNMENT") != "y")


def kernel_variables(release: str, pahole: str, machine: Machine, traced: bool = True) -> str:
    """What Debian's .kernelvariables says, for the compiler that is here. What
    is not `traced` is built without places for ftrace to patch."""
    cross = cross_prefix(machine)
    lines = [f"override ARCH = {machine.source_arch}", f"override KERNELRELEASE = {release}",
             f"CC = {cross}gcc", "DEBIAN_KERNEL_NO_CC_VERSION_CHECK = y"]
    if cross:
        lines.append(f"override CROSS_COMPILE = {cross}")
    if not traced:
        lines.append("override CC_FLAGS_FTRACE =")
    if pahole:
        lines.append(f"override PAHOLE = {pahole}")
    return "\n".join(lines) + "\n"


def pahole_version(said: str) -> int:
    """v1.24 -> 124, as Kconfig writes it; 0 when there is none."""
    match = re.match(r"v(\d+)\.(\d+)", said)
    return int(match[1]) * 100 + int(match[2]) if match else 0


def _host_pahole() -> int:
    if not shutil.which("pahole"):
        return 0
    done = subprocess.run(["pahole", "--version"], capture_output=True, text=True, check=False)
    return pahole_version(done.stdout)


def needs_newer_pahole(config: dict[str, str], host: int) -> bool:
    """BTF for a module must come from a pahole no older than the kernel's."""
    return config.get("DEBUG_INFO_BTF_MODULES") == "y" and host < int(
        config.get("PAHOLE_VERSION", "0") or 0)


def _one(root: Path, pattern: str) -> Path:
    found = sorted(root.glob(pattern))
    if not found:
        raise ToolError(f"the kernel's packages hold no {pattern}",
                        "their layout is new to this program: use another KERNEL")
    return found[0]


def image_in(root: Path) -> Path:
    """The kernel's image among the unpacked packages."""
    found = next(iter(root.glob("boot/vmlinuz-*")), None)
    return found or _one(root, "usr/lib/modules/*/vmlinuz")


def _set_tools(build: Path, kbuild: Path, release: str, machine: Machine,
               get: Callable[[], rt.Runtime]) -> None:
    """Make the kernel's own tools, and pahole, run here."""
    foreign = rt.foreign_tools(kbuild)
    config = compiler.settings((build / ".config").read_text())
    pahole = ""
    if foreign:
        rt.wrap_tools(kbuild, get())
    rt.supply_resolve_btfids(kbuild)
    if needs_newer_pahole(config, _host_pahole()):
        wrapper = kbuild / "pahole"
        newer = get()
        newer.wrap(newer.root / "usr/bin/pahole", wrapper)
        pahole = str(wrapper)
    (build / ".kernelvariables").write_text(kernel_variables(
        release, pahole, machine, not misaligns(config)))


def _probe_build(build: Path, scratch: Path, release: str) -> None:
    """Build a small module; any warning counts, as it tells of a misfit."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / "probe.c").write_text(_PROBE)
    (scratch / "Kbuild").write_text("obj-m := probe.o\n")
    done = subprocess.run(["make", "-C", str(build), f"M={scratch}", "modules"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, env=kbuild_environment())
    complaints = [line for line in done.stdout.splitlines()
                  if re.search(r"\bwarning: (?!the compiler differs|pahole version differs)|\berror: |\*\*\*", line)]
    module = scratch / "probe.ko"
    if done.returncode or complaints or not module.exists():
        shown = "\n    ".join(complaints or done.stdout.splitlines()[-12:])
        raise ToolError(f"a module cannot be built for {release} here:\n    {shown}",
                        "use another KERNEL, or a compiler nearer to the kernel's")
    if f"vermagic={release} ".encode() not in module.read_bytes():
        raise ToolError(f"a module built for {release} has another vermagic",
                        "remove the cache's kernels directory and try again")
    shutil.rmtree(scratch)


def _place_vmlinux(build: Path, image: Path, machine: Machine) -> Path:
    placed = build / "vmlinux"
    if not placed.exists() and machine.arch != "x86_64":
        raise ToolError(f"the kernel's packages for {machine.arch} hold no vmlinux",
                        "take a newer series, or a lab kernel: KERNEL without stock:")
    if not placed.exists():
        write_whole(placed, vmlinux.extract(image.read_bytes()))
    return placed


def check_devices(build: Path, release: str, machine: Machine) -> None:
    """A guest's verdicts leave through a device whose driver must be built in:
    its initrd has no modules but ours."""
    config = compiler.settings((build / ".config").read_text())
    missing = [name for name in ("VIRTIO_PCI", "VIRTIO_CONSOLE")
               if machine.channel.startswith("/dev/vport") and config.get(name) != "y"]
    if missing:
        raise ToolError(f"{release} has as modules, or not at all, what {machine.arch} guests "
                        f"answer through: {', '.join(missing)}",
                        "take a newer series, or a lab kernel: KERNEL without stock:")


def make_usable(root: Path, series: str, release: str, version: str,
                get_runtime: Callable[[], rt.Runtime], arch: str = "x86_64") -> PreparedKernel:
    """Turn unpacked packages under `root` into a kernel that is ready."""
    build = root / "usr/src" / f"linux-headers-{release}"
    makefile = _one(root, f"usr/src/linux-headers-{release}/Makefile")
    makefile.write_text(relocate(makefile.read_text(), root))
    image = image_in(root)
    kbuild = (build / "scripts").resolve().parent
    machine = machines.find(arch)
    check_devices(build, release, machine)
    changed = compiler.adapt(build, f"{cross_prefix(machine)}gcc")
    if changed:
        print(f"slubtorture: fitted to this compiler: {'; '.join(changed)}", file=sys.stderr)
    _set_tools(build, kbuild, release, machine, get_runtime)
    placed = _place_vmlinux(build, image, machine)
    _probe_build(build, root / "probe", release)
    return PreparedKernel(series, release, version, str(image), str(build), str(placed),
                          str(build / ".config"), machine.arch)
