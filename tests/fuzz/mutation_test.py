"""A thousand mutated inputs and command lines (mutate.py; tens of thousands by hand)."""

import os

import mutate


def test_mutated_inputs_are_read_or_refused_in_a_line():
    assert mutate.run(os.environ["POTOMAC_PROGRAM"], cases=1000, seed=1, jobs=2) == []
