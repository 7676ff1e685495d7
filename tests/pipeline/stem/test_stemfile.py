"""Stem files: where a comment begins, and what is a mark."""

import pytest

from pipeline.errors import InputError
from pipeline.stem import canonical, read_stem_file, split_stems
from pipeline.stem.stemfile import without_comment


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("3x3 # words", "3x3 "),
        ("# words", ""),
        ("#words", ""),
        ("  #words", "  "),
        ("3x3 #words", "3x3 "),
        ("3x3# words", "3x3"),
        ("3x3#", "3x3"),
        ("3x3#1 first", "3x3"),
        ("3x3,#words", "3x3,"),
        ("res(3x3) #words", "res(3x3) "),
        ("res( #words", "res( "),
        ("3x3#c1", "3x3#c1"),
        ("3x3#c1 # words #more", "3x3#c1 "),
        ("res(3x3)#r 5x5 #words", "res(3x3)#r 5x5 "),
        ("cat(#c1|#c2 up2)", "cat(#c1|#c2 up2)"),
        ("cat( #c1 | #c2 up2)#d", "cat( #c1 | #c2 up2)#d"),
        ("| #c3", "| #c3"),
        ("add(  #c3", "add(  #c3"),
        ("cat( # words", "cat( "),
        ("3x3 | # words", "3x3 | "),
    ],
)
def test_a_mark_stands_right_behind_a_layer_or_begins_a_branch_and_all_else_is_a_comment(line, left):
    assert without_comment(line) == left


def test_a_file_over_several_lines_is_one_line_of_notation(tmp_path):
    path = tmp_path / "net.stem"
    path.write_text("# a net\n3x3:8#c1   # the first\ncat(1x1:4  # one branch\n  | #c1 3x3:8\n)\n")
    text = read_stem_file(path)
    assert canonical(text) == "3x3:8#c1 cat(1x1|#c1 3x3:8)"


@pytest.mark.parametrize(
    "text", ["cat(\n{} | 3x3)", "cat(3x3 |\n  {}\n|5x5)", "5x5 cat(|\n\n{} up2)", "mul(  # one\n{}|)"]
)
def test_a_mark_that_would_be_a_comment_where_a_branch_begins_is_refused(text, tmp_path):
    """`cat(|` with `#c1` on the next line would have an empty branch, without a word."""
    path = tmp_path / "net.stem"
    path.write_text("3x3#c1 5x5 " + text.format("#c1"))
    with pytest.raises(InputError, match=r"line [0-9]: #c1 begins a line, and so a comment; put the mark behind"):
        read_stem_file(path)
    path.write_text("3x3#c1 5x5 " + text.format("# c1\n") + "\n#c1 is said here\n")
    assert read_stem_file(path).startswith("3x3#c1 5x5 ")
    path.write_text("3x3#c1 5x5 " + text.format("#note no mark of that name stands before\n"))
    assert "note" not in read_stem_file(path)


def test_a_file_of_comments_holds_no_stem(tmp_path):
    path = tmp_path / "net.stem"
    path.write_text("# 3x3\n #c1\n")
    with pytest.raises(InputError, match="holds no stem"):
        read_stem_file(path)


@pytest.mark.parametrize(
    ("text", "stems"),
    [
        ("3x3, 5x5", ["3x3", "5x5"]),
        ("hardtanh(0,6), lrn5(0.1,0.5,1)", ["hardtanh(0,6)", "lrn5(0.1,0.5,1)"]),
        ("3x3=hardtanh(-1,6),5x5", ["3x3=hardtanh(-1,6)", "5x5"]),
        ("3x3,", ["3x3", ""]),
        ("," * 3000, [""] * 3001),
    ],
)
def test_commas_separate_stems_but_for_those_between_numbers(text, stems):
    assert split_stems(text) == stems
