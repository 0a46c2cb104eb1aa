"""Under which addresses a browser finds this machine, as far as the machine can know that itself.

They are printed, so that nobody has to look them up, and they are the only ones that are answered: a page under any
other name, which its owner lets point here (DNS rebinding), is none of ours.
"""

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Reserved for documentation: nobody has them, and nothing is sent there. To choose the way to one, the system chooses
# an interface, and tells its address.
SOMEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
GET_ADDRESS = 0x8915  # SIOCGIFADDR of Linux


def is_loopback(host: str) -> bool:
    """Whether it is this machine only. An address of IPv4 may come in the clothes of IPv6."""
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
    """The names and addresses under which others find what listens here, as a browser writes them; the likeliest first.

    None where it listens to this machine only.
    """
    if is_loopback(listening):
        return []
    if not is_everywhere(listening):
        return [bracketed(listening)]
    found = list(dict.fromkeys(_own_addresses()))
    usable = [one for one in found if listening == "::" or ":" not in one]
    return [*map(bracketed, usable), *_own_names(found)]


def trusted(listening: str) -> list[str]:
    """All of them, and those under which the machine finds itself."""
    own = LOOPBACK if is_loopback(listening) or is_everywhere(listening) else []
    return list(dict.fromkeys([*own, bracketed(listening).lower(), *hosts(listening)]))


def _own_addresses() -> Iterator[str]:
    """Of this machine's interfaces: first the one that is used for the way out."""
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
    """Of every interface, also of those that no name leads to and no way goes out of."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, interface in socket.if_nameindex():
            with suppress(OSError):  # it has none
                answer = fcntl.ioctl(asking, GET_ADDRESS, struct.pack("256s", interface.encode()[:15]))
                yield from _useful(socket.inet_ntoa(answer[20:24]))
    with suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text(encoding="utf-8").splitlines():
            yield from _useful(str(ipaddress.ip_address(bytes.fromhex(line.split()[0]))))


def _useful(address: str) -> Iterator[str]:
    """The address, unless it is this machine's own, or one that only holds on one cable, which no browser takes."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not (found.is_loopback or found.is_unspecified or (found.version == 6 and found.is_link_local)):
        yield str(found)


def _own_names(own: list[str]) -> Iterator[str]:
    """Names of this machine that lead to it, at least from here."""
    for name in dict.fromkeys([socket.gethostname().lower(), socket.getfqdn().lower()]):
        with suppress(OSError, UnicodeError):
            places = {str(place[0]) for *_, place in socket.getaddrinfo(name, None)}
            if name not in LOOPBACK and (places & set(own) or any(map(is_loopback, places))):
                yield name
