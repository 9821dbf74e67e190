# SPDX-License-Identifier: GPL-2.0
"""Hosts that belong to a test: each is a set of namespaces (processes, mounts,
network) with a home of its own, reached by ssh through a server that is started
for each session, speaks on its standard input, and listens nowhere. A host is
taken away by killing the first process of its namespace, as a power cut would.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = ("unshare", "nsenter", "dropbear", "dropbearkey", "ssh", "ssh-keygen")
_READY = 'mount --bind "$1" /etc/passwd && echo ready && exec sleep 86400'


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str:
    """Why this machine can have no such hosts, or ""."""
    lacks = [name for name in _PROGRAMS if not shutil.which(name, path=_path())]
    if lacks:
        return f"{', '.join(lacks)} missing (make deps FOR=check)"
    if os.geteuid():
        return "it takes root: an ssh server sets its user's groups"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc",
                            "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()}"


@dataclass
class OwnHost:
    """One host; `init` is the first process in it, as it is known outside."""

    name: str
    home: Path
    process: subprocess.Popen[str]
    init: int

    @property
    def shelf(self) -> Path:
        return self.home / ".cache/slubtorture/bundles"

    def pids(self) -> list[int]:
        """All that runs there, as it is known outside; not what has ended, which
        nobody there asks after."""
        mine = os.readlink(f"/proc/{self.init}/ns/pid")
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and os.readlink(path / "ns/pid") == mine:
                    found.append(int(path.name))
            except OSError:
                continue
        return found

    def take_away(self) -> None:
        os.kill(self.init, signal.SIGKILL)
        self.process.wait()


def _started(name: str, place: Path) -> OwnHost:
    home = place / name
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    shutil.copy(place / "key.pub", home / ".ssh/authorized_keys")
    passwd = place / f"passwd-{name}"
    passwd.write_text(f"root:x:0:0:root:{home}:/bin/sh\n")
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc",
         "sh", "-c", _READY, "sh", str(passwd)], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL)
    assert process.stdout and process.stdout.readline() == "ready\n"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return OwnHost(name, home, process, int(children[0]))


def _ssh_config(place: Path, hosts: list[OwnHost]) -> str:
    dropbear = shutil.which("dropbear", path=_path())
    entries = [f"Host {host.name}\n  ProxyUseFdpass yes\n"
               f"  ProxyCommand {sys.executable} {__file__} nsenter --target {host.init} --mount "
               f"--pid --net {dropbear} -i -s -r {place}/hostkey\n"
               for host in hosts]
    common = (f"Host *\n  User root\n  IdentityFile {place}/key\n  IdentitiesOnly yes\n"
              f"  UserKnownHostsFile {place}/known\n  GlobalKnownHostsFile /dev/null\n"
              "  StrictHostKeyChecking no\n  LogLevel ERROR\n")
    return "".join(entries) + common


@dataclass
class OwnHosts:
    """Hosts by name, and the ssh command that reaches them."""

    hosts: dict[str, OwnHost]
    ssh: str

    def __getitem__(self, name: str) -> OwnHost:
        return self.hosts[name]


@contextmanager
def own_hosts(place: Path, *names: str) -> Iterator[OwnHosts]:
    """`place` must be empty; no part of its path writable by others."""
    place.mkdir(mode=0o755)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / "key")],
                   check=True)
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(place / "hostkey")], check=True,
                   capture_output=True, env=dict(os.environ, PATH=_path()))
    hosts = [_started(name, place) for name in names]
    try:
        (place / "config").write_text(_ssh_config(place, hosts))
        yield OwnHosts({host.name: host for host in hosts}, f"ssh -F {place}/config")
    finally:
        for host in hosts:
            if host.process.poll() is None:
                host.take_away()


def connect(server: list[str]) -> None:
    """Start a server on one end of a pair of sockets, which it wants to have
    for its input, and hand the other end to the ssh client."""
    ours, its = socket.socketpair()
    subprocess.Popen(server, stdin=its.fileno(), stdout=its.fileno(),
                     stderr=subprocess.DEVNULL, start_new_session=True)
    with socket.socket(fileno=os.dup(1)) as client:
        socket.send_fds(client, [b"\0"], [ours.fileno()])


def wait_until(condition: object, seconds: float = 120.0) -> bool:
    """Whether a callable became true in time."""
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    connect(sys.argv[1:])
