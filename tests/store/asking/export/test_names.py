"""The names of the files of an export: safe on every file system, unique, short."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.asking.export.names import array_name, is_ours

SAFE = set(string.ascii_letters + string.digits + "._-")
LONGEST = 255 // 3
"""Bytes: file systems take 255, and folders above the export want room, too."""


@given(st.text(max_size=300), st.integers(0, 10**9))
def test_any_label_makes_a_safe_name(label: str, position: int) -> None:
    name = array_name("heatmap", position, label, "npy")
    assert set(name) <= SAFE
    assert name.startswith(f"heatmap_{position}")
    assert name.endswith(".npy")
    assert len(name) <= LONGEST
    assert ".." not in name
    assert is_ours(name)


@given(st.text(), st.text(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_names_of_other_positions_differ_even_without_case(one: str, other: str, here: int, there: int) -> None:
    names = {array_name("curves", at, label, "npz").lower() for at, label in ((here, one), (there, other))}
    assert here == there or len(names) == 2


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("4x3x3", "heatmap_3_4x3x3.npy"),
        ("7x7/2:64=gelu", "heatmap_3_7x7-2-64-gelu.npy"),
        ("Größe", "heatmap_3_Groe.npy"),
        ("../../etc/passwd", "heatmap_3_etc-passwd.npy"),
        ("C:\\x", "heatmap_3_C-x.npy"),
        ("con", "heatmap_3_con.npy"),
        ("感受野", "heatmap_3.npy"),
        ("x" * 300, f"heatmap_3_{'x' * 40}.npy"),
    ],
)
def test_a_label_can_be_recognised(label: str, name: str) -> None:
    assert array_name("heatmap", 3, label, "npy") == name


@pytest.mark.parametrize(
    "name", ["../table.csv", "table.csv/x", "/table.csv", "heatmap_1_../x.npy", "table.csv\n", "manifest.json", ".", ""]
)
def test_a_path_is_not_a_name_of_an_export(name: str) -> None:
    assert not is_ours(name)
