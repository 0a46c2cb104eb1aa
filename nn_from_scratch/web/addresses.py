"""The addresses under which a browser can find this machine, as far as the machine itself can tell.

They are printed, so that nobody has to look them up, and the server answers no others. Otherwise a stranger could let a
name of their own point here, and read our page under that name (DNS rebinding).
"""

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Reserved for documentation: no machine has these addresses, and nothing is sent to them. But to find a route to one,
# the system chooses an interface, and tells us the interface's address.
SOMEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
GET_ADDRESS = 0x8915  # SIOCGIFADDR of Linux


def is_loopback(host: str) -> bool:
    """Whether the host is this machine only. IPv6 may also carry an IPv4 address: ::ffff:127.0.0.1"""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def hosts(listening: str) -> list[str]:
    """The names and addresses under which others find this server, as a browser writes them; the likeliest first.

    None if the server listens to this machine only.
    """
    if is_loopback(listening):
        return []
    if not is_everywhere(listening):
        return [bracketed(listening)]
    found = list(dict.fromkeys(_own_addresses()))
    usable = [one for one in found if listening == "::" or ":" not in one]
    return [*map(bracketed, usable), *_own_names(found)]


def trusted(listening: str) -> list[str]:
    """All of `hosts`, and those under which the machine finds itself."""
    own = LOOPBACK if is_loopback(listening) or is_everywhere(listening) else []
    return list(dict.fromkeys([*own, bracketed(listening).lower(), *hosts(listening)]))


def _own_addresses() -> Iterator[str]:
    """The addresses of this machine's interfaces; first that of the default route."""
    for family, address in SOMEWHERE.items():
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))
            yield from _useful(asking.getsockname()[0])
    with suppress(OSError):
        for *_, place in socket.getaddrinfo(socket.gethostname(), None):
            yield from _useful(str(place[0]))
    if sys.platform == "linux":
        yield from _addresses_on_linux()


def _addresses_on_linux() -> Iterator[str]:
    """The addresses of every interface, also of those without a name or a route."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, interface in socket.if_nameindex():
            with suppress(OSError):  # the interface has no address
                answer = fcntl.ioctl(asking, GET_ADDRESS, struct.pack("256s", interface.encode()[:15]))
                yield from _useful(socket.inet_ntoa(answer[20:24]))
    with suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text(encoding="utf-8").splitlines():
            yield from _useful(str(ipaddress.ip_address(bytes.fromhex(line.split()[0]))))


def _useful(address: str) -> Iterator[str]:
    """The address, unless it is a loopback address, or a link-local one of IPv6, which browsers don't accept."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not (found.is_loopback or found.is_unspecified or (found.version == 6 and found.is_link_local)):
        yield str(found)


def _own_names(own: list[str]) -> Iterator[str]:
    """Names that lead to this machine, at least from here."""
    for name in dict.fromkeys([socket.gethostname().lower(), socket.getfqdn().lower()]):
        with suppress(OSError, UnicodeError):
            places = {str(place[0]) for *_, place in socket.getaddrinfo(name, None)}
            if name not in LOOPBACK and (places & set(own) or any(map(is_loopback, places))):
                yield name
