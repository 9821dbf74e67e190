# SPDX-License-Identifier: GPL-2.0
"""s390x: big-endian, without NUMA; a truncated field reads differently here.

The service element's terminal is the console; verdicts leave through a virtio
port.
"""

from __future__ import annotations

from qemu.machine import Machine, Nodes

MACHINE = Machine(
    arch="s390x",
    qemu="qemu-system-s390x",
    package="qemu-system-misc",
    machine="s390-ccw-virtio",
    cpu_emulated="max",
    console="ttysclp0",
    channel="/dev/vport0p1",
    console_device=("-device", "sclpconsole,chardev={con}"),
    channel_device=("-device", "virtio-serial-ccw", "-device", "virtserialport,chardev={out}"),
    cmdline=("loglevel=6", "oops=panic", "panic=-1"),
    kernel_arch="s390",
    source_arch="s390",
    image="arch/s390/boot/bzImage",
    image_target="bzImage",
    cross="s390x-linux-gnu-",
    pages_kib=(4,),
    aliases=("s390",),
    nodes=Nodes.NONE,
    why_fixed="Linux has no NUMA on s390x",
    stores_in_order=True,
    qemu_least=(7, 2),
    config="""\
CONFIG_MARCH_Z13=y
CONFIG_CCW=y
CONFIG_TN3270=n
CONFIG_SCLP_TTY=y
CONFIG_SCLP_CONSOLE=y
CONFIG_SCLP_VT220_TTY=y
CONFIG_SCLP_VT220_CONSOLE=y
CONFIG_VIRTIO_MENU=y
CONFIG_VIRTIO_CONSOLE=y
CONFIG_S390_GUEST=y
CONFIG_KPROBES=y
""",
)
