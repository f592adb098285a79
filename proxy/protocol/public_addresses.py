"""Which addresses of the Internet Protocol are anybody's to reach, and which are this machine's surroundings.

The tables are IANA's registries of special addresses (RFC 6890 and what was added until 2026), written out: the
standard library's own word for it differs from version to version, and lets multicast, mapped and translated addresses
pass.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # behind a carrier's translation; Alibaba's metadata, Tailscale
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host
            "169.254.0.0/16",  # link-local; the metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
"""All that is given out. Outside are loopback, mapped and translated addresses (NAT64), local, site and unique ones,
segment routing and multicast."""
_SPECIAL_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_ISATAP = 0x00005EFE
"""In an interface's identifier: the next four bytes are an address of version 4, to which a router tunnels."""
_UNIVERSAL = 0x02000000

NEAR_BITS = {4: 24, 6: 48}
"""The longest prefix that a site gets for its own networks; a neighbour of version 4 shares the usual subnet."""


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to the public Internet. An address that carries another one inside does not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address not in _UNICAST_V6 or any(address in network for network in _SPECIAL_V6):
        return False
    return int(address) >> 32 & 0xFFFFFFFF & ~_UNIVERSAL != _ISATAP


def is_near(address: Address, own: Address | None) -> bool:
    """Whether ``address`` lies in the network of ``own``, from which it would be asked: public addresses are given to
    printers too."""
    if own is None or own.version != address.version:
        return False
    shift = address.max_prefixlen - NEAR_BITS[address.version]
    return int(address) >> shift == int(own) >> shift
