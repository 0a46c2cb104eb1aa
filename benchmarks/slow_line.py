"""How late the live page is on a slow connection: the steps that it is behind, and the time until it shows a pause.

A browser on this machine simulates the connection of a telephone in the last row of a room. Only the contents of the
page are read, so this measures every version of the page that marks its body with the step and the state.
"""

import argparse
import socket
import threading
from statistics import median
from time import monotonic

from benchmarks.browser import needed_browser
from nn_from_scratch import load_dataset
from nn_from_scratch.web.server import create_app, make_http_server
from nn_from_scratch.web.trainer import Trainer

SECONDS = 20.0  # of training, before the pause
EVERY = 0.1  # seconds between two looks at the page
PATIENCE = 60.0  # seconds until the page must show a pause
LEVELS = ("watch", "everything")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_line", description=__doc__)
    parser.add_argument("--kbits", type=float, default=400.0, help="a second, both ways (default: 400)")
    parser.add_argument("--latency", type=float, default=100.0, help="milliseconds (default: 100)")
    parser.add_argument("--speed", type=float, default=200.0, help="steps a second (default: 200)")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    executable = needed_browser()
    rate = arguments.kbits * 1000 / 8
    conditions = {"downloadThroughput": rate, "uploadThroughput": rate, "latency": arguments.latency, "offline": False}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for level in LEVELS:
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            with socket.create_server(("127.0.0.1", 0)) as listening, Trainer(load_dataset("digits")) as trainer:
                server = make_http_server(create_app(trainer), listening)
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                page.set_default_timeout(1000 * PATIENCE)
                devtools = page.context.new_cdp_session(page)
                devtools.send("Network.enable")
                devtools.send("Network.emulateNetworkConditions", conditions)
                opened = monotonic()  # a stream that is already open would keep its speed
                page.goto(f"http://127.0.0.1:{server.port}/?level={level}")
                page.wait_for_selector("body[data-step][data-connection=open]")
                opened = monotonic() - opened
                trainer.ask(trainer.change, speed=arguments.speed)
                trainer.ask(trainer.start)
                behind, until = [], monotonic() + SECONDS
                while monotonic() < until:
                    page.wait_for_timeout(1000 * EVERY)
                    behind.append(trainer.run.progress.step - int(page.get_attribute("body", "data-step") or 0))
                began = monotonic()
                page.click("#start")
                while page.get_attribute("body", "data-state") != "paused" and monotonic() < began + PATIENCE:
                    page.wait_for_timeout(20)
                seen = monotonic() - began
                page.close()
                server.shutdown()
            print(
                f"{level}: opened in {opened:.1f} s; behind {median(behind):.0f} steps, at most {max(behind)}, at "
                f"{arguments.speed:g} steps a second; a pause is seen after {seen:.1f} s",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
