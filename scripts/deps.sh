#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh run|models|check|module|kernel|matrix|bisect: installs the Debian
# packages that a target lacks, saying which; with DEPS=no it names them and
# stops. Kernels, and tools that a kernel brings along, are left to kernels.py.
# ARCH adds what another architecture's kernels and guests take; CONFIG, PAGE
# and PATCH mean that a kernel is built.
set -euo pipefail

# The same names hold on Debian 12 and 13. gcc only recommends libc6-dev.
BUILD="make gcc g++ libc6-dev binutils dwarves python3"
GUEST="qemu-system-x86 zstd debian-archive-keyring"
TESTS="libgtest-dev python3-pytest mypy"
# The interval of a measured rate takes the beta distribution.
STATISTICS="python3-scipy"
# What writes pictures and other tools' formats, and what reads them back.
SHOWN="python3-matplotlib python3-junit.xml"
SHOWN_TESTS="python3-junitparser python3-jsonschema python3-yaml"
# Runs on several machines. The tests' own hosts are reached through dropbear,
# because the package openssh-server starts a server that listens.
SPREAD="parallel openssh-client"
HOSTS_OF_TESTS="dropbear-bin util-linux"
KERNEL_BUILD="flex bison bc ccache patch xz-utils perl libelf-dev libssl-dev"

die() {
    echo "slubtorture: $1" >&2
    echo "  $2" >&2
    exit 2
}

# Debian 13 has packages of their own for what qemu-system-misc had before.
misc() {
    local version
    version=$(sed -n 's/^VERSION_ID="\?\([0-9]*\).*/\1/p' /etc/os-release)
    if [[ ${version:-13} -lt 13 ]]; then echo qemu-system-misc; else echo "$1"; fi
}

# Cross compilers and the guest of an architecture, as qemu/machines names them.
foreign() {
    local cross libc qemu
    case ${1-} in
        ppc64*| powerpc*) cross=powerpc64le libc=ppc64el qemu=qemu-system-ppc ;;
        aarch64 | arm64) cross=aarch64 libc=arm64 qemu="qemu-system-arm qemu-efi-aarch64" ;;
        s390*) cross=s390x libc=s390x qemu=$(misc qemu-system-s390x) ;;
        riscv*) cross=riscv64 libc=riscv64 qemu="$(misc qemu-system-riscv) opensbi" ;;
        *) return 0 ;; # this one's own, or none: the programs say so
    esac
    echo "gcc-$cross-linux-gnu g++-$cross-linux-gnu libc6-dev-$libc-cross $qemu"
}

# The running kernel's headers, unless another kernel tree is named.
headers() {
    local own
    own=/lib/modules/$(uname -r)/build
    if [[ ${KDIR:-$own} == "$own" && ! -e $own ]]; then
        echo "linux-headers-$(uname -r)"
    fi
}

# Another kernel than the running one, or KDIR's, is fetched or built.
another() {
    [[ "${KERNEL-}${ARCH-}${PAGE-}${CONFIG-}${PATCH-}" ]] || return 1
    echo "zstd debian-archive-keyring $(foreign "${ARCH-}")"
}

case ${1-} in
    run) wanted="$BUILD $GUEST $(foreign "${ARCH-}")" ;;
    models) wanted="$BUILD $GUEST xz-utils $(foreign "${ARCH-}")" ;;
    check) wanted="$BUILD $GUEST $TESTS $STATISTICS $SHOWN $SHOWN_TESTS $KERNEL_BUILD git $SPREAD $HOSTS_OF_TESTS $(foreign ppc64le)" ;;
    module) wanted="$BUILD $(another || headers)" ;;
    junit) wanted="python3 python3-junit.xml" ;;
    kcidb) wanted="python3${KCIDB_SCHEMA:+ python3-jsonschema}" ;;
    lava) wanted="$BUILD zstd debian-archive-keyring $(foreign "${ARCH-}") python3-yaml" ;;
    kernel) wanted="$BUILD $GUEST $KERNEL_BUILD $(foreign "${ARCH-}")" ;;
    matrix) wanted="$BUILD $GUEST $KERNEL_BUILD python3-matplotlib $(foreign "${ARCH-}")" ;;
    bisect) wanted="$BUILD $GUEST $KERNEL_BUILD $SPREAD $STATISTICS python3-matplotlib git $(foreign "${ARCH-}")" ;;
    *) die "deps.sh: FOR=${1-} is none of run, models, check, module, kernel, matrix, bisect, junit, kcidb, lava" "e.g. make deps FOR=check" ;;
esac
# Whether KERNEL names a source that must be built.
source_given() {
    local kernel=${KERNEL:-/nowhere}
    kernel=${kernel/#\~\//${HOME-}/} # not every shell knows ~ behind KERNEL=
    [[ $kernel == *@* || -f $kernel || (-e $kernel/Kconfig && ! -e $kernel/vmlinux) ]]
}
if [[ " run models module lava " == *" $1 "* ]] && { [[ "${CONFIG-}${PATCH-}${PAGE-}${ARCH-}" ]] || source_given; }; then
    wanted+=" $KERNEL_BUILD"
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this is not a Debian machine: packages cannot be looked up" \
        "have these installed, then run scripts/ by hand: $wanted"
fi

# shellcheck disable=SC2086 # one word for each package
known=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null || true)
installed=" $(sed -n 's/^[ih]i *//p' <<<"$known" | tr '\n' ' ')"
missing=
for package in $wanted; do
    [[ $installed == *" $package "* ]] || missing+=" $package"
done
[[ $missing ]] || exit 0

[[ ${DEPS-} != no ]] || die "packages are missing:$missing" \
    "apt-get install --no-install-recommends$missing"
echo "slubtorture: installing$missing (15 s to 3 min)" >&2

as_root=
if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || die "packages are missing:$missing" \
        "there is no sudo here: as root, run apt-get install --no-install-recommends$missing"
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o APT::Update::Error-Mode=any \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Use-Pty=0 "$@" 2>&1 </dev/null
}
install() {
    # shellcheck disable=SC2086 # one word for each package
    apt install -y --no-install-recommends $missing
}
update() {
    local said
    if ! said=$(apt update); then
        grep -m 3 '^[EW]:' <<<"$said" >&2 || tail -n 5 <<<"$said" >&2
        # Lists that are there may do, when one of many sources is out of reach.
        echo "slubtorture: warning: apt-get update failed; trying the lists there are" >&2
    fi
}

begin=$SECONDS
fresh=no
if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
    update
    fresh=yes
fi
# Lists of an earlier day name versions that the archive has no longer.
if ! said=$(install) && { [[ $fresh == yes ]] || ! { update; said=$(install); }; }; then
    grep -m 3 '^[EW]:' <<<"$said" >&2 || tail -n 5 <<<"$said" >&2
    hint="is the archive reachable, and /etc/apt right? then: apt-get install$missing"
    [[ $missing != *" linux-headers-"* ]] || hint="is the running kernel one of Debian's? else name \
the directory that it was built in, KDIR=DIR, or a kernel to build for, e.g. KERNEL=7.2"
    die "these packages could not be installed:$missing" "$hint"
fi
echo "slubtorture: installed in $((SECONDS - begin)) s" >&2
