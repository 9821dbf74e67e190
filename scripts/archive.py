# SPDX-License-Identifier: GPL-2.0
"""The Debian archive, all suites of it, read with apt's own client on a state
of its own: the machine's sources and lists are neither used nor changed.

Mirrors are the ones this machine is set up with; signatures are checked as
apt does it. Which packages are wanted is for series.py and kernels.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from errors import GONE, ToolError
from options import cache_dir
from qemu.store import locked, write_whole
from series import Package, parse_packages
from watch import run_watched

MAIN_SUITES = ("bookworm", "bookworm-backports", "trixie", "trixie-backports",
               "forky", "sid", "experimental")
# The architecture of this computer; tools that run here are of it.
NATIVE = "amd64"
# Where images outlive the packages to build modules with, their source is, too.
SOURCE_SUITES = ("bookworm-backports", "trixie-backports")
SECURITY_SUITES = ("bullseye-security", "bookworm-security", "trixie-security")
_DEBIAN = re.compile(r"(oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky)"
                     r"(-security|/updates|-updates|-backports)?$")
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp",
            "/usr/share/keyrings/debian-archive-keyring.gpg")
LISTS_FRESH_S = 12 * 3600
# When a suite was out of reach it is asked for again sooner.
PARTLY_FRESH_S = 1800
# Unpacked, all suites; they are fetched as a fifth of that.
_LISTS_BYTES = 235_000_000
_SOURCES_BYTES = 6_000_000
# A kernel's source, packed.
_TARBALL_BYTES = 160_000_000
_NO_NET = "check the network and the machine's apt sources (does apt-get update work?)"

# Lists that nobody renews may hide newer, mended packages: that they are good
# enough is for the machine's owner to say.
_SNAPSHOT = ("a mirror that is a snapshot is used where apt is told that its lists do not expire: "
             "Acquire::Check-Valid-Until \"false\"; in /etc/apt/apt.conf.d")

# Hooks and index targets of the machine (translations, AppStream) are not for
# these lists; a proxy or other transport setting of the machine stays in force.
_CONF = """\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear Dir::Cache::pkgcache;
#clear Dir::Cache::srcpkgcache;
#clear APT::Architectures;
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Architecture "NATIVE";
APT::Architectures { "NATIVE"; };
APT::Sandbox::User "";
APT::Get::List-Cleanup "true";
Dir::Etc::SourceList "STATE/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::status "STATE/status";
Dir::State::Lists "STATE/lists";
Dir::Cache "STATE/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
"""


class SourceGone(ToolError):
    """The archive's lists name a source that its mirror does not have."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, GONE)


@dataclass(frozen=True)
class Mirrors:
    """Where this machine gets Debian from, without a closing slash."""

    main: str
    security: str


def mirrors_from(targets: str) -> Mirrors | None:
    """Mirrors from lines "URI SUITE", or None when no Debian is among them."""
    main = security = ""
    for line in targets.splitlines():
        uri, _, suite = line.strip().partition(" ")
        match = _DEBIAN.match(suite)
        if match and match[2] in ("-security", "/updates"):
            security = security or uri.rstrip("/")
        elif match:
            main = main or uri.rstrip("/")
    if not main:
        return None
    return Mirrors(main, security or f"{main}-security")


def sources_list(mirrors: Mirrors, keyring: str, sources: bool = False) -> str:
    """One line a suite; without a keyring apt's trusted keys are used."""
    option = f"[signed-by={keyring}] " if keyring else ""
    if sources:
        return "".join(f"deb-src {option}{mirrors.main} {suite} main\n"
                       for suite in SOURCE_SUITES)
    lines = [f"deb {option}{mirrors.main} {suite} main" for suite in MAIN_SUITES]
    lines += [f"deb {option}{mirrors.security} {suite} main" for suite in SECURITY_SUITES]
    return "\n".join(lines) + "\n"


def unreachable(apt_said: str) -> dict[str, str]:
    """Suites that apt-get update could not use, and what it said of each."""
    missed: dict[str, str] = {}
    for line in apt_said.splitlines():
        match = re.match(r"[EW]: (.*?/dists/|.*?\S+ )([\w/-]+?)(/InRelease|/Release| \w*Release)\b",
                         line)
        if match:
            missed.setdefault(match[2], re.sub(r"^[EW]: ", "", line)[:200])
    return missed


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def machine_mirrors() -> Mirrors:
    """Mirrors of the machine's own apt sources, in either of their formats."""
    if not shutil.which("apt-get"):
        raise ToolError("stock kernels are fetched with apt, which this machine has not",
                        "use a Debian machine, or set KERNEL to a built kernel tree")
    done = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)",
                 "Created-By: Packages"])
    mirrors = mirrors_from(done.stdout)
    if mirrors is None:
        raise ToolError("the machine's apt sources name no Debian mirror",
                        "add one to /etc/apt/sources.list.d, or set KERNEL to a built kernel tree")
    return mirrors


@dataclass(frozen=True)
class Archive:
    """The private state under `state`; of source packages, if it says so, or of
    another architecture, by Debian's name of it."""

    state: Path
    sources: bool = False
    architecture: str = NATIVE

    def _apt(self, tool: str, *arguments: str) -> list[str]:
        return [tool, "-c", str(self.state / "apt.conf"), *arguments]

    def _set_up(self) -> None:
        for part in ("lists/partial", "cache/archives/partial"):
            (self.state / part).mkdir(parents=True, exist_ok=True)
        keyring = next((path for path in KEYRINGS if Path(path).exists()), "")
        write_whole(self.state / "status", b"")
        conf = _CONF.replace("STATE", str(self.state)).replace("NATIVE", self.architecture)
        write_whole(self.state / "apt.conf", conf.encode())
        write_whole(self.state / "sources.list",
                    sources_list(machine_mirrors(), keyring, self.sources).encode())

    def _fresh(self) -> bool:
        stamp = self.state / "updated"
        try:
            age_s = time.time() - stamp.stat().st_mtime
            most_s = PARTLY_FRESH_S if stamp.read_bytes() else LISTS_FRESH_S
        except OSError:
            return False
        return 0 <= age_s < most_s

    def refresh(self) -> None:
        """Get the package lists if they are not fresh. Suites that cannot be
        used are warned about; none at all is an error."""
        with locked(self.state / ".lock"):
            if self._fresh():
                return
            what = (f"lists of sources ({_SOURCES_BYTES / 1e6:.0f} MB unpacked)" if self.sources
                    else "package lists (about 43 MB to fetch, 235 MB unpacked)")
            print(f"slubtorture: reading the archive's {what}", file=sys.stderr, flush=True)
            self._set_up()
            done = run_watched(self._apt("apt-get", "update", "-q"), self.state,
                               self.state / "lists",
                               _SOURCES_BYTES if self.sources else _LISTS_BYTES)
            missed = unreachable(done.said)
            kind = "Sources" if self.sources else "Packages"
            if not any((self.state / "lists").glob(f"*_{kind}*")):
                why = next(iter(missed.values()), done.said.strip()[-200:])
                raise ToolError(f"the Debian archive cannot be reached: {why}", _NO_NET)
            for suite, said in missed.items():
                print(f"slubtorture: warning: {suite} is not used: {said}", file=sys.stderr)
            if any("expired" in said for said in missed.values()):
                print(f"  {_SNAPSHOT}", file=sys.stderr, flush=True)
            write_whole(self.state / "updated", " ".join(missed).encode())

    def names(self, prefix: str) -> list[str]:
        return _run(self._apt("apt-cache", "pkgnames", prefix)).stdout.split()

    def show(self, names: Iterable[str], every_version: bool = True) -> list[Package]:
        """All versions of packages, or those apt would install."""
        wanted = sorted(set(names))
        if not wanted:
            return []
        which = "--all-versions" if every_version else "--no-all-versions"
        return parse_packages(_run(self._apt("apt-cache", "show", which, *wanted)).stdout)

    def download(self, packages: Iterable[Package], into: Path) -> list[Path]:
        """Fetch packages, checked by apt against the signed lists."""
        wanted = list(packages)
        size = sum(package.size for package in wanted)
        print(f"slubtorture: downloading {len(wanted)} packages, {size / 1e6:.1f} MB",
              file=sys.stderr, flush=True)
        into.mkdir(parents=True, exist_ok=True)
        command = self._apt("apt-get", "download", "-q", *(p.pinned for p in wanted))
        done = run_watched(command, into, into, size)
        debs = sorted(into.glob("*.deb"))
        if done.status or len(debs) != len(wanted):
            complaints = [line for line in done.said.splitlines() if line.startswith("E:")]
            last = (complaints or ["apt-get download did not fetch all packages"])[-1]
            raise ToolError(f"a download failed: {last}", _NO_NET)
        return debs

    def download_source(self, name: str, version: str, into: Path) -> Path:
        """Fetch the upstream tarball of a source package, checked likewise."""
        self.refresh()
        print(f"slubtorture: downloading the source of {name} {version}, about "
              f"{_TARBALL_BYTES / 1e6:.0f} MB", file=sys.stderr, flush=True)
        into.mkdir(parents=True, exist_ok=True)
        command = self._apt("apt-get", "source", "--download-only", "--tar-only", "-q",
                            f"{name}={version}")
        done = run_watched(command, into, into, _TARBALL_BYTES)
        tarballs = sorted(into.glob("*.orig.tar.*"))
        if done.status or len(tarballs) != 1:
            complaints = [line for line in done.said.splitlines() if line.startswith("E:")]
            raise SourceGone(f"the source of {name} {version} cannot be had: "
                            + (complaints or ["apt-get source fetched nothing"])[0], _NO_NET)
        return tarballs[0]

    @property
    def tools(self) -> Archive:
        """The state with programs that run on this computer."""
        return self if self.architecture == NATIVE else Archive(self.state.with_name("apt"))

    def missed(self) -> list[str]:
        """Suites that could not be used when the lists were last read."""
        try:
            return (self.state / "updated").read_text().split()
        except OSError:
            return []

    def forget(self) -> None:
        """Have the lists read again by the next refresh."""
        (self.state / "updated").unlink(missing_ok=True)
