"""Which addresses belong to everybody: by the registries, and by what cannot be smuggled past them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.public_addresses import is_near, is_public

V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)
PUBLIC_V4 = V4.filter(is_public)
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700::1", "2a00::1"],
)
def test_addresses_of_the_web_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::93.184.216.34",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:7f00:1",
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@given(V4)
def test_the_standard_library_calls_no_address_of_version_4_private_that_is_public_here(address: IPv4Address) -> None:
    assert not is_public(address) or (address.is_global and not address.is_multicast)


@given(V6)
def test_an_address_of_version_6_is_public_only_where_such_are_given_out(address: IPv6Address) -> None:
    assert not is_public(address) or (address in IPv6Network("2000::/3") and address.is_global)


@given(V4)
def test_no_address_of_version_4_is_public_inside_one_of_version_6(inner: IPv4Address) -> None:
    number = int(inner)
    carriers = [number, 0xFFFF << 32 | number, 0xFFFF << 48 | number, 0x2002 << 112 | number << 80]
    carriers += [int(network.network_address) | number for network in NAT64]
    carriers += [0x2001 << 112 | number << 64, 0x2606 << 112 | 0x5EFE << 32 | number]
    assert not any(is_public(IPv6Address(carrier)) for carrier in carriers)


@given(PUBLIC_V4, st.integers(0, 255))
def test_what_shares_a_subnet_is_near(own: IPv4Address, last: int) -> None:
    network = IPv4Network((int(own) & ~255, 24))
    assert is_near(network[last], own)
    assert not is_near(IPv4Address(int(own) ^ 1 << 8), own)


@given(V6, st.integers(0, 2**80 - 1))
def test_what_shares_a_site_is_near(own: IPv6Address, rest: int) -> None:
    assert is_near(IPv6Address(int(own) >> 80 << 80 | rest), own)
    assert not is_near(IPv6Address(int(own) ^ 1 << 80), own)


@given(V4, V6)
def test_nothing_is_near_to_nobody_or_to_another_version(four: IPv4Address, six: IPv6Address) -> None:
    assert not is_near(four, None)
    assert not is_near(four, six)
    assert not is_near(six, four)
