#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh run|check|module: installs the Debian packages that a target lacks,
# saying which; with DEPS=no it names them and stops. Kernels, and tools that
# a kernel brings along, are left to kernels.py; programs' own checks to them.
set -euo pipefail

# The same names hold on Debian 12 and 13. No pahole here: the one that fits
# comes with the kernel's other tools.
BUILD="make gcc g++ libc6-dev python3"
GUEST="qemu-system-x86 zstd debian-archive-keyring"
TESTS="libgtest-dev python3-pytest mypy"

die() {
    echo "slubtorture: $1" >&2
    echo "  $2" >&2
    exit 2
}

case ${1-} in
    run) wanted="$BUILD $GUEST" ;;
    check) wanted="$BUILD $GUEST $TESTS" ;;
    module) wanted=$BUILD ;;
    *) die "deps.sh: FOR=${1-} is none of run, check, module" "e.g. make deps FOR=check" ;;
esac

command -v dpkg-query >/dev/null || die "this is not a Debian machine: packages cannot be looked up" \
    "have these installed, then run scripts/ by hand: $wanted"

# shellcheck disable=SC2086 # one word for each package
known=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $wanted 2>/dev/null || true)
installed=" $(sed -n 's/^ii *//p' <<<"$known" | tr '\n' ' ')"
missing=
for package in $wanted; do
    [[ $installed == *" $package "* ]] || missing+=" $package"
done
[[ $missing ]] || exit 0

[[ ${DEPS-} != no ]] || die "packages are missing:$missing" "apt-get install$missing"
echo "slubtorture: installing$missing" >&2

as_root=
if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || die "packages are missing:$missing" \
        "there is no sudo here: as root, run apt-get install$missing"
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o APT::Update::Error-Mode=any \
        -o Acquire::Retries=2 -o DPkg::Lock::Timeout=120 "$@" 2>&1 </dev/null
}
reason() {
    grep -m 3 '^[EW]:' <<<"$1" >&2 || tail -n 5 <<<"$1" >&2
}

begin=$SECONDS
if ! said=$(apt update); then
    reason "$said"
    # Lists that are there may do, when one of many sources is out of reach.
    echo "slubtorture: warning: apt-get update failed; trying the lists there are" >&2
fi
# shellcheck disable=SC2086 # one word for each package
if ! said=$(apt install -y --no-install-recommends $missing); then
    reason "$said"
    die "these packages could not be installed:$missing" \
        "is the archive reachable, and /etc/apt right? then: apt-get install$missing"
fi
echo "slubtorture: installed in $((SECONDS - begin)) s" >&2
