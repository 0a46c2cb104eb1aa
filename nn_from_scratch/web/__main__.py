"""Watch a network learn, in a browser."""

import argparse
import ipaddress
import os
import shlex
import socket
import sys
import threading
import webbrowser
from pathlib import Path

from nn_from_scratch import command_line
from nn_from_scratch.command_line import whole_number
from nn_from_scratch.errors import BadInput
from nn_from_scratch.web import limits, pyodide_files

EXAMPLES = """\
  python -m nn_from_scratch.web
  python -m nn_from_scratch.web --preset 784-128-64-10 --seed 3
  python -m nn_from_scratch.web --data digits --port 8080 --no-browser
  python -m nn_from_scratch.web --static site"""
DEFAULT_PORT = 8000
MORE_PORTS = 20  # tried after the default one


def parse_arguments() -> argparse.Namespace:
    parser = command_line.Parser(__doc__, EXAMPLES)
    command_line.add_data_option(parser)
    parser.add_argument(
        "--preset",
        type=shown_preset,
        default=limits.DEFAULT_PRESET,
        metavar="NAME",
        help=f"the network to begin with: {', '.join(limits.presets())}",
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of all randomness")
    parser.add_argument("--threads", type=whole_number(1), default=1, metavar="N", help="for matrix products")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on: by default this machine only")
    parser.add_argument(
        "--port", type=whole_number(0), metavar="N", help=f"0: any that is free (default: {DEFAULT_PORT}, or the next)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--static",
        type=Path,
        metavar="DIR",
        help="don't serve: write the page with all it needs into this folder, for any host of files to serve",
    )
    parser.add_argument(
        "--pyodide",
        default=os.environ.get(pyodide_files.VARIABLE) or pyodide_files.ADDRESS,
        metavar="URL_OR_DIR",
        help="for --static: where Python for the browser comes from, with NumPy's wheel",
    )
    return parser.parse_args()


def shown_preset(text: str) -> str:
    try:
        return limits.preset(text)
    except BadInput as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def main() -> None:
    arguments = parse_arguments()
    if arguments.static:
        write_static_site(arguments)
        return
    try:
        from nn_from_scratch.web.server import create_app, make_http_server
    except ModuleNotFoundError as missing:
        raise BadInput(f"{missing.name} is not installed: pip install {missing.name}") from None
    from nn_from_scratch.web.trainer import Trainer

    with listen(arguments.host, arguments.port) as listening:
        host, port = arguments.host, listening.getsockname()[1]
        if not is_loopback(host):
            command_line.notify(f"warning: everyone who can reach {host} can watch and steer this training")
        dataset = command_line.load_data(arguments)
        with Trainer(dataset, arguments.preset, arguments.seed, arguments.threads) as trainer:
            print(command_line.data_summary(dataset, len(trainer.run.validation)))
            server = make_http_server(create_app(trainer, trusted_hosts(host)), listening)
            address = f"http://{'localhost' if is_everywhere(host) else bracketed(host)}:{port}/"
            print(f"watch it at {address} (Ctrl-C ends it)")
            if has_display() and not arguments.no_browser:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server.serve_forever()  # until Ctrl-C
    raise KeyboardInterrupt


def write_static_site(arguments: argparse.Namespace) -> None:
    from nn_from_scratch.web.static_site import write_site

    if arguments.data not in (None, "digits") or arguments.test_data or arguments.test_fraction:
        raise BadInput("--static takes no images: its page begins with the digits, and its visitors choose others")
    if arguments.port is not None or arguments.no_browser:
        raise BadInput("--static writes a folder and serves nothing: expected neither --port nor --no-browser")
    size = write_site(arguments.static, arguments.pyodide, arguments.preset, arguments.seed, command_line.notify)
    print(f"{arguments.static}: {size / 1e6:.1f} MB, for any host of files; to try it here:")
    print(f"  python -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(arguments.static))}")


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens on this port; without one, on the default port or the first free one after it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = range(DEFAULT_PORT, DEFAULT_PORT + MORE_PORTS) if port is None else (port,)
    for candidate in ports:
        try:
            return socket.create_server((host, candidate), family=family, backlog=128)
        except (OSError, OverflowError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
    tried = f"port {port}" if port is not None else f"ports {ports[0]} to {ports[-1]}"
    raise BadInput(f"can't listen on {host}, {tried}: {reason}")


def has_display() -> bool:
    """Without one, Linux would open a browser in this very terminal."""
    return sys.platform != "linux" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def trusted_hosts(host: str) -> list[str]:
    """The names under which a browser may ask for the page."""
    trusted = ["127.0.0.1", "localhost", "[::1]", bracketed(host)]
    if is_everywhere(host):
        name = socket.gethostname()
        try:
            trusted += [name, socket.getfqdn(), *socket.gethostbyname_ex(name)[2]]
        except OSError:  # a machine that doesn't know its own name
            trusted.append(name)
    return trusted


if __name__ == "__main__":
    command_line.run(main)
