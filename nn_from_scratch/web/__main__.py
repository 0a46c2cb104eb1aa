"""Watch a network learn in the browser: alone, with an audience, or with a network for each pupil."""

import argparse
import os
import shlex
import socket
import sys
import threading
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nn_from_scratch import command_line
from nn_from_scratch.command_line import whole_number
from nn_from_scratch.errors import BadInput, extra
from nn_from_scratch.web import addresses, limits, pyodide_files

if TYPE_CHECKING:
    from nn_from_scratch.web.pupils import Pupils
    from nn_from_scratch.web.trainer import Trainer

EXAMPLES = """\
  python -m nn_from_scratch.web
  python -m nn_from_scratch.web --preset 784-128-64-10 --seed 3
  python -m nn_from_scratch.web --data digits --port 8080 --no-browser
  python -m nn_from_scratch.web --experiment rate
  python -m nn_from_scratch.web --host 0.0.0.0 --audience
  python -m nn_from_scratch.web --host 0.0.0.0 --pupils 30 --data digits
  python -m nn_from_scratch.web --static site"""
DEFAULT_PORT = 8000
MORE_PORTS = 20  # tried after the default one
MOST_PUPILS = 60


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
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="the seed of all random numbers")
    parser.add_argument("--threads", type=whole_number(1), default=1, metavar="N", help="threads for matrix products")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument(
        "--port",
        type=whole_number(0),
        metavar="N",
        help=f"0 takes any free port (default: {DEFAULT_PORT}, or the next free one)",
    )
    several = parser.add_mutually_exclusive_group()
    several.add_argument(
        "--audience",
        action="store_true",
        help="everybody who can reach the address watches one training; only you control it, on this machine",
    )
    several.add_argument(
        "--pupils",
        type=number_of_pupils,
        metavar="N",
        help=f"each browser trains its own network, up to N at a time ({MOST_PUPILS} at most)",
    )
    parser.add_argument(
        "--experiment", type=known_experiment, metavar="NAME", help="begin with this experiment: see docs/live-page.md"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--static",
        type=Path,
        metavar="DIR",
        help="serve nothing, but write the page with all its files into this folder, for any web host to serve",
    )
    parser.add_argument(
        "--pyodide",
        default=os.environ.get(pyodide_files.VARIABLE) or pyodide_files.ADDRESS,
        metavar="URL_OR_DIR",
        help="for --static: where to get Python for the browser and NumPy's wheel",
    )
    return parser.parse_args()


def shown_preset(text: str) -> str:
    try:
        return limits.preset(text)
    except BadInput as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def number_of_pupils(text: str) -> int:
    number = whole_number(1)(text)
    if number > MOST_PUPILS:
        raise argparse.ArgumentTypeError(f"{number} are too many: expected at most {MOST_PUPILS}")
    return number


def known_experiment(text: str) -> str:
    from nn_from_scratch.web.experiments import named

    try:
        return named(text).name
    except BadInput as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def main() -> None:
    arguments = parse_arguments()
    if arguments.static:
        write_static_site(arguments)
        return
    check_host(arguments)
    with extra("web"):
        from nn_from_scratch.web.server import create_app, make_http_server
    from nn_from_scratch.web.presenter import Presenter

    with listen(arguments.host, arguments.port) as listening, ExitStack() as stack:
        host, port = arguments.host, listening.getsockname()[1]
        trainings = begin(arguments, stack)
        others = [f"http://{name}:{port}/" for name in addresses.hosts(host)]
        presenter = Presenter() if arguments.audience else None
        app = create_app(trainings, addresses.trusted(host), presenter, others)
        server = make_http_server(app, listening)
        own = f"http://{'localhost' if addresses.is_everywhere(host) else addresses.bracketed(host)}:{port}/"
        query = {"experiment": arguments.experiment, "token": presenter and presenter.token}
        own += f"?{urlencode({name: value for name, value in query.items() if value})}".rstrip("?")
        tell_addresses(own, others, arguments)
        if has_display() and not arguments.no_browser:
            threading.Thread(target=webbrowser.open, args=(own,), daemon=True).start()
        server.serve_forever()  # until Ctrl-C
    raise KeyboardInterrupt


def check_host(arguments: argparse.Namespace) -> None:
    host = arguments.host
    if addresses.is_loopback(host):
        return
    if arguments.audience and not addresses.is_everywhere(host):
        raise BadInput(f"--host {host} with --audience: expected 0.0.0.0 or ::, as the presenter uses localhost")
    if not (arguments.audience or arguments.pupils):
        command_line.notify(
            f"warning: everyone who can reach {host} can watch and control this training; with --audience they can "
            "only watch it, and with --pupils N each of them has their own training"
        )


def begin(arguments: argparse.Namespace, stack: ExitStack) -> "Trainer | Pupils":
    """The training, or one for each pupil; the stack ends them."""
    from threadpoolctl import threadpool_limits

    from nn_from_scratch.web.pupils import Pupils
    from nn_from_scratch.web.trainer import Trainer

    dataset = command_line.load_data(arguments)

    def trainer(budget: limits.Budget = limits.WHOLE) -> Trainer:
        made = Trainer(dataset, arguments.preset, arguments.seed, arguments.threads, budget=budget)
        if arguments.experiment:
            made.begin_experiment(arguments.experiment)
        return made

    if arguments.pupils:
        first = trainer(limits.SHARE)  # each pupil begins with the same; if that is impossible, it raises here
        print(command_line.data_summary(dataset, len(first.run.validation)))
        # The number holds for the whole process: each training would restore the number that it found at its start.
        stack.enter_context(threadpool_limits(arguments.threads))
        return stack.enter_context(Pupils(lambda: trainer(limits.SHARE), arguments.pupils))
    only = trainer()
    print(command_line.data_summary(only.run.dataset, len(only.run.validation)))
    return stack.enter_context(only)


def tell_addresses(own: str, others: list[str], arguments: argparse.Namespace) -> None:
    if arguments.audience:
        print(f"control it at {own} (Ctrl-C ends it)")
        whose = "the audience watches at"
    elif arguments.pupils:
        print(f"train at {own} (Ctrl-C ends it)")
        whose = f"up to {arguments.pupils} pupils train at"
    else:
        print(f"watch it at {own} (Ctrl-C ends it)")
        whose = "other machines in the network reach it at"
    for address in others:
        if address != own:
            print(f"{whose} {address}")


def write_static_site(arguments: argparse.Namespace) -> None:
    from nn_from_scratch.web.static_site import write_site

    if arguments.audience or arguments.pupils or arguments.experiment:
        raise BadInput("--static starts no server: expected no --audience, no --pupils and no --experiment")
    if arguments.data not in (None, "digits") or command_line.data_asked_for(arguments):
        raise BadInput("--static takes no data: its page begins with the digits, and visitors can choose other images")
    if arguments.port is not None or arguments.no_browser:
        raise BadInput("--static writes a folder and serves nothing: expected neither --port nor --no-browser")
    size = write_site(arguments.static, arguments.pyodide, arguments.preset, arguments.seed, command_line.notify)
    print(f"{arguments.static}: {size / 1e6:.1f} MB, for any web host; to try it here:")
    print(f"  python -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(arguments.static))}")


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens on this port; without one, on the default port or the first free one after it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # IPv4 as well as IPv6
    ports = range(DEFAULT_PORT, DEFAULT_PORT + MORE_PORTS) if port is None else (port,)
    for candidate in ports:
        try:
            return socket.create_server((host, candidate), family=family, backlog=128, dualstack_ipv6=both)
        except (OSError, OverflowError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
    tried = f"port {port}" if port is not None else f"ports {ports[0]} to {ports[-1]}"
    raise BadInput(f"can't listen on {host}, {tried}: {reason}")


def has_display() -> bool:
    """Without a display, Linux would open a browser in this terminal."""
    return sys.platform != "linux" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


if __name__ == "__main__":
    command_line.run(main)
