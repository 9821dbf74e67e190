# SPDX-License-Identifier: GPL-2.0
"""Which stock kernel a series stands for, from the text of package stanzas;
and the order of version numbers behind it.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest

import series as ser
from debversion import sort_key
from errors import ToolError

ORDERED = ["6.1.9-1", "6.1.176-1~deb11u1", "6.1.176-1", "7.2.12-1~bpo13+1", "7.2.12-1",
           "7.2.13-1", "7.3~rc7-1~exp1", "7.3-1", "7.3.4-1~bpo13+1", "1:1.0-1"]


def stanza(name: str, version: str, depends: str = "", size: int = 10) -> str:
    return (f"Package: {name}\nVersion: {version}\nSize: {size}\n"
            + (f"Depends: {depends}\n" if depends else "")
            + "Description: a package\n long text: that looks like a field\n\n")


def kernel_text(release: str, version: str, image: str = "binary", kbuild: str = "") -> str:
    kbuild = kbuild or f"linux-kbuild-{release}"
    common = f"linux-headers-{release}-common"
    full = f"{release}-cloud-amd64"
    return (stanza(f"linux-headers-{full}", version,
                   f"gcc-14-for-host, {common} (= {version}), {kbuild}, "
                   f"linux-image-{full} (= {version}) | linux-image-{full}-unsigned")
            + stanza(common, version) + stanza(kbuild, version)
            + stanza(f"linux-{image}-{full}", version))


OFFER = (kernel_text("7.2.12+deb13", "7.2.12-1~bpo13+1") + kernel_text("7.2.13+deb14", "7.2.13-1")
         + kernel_text("6.1.0-50", "6.1.176-1", "image", "linux-kbuild-6.1")
         + kernel_text("6.1.0-56", "6.1.192-2", "image", "linux-kbuild-6.1")
         + kernel_text("7.3-rc7", "7.3~rc7-1~exp1")
         + stanza("linux-headers-6.1-cloud-amd64", "6.1.200-1", "linux-headers-6.1.0-60-cloud-amd64"))


def kernels(text: str = OFFER) -> list[ser.StockKernel]:
    return ser.stock_kernels(ser.parse_packages(text))


def test_the_newest_of_a_series_is_taken() -> None:
    assert ser.choose(kernels(), "7.2").release == "7.2.13+deb14-cloud-amd64"
    chosen = ser.choose(kernels(), "6.1")
    assert chosen.release == "6.1.0-56-cloud-amd64"
    assert chosen.image.pinned == "linux-image-6.1.0-56-cloud-amd64=6.1.192-2"
    assert chosen.kbuild and chosen.kbuild.pinned == "linux-kbuild-6.1=6.1.192-2"


def test_the_default_is_the_newest_series_that_is_out() -> None:
    assert ser.choose(kernels(), "").series == "7.2"
    assert ser.choose(kernels(OFFER + kernel_text("7.3.4", "7.3.4-1")), "").series == "7.3"


def test_a_candidate_is_taken_when_named() -> None:
    assert ser.choose(kernels(), "7.3").version == "7.3~rc7-1~exp1"


def test_series_sort_as_numbers() -> None:
    text = OFFER + kernel_text("6.12.1", "6.12.1-1") + kernel_text("6.9.1", "6.9.1-1")
    assert ser.series_offered(kernels(text)) == ["7.3", "7.2", "6.12", "6.9", "6.1"]


@pytest.mark.parametrize("name", ["9.9", "7"])
def test_an_unknown_series_lists_what_there_is(name: str) -> None:
    with pytest.raises(ToolError, match=name) as caught:
        ser.choose(kernels(), name)
    assert "7.3, 7.2, 6.1" in caught.value.hint


def test_nothing_offered_is_said() -> None:
    with pytest.raises(ToolError) as caught:
        ser.choose([], "")
    assert "none" in caught.value.hint


@pytest.mark.parametrize("lost", ["linux-kbuild-7.2.13+deb14", "linux-headers-7.2.13+deb14-common",
                                  "linux-binary-7.2.13+deb14-cloud-amd64"])
def test_a_kernel_that_lacks_a_package_is_not_offered(lost: str) -> None:
    text = OFFER.replace(f"Package: {lost}\n", "Package: other\n")
    assert ser.choose(kernels(text), "7.2").version == "7.2.12-1~bpo13+1"


def test_depends_are_read() -> None:
    assert ser.parse_depends("libc6 (>= 2.38), a:any | b, zlib1g (= 1:1.3-4)") == (
        ser.Depend("libc6", ">=", "2.38"), ser.Depend("a"), ser.Depend("zlib1g", "=", "1:1.3-4"))


def test_a_broken_stanza_is_passed_over() -> None:
    assert ser.parse_packages("Package: x\n\nVersion: 1\n\ngarbage\n") == []


def test_versions_are_ordered() -> None:
    assert sorted(reversed(ORDERED), key=sort_key) == ORDERED


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is what this is compared with")
def test_versions_are_ordered_as_dpkg_does() -> None:
    odd = ["1.0", "1.0~", "1.0-0", "1.0a", "1.0+b1", "1.0.1", "0:1.0", "1.0~~", "1.00", "1.0-1~a"]
    for left, right in itertools.combinations(odd, 2):
        less = subprocess.run(["dpkg", "--compare-versions", left, "lt", right],
                              check=False).returncode == 0
        more = subprocess.run(["dpkg", "--compare-versions", left, "gt", right],
                              check=False).returncode == 0
        assert (sort_key(left) < sort_key(right), sort_key(left) > sort_key(right)) == (
            less, more), (left, right)


def test_headers_of_a_flavour_may_have_a_common_package_of_their_own() -> None:
    text = kernel_text("6.12.1", "6.12.1-1").replace("cloud-amd64", "rt-amd64").replace(
        "6.12.1-common", "6.12.1-common-rt")
    found = ser.choose(kernels(text), "rt:6.12")
    assert found.common and found.common.name == "linux-headers-6.12.1-common-rt"
