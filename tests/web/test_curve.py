"""The curve is complete at first and stays short: after that every second, fourth … step, evenly from the beginning."""

from hypothesis import given
from hypothesis import strategies as st

from nn_from_scratch.web.curve import Curve, Point


@given(steps=st.integers(0, 3000), most=st.sampled_from([7, 40, 100]))
def test_points_are_evenly_spaced_few_and_as_many_as_may_be(steps, most):
    curve = Curve(most)
    for step in range(1, steps + 1):
        curve.add(Point(step, 0.0, 1 / step, 0.5, 0.1))
    assert len(curve.points) <= most
    assert [point.step for point in curve.points] == [(i + 1) * curve.every for i in range(len(curve.points))]
    assert all(point.loss == 1 / point.step for point in curve.points)
    assert steps - len(curve.points) * curve.every < curve.every  # up to the last step that counts
    assert curve.every == 1 or 2 * len(curve.points) + 1 >= most  # not thinner than it need be
