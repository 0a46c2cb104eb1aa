"""A clock that a test turns: then no pause of the machine can make it fail."""


class Clock:
    """Takes the place of `monotonic` or `perf_counter`. It stands still, but each look at it takes `look` seconds."""

    def __init__(self, look: float = 0.0):
        self.look, self.looks = look, 0  # how long each takes, and how many there were
        self.now = 100.0

    def __call__(self) -> float:
        self.looks += 1
        self.now += self.look
        return self.now

    def turn(self, seconds: float) -> None:
        """Let this much time pass; also takes the place of `sleep`."""
        self.now += seconds
