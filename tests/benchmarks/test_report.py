"""The report: which of a peer's ways is shown, ratios, targets."""

import pytest

from benchmarks import report
from benchmarks.contenders import COMPILED, EAGER, FLOOR, FUSED, JAX, OURS, SKLEARN
from benchmarks.report import Target
from benchmarks.timing import Measured, Row

PYTORCH = report.FASTEST_PYTORCH


def row(case: str = "LeNet, batch 64: a step", threads: int | None = 1, unit: str = "s", **results) -> Row:
    names = {"ours": OURS, "floor": FLOOR, "eager": EAGER, "fused": FUSED, "compiled": COMPILED, "jax": JAX}
    found = {
        names[key]: value if isinstance(value, str) else Measured(value, 0.0, [value]) for key, value in results.items()
    }
    return Row("convolution", case, threads, unit, found)


def test_the_fastest_way_of_a_peer_is_the_one_that_took_the_least():
    found = row(ours=1.0, eager=4.0, fused=2.0, compiled="no compiler")
    assert report.fastest(found, PYTORCH) == FUSED
    assert report.ratio(found, PYTORCH) == 0.5
    assert report.ratio(found, EAGER) == 0.25
    assert report.fastest(found, "fastest JAX") is report.ratio(found, "fastest JAX") is None


def test_the_summary_shows_the_fastest_way_of_each_whoever_wins():
    rows = [
        row(ours=0.001, floor=0.0005, eager=0.004, fused=0.002, jax=0.0008),
        row("a step of another", 2, ours=0.001, eager=0.004, fused=0.005, jax="JAX is not installed"),
        row("nobody beside it", ours=0.001, floor=0.0005),
        row("memory", unit="MB", ours=1.0, eager=2.0),
    ]
    heading, _, *lines = report.summary_table(rows).splitlines()
    assert heading.split()[-5:] == [OURS, FLOOR, "PyTorch", "JAX", SKLEARN]
    first, second = (" ".join(line.split()) for line in lines)
    assert first == "convolution: LeNet, batch 64: a step 1 1.00 ms 2.00 PyTorch fused 0.50 1.25"
    assert second == "convolution: a step of another 2 1.00 ms PyTorch 0.25"


def test_there_is_no_summary_where_nobody_was_measured():
    assert report.summary_table([row(ours=1.0, floor=0.5)]) == ""


@pytest.mark.parametrize(("limit", "met"), [(0.5, True), (0.49, False)])
def test_a_target_beside_a_peer_is_about_its_fastest_way(monkeypatch, limit, met):
    monkeypatch.setattr(report, "TARGETS", [Target("convolution", "LeNet, *: a step", PYTORCH, limit, threads=1)])
    rows = [
        row(ours=1.0, eager=4.0, fused=2.0),
        row(threads=2, ours=9.0, fused=1.0),
        row("3×3 same", ours=9.0, fused=1.0),
    ]
    (verdict,) = report.verdicts(rows)
    assert (verdict.value, verdict.met, verdict.threads) == (0.5, met, 1)
    assert verdict.target.case == "LeNet, batch 64: a step"


def test_a_target_that_was_not_measured_says_so(monkeypatch):
    monkeypatch.setattr(report, "TARGETS", [Target("convolution", "LeNet, *", PYTORCH, 1.0, threads=2)])
    (verdict,) = report.verdicts([row(ours=1.0, fused=1.0)])
    assert (verdict.value, verdict.met, verdict.threads) == (None, None, 2)
    assert "not measured" in report.targets_table([])


def test_every_contender_has_a_column():
    assert {name for names in report.PEERS.values() for name in names} <= set(report.ORDER)
