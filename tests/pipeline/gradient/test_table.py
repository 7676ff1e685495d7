"""The tables of operations: every kind of layer is in one of them."""

from typing import get_args

from pipeline.gradient.table import JOINS, OPERATIONS
from pipeline.stem import Join, Layer


def test_every_layer_has_its_operation():
    assert {*OPERATIONS, *JOINS} == set(get_args(Layer))
    assert set(JOINS) == set(get_args(Join))
