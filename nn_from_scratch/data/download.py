"""A download that can tell a slow network from a dead one.

pooch fetches, checks and caches; what it can't do is give up early and only then: its time limits are per packet, and
don't count finding the address at all. So here the fetching runs in a thread, and the one who waits decides: little
patience until the first byte is there, much once bytes flow.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 4.0  # seconds until the first byte; two mirrors take at most 8 seconds to be found dead
STALL = 20.0  # seconds without a byte in the middle


class PatientDownload:
    """What pooch calls to fetch one URL into one file of exactly `size` bytes."""

    def __init__(self, size: int, progress: Callable[[int], object], patience: float, stall: float) -> None:
        self.size = size
        self.progress = progress  # called with the number of bytes that just came
        self.patience = patience
        self.stall = stall

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        pipe = _Pipe()
        threading.Thread(target=self._fetch, args=(url, pipe), daemon=True).start()
        received, wait = 0, self.patience
        try:
            with open(output_file, "wb") as file:
                while piece := pipe.read(wait):
                    if received == 0 and piece.lstrip()[:1] == b"<":
                        raise OSError("a web page came instead of the file; does this network want a login?")
                    received += len(piece)
                    if received > self.size:
                        break
                    file.write(piece)
                    self.progress(len(piece))
                    wait = self.stall
        finally:
            pipe.abandoned = True
        if received != self.size:
            found = "more" if received > self.size else f"it ended after {received:,}"
            raise OSError(f"expected {self.size:,} bytes, {found}")

    def _fetch(self, url: str, pipe: _Pipe) -> None:
        from pooch import HTTPDownloader

        answers: list[Any] = []
        try:
            # "identity": the files are gzipped, and must come as they are. A small chunk, since each is waited for
            # whole: 1 kB within `stall` seconds is a very slow network, 1 MB within them is an ordinary one.
            # Half the patience for a connection leaves time to try a second address (IPv4 after IPv6).
            fetch = HTTPDownloader(
                chunk_size=1024,
                timeout=(self.patience / 2, self.stall),
                headers={"Accept-Encoding": "identity"},
                hooks={"response": lambda answer, **_: answers.append(answer)},
            )
            fetch(url, pipe, None)
            pipe.arrived.put(b"")
        except Exception as error:  # whatever it is, it belongs to the thread that waits
            pipe.arrived.put(error)
        finally:
            for answer in answers:
                answer.close()  # pooch doesn't, if it is an error or comes to an untimely end


class _Pipe:
    """What the fetching thread writes to, as to a file, and the waiting one reads from."""

    def __init__(self) -> None:
        self.arrived: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
        self.abandoned = False

    def write(self, piece: bytes) -> None:
        if self.abandoned:
            raise OSError("nobody waits for this download any more")
        self.arrived.put(piece)

    def flush(self) -> None:
        """There is nothing to flush; pooch calls it."""

    def read(self, wait: float) -> bytes:
        """The next piece, b"" at the end; the error that ended the download, or a TimeoutError after `wait` seconds."""
        try:
            piece = self.arrived.get(timeout=wait)
        except queue.Empty:
            raise TimeoutError(f"no answer within {wait:g} seconds") from None
        if isinstance(piece, Exception):
            raise piece
        return piece
