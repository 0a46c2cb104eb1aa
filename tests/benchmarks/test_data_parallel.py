"""What data-parallel training costs: a turn is a real mpiexec, on real images."""

import os

import pytest

from benchmarks.data_parallel import Case, cases, turn
from nn_from_scratch import PRESETS

pytest.importorskip("mpi4py", reason='mpi4py is not installed: pip install -e ".[mpi]"')
pytestmark = pytest.mark.slow


@pytest.mark.skipif("NN_FROM_SCRATCH_DATA" not in os.environ, reason="needs MNIST: set NN_FROM_SCRATCH_DATA")
def test_a_turn_times_steps_and_what_the_allreduce_takes_of_them():
    step, allreduce, alone, numbers = turn(Case("784-128-64-10", 2, 192), seconds=0.1)
    assert numbers == 109_386 + 3
    assert 0 < allreduce < step
    assert alone > 0


def test_each_preset_is_measured_with_one_rank_and_two_and_with_half_a_batch():
    assert [case[1:] for case in cases() if case.preset == "cnn"] == [(1, 64), (2, 64), (1, 32)]
    assert all(case.batch_size <= PRESETS[case.preset].batch_size for case in cases())
