"""A download that can distinguish a slow network from a dead one.

pooch downloads, checks and caches files. But its time limits are per packet, and don't include the look-up of the
address, so it can't give up soon on a dead network and be patient with a slow one. So here the download runs in a
thread, and the waiting thread decides: it waits a short time for the first byte, and longer once bytes arrive.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 4.0  # seconds until the first byte; so two dead mirrors take at most 8 seconds
STALL = 20.0  # seconds without a byte during a download


class PatientDownload:
    """The downloader for pooch: it downloads one URL into one file of exactly `size` bytes."""

    def __init__(self, size: int, progress: Callable[[int], object], patience: float, stall: float) -> None:
        self.size = size
        self.progress = progress  # called with the number of bytes that have just arrived
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
                        raise OSError("received a web page instead of the file; does this network need a login?")
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
            # "identity": the files are gzipped, and must arrive unchanged. The chunk is small, because the reader waits
            # for a whole one: 1 kB in `stall` seconds is a very slow network, 1 MB in that time an ordinary one.
            # Half the patience for a connection leaves time to try a second address (IPv4 after IPv6).
            fetch = HTTPDownloader(
                chunk_size=1024,
                timeout=(self.patience / 2, self.stall),
                headers={"Accept-Encoding": "identity"},
                hooks={"response": lambda answer, **_: answers.append(answer)},
            )
            fetch(url, pipe, None)
            pipe.arrived.put(b"")
        except Exception as error:  # any error is raised in the waiting thread
            pipe.arrived.put(error)
        finally:
            for answer in answers:
                answer.close()  # pooch doesn't, if there is an error or an early end


class _Pipe:
    """A file-like object that the downloading thread writes to, and the waiting thread reads from."""

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
        """The next piece, b"" at the end. Raises the error of the download, or TimeoutError after `wait` seconds."""
        try:
            piece = self.arrived.get(timeout=wait)
        except queue.Empty:
            raise TimeoutError(f"no answer within {wait:g} seconds") from None
        if isinstance(piece, Exception):
            raise piece
        return piece
