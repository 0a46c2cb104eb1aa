"""The browser that some benchmarks drive, without a window."""

import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def installed_browser() -> str | None:
    """The path of the first of BROWSERS that is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def needed_browser() -> str:
    """The same. Ends the program with a message if there is none."""
    if found := installed_browser():
        return found
    raise SystemExit(f"no browser is installed: expected one of {', '.join(BROWSERS)}")
