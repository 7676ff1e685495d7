"""Tables as data frames and as HTML: types, NULL, and text that nothing runs."""

import math
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from store.asking.answer import Answer
from store.asking.frames import columns_of
from store.asking.html import ROWS_SHOWN, html_table
from store.asking.packed import PackedRows
from store.asking.table import Table

ROWS = [("4x3x3", 4, 7.0, True), ("7x7", None, None, None), ("=1+1", 2**53 + 1, 0.1, False)]
TABLE = Table(("config", "depth", "eff_rf", "saturated"), PackedRows(ROWS))
EMPTY = Table(("config", "depth", "eff_rf", "saturated", "reasons", "eff_rf_low"), [])


def test_a_column_has_the_type_of_its_values_else_that_of_its_field() -> None:
    assert [kind for kind, _ in columns_of(TABLE).values()] == ["str", "int", "float", "bool"]
    assert [kind for kind, _ in columns_of(EMPTY).values()] == ["str", "int", "float", "bool", "str", "float"]
    assert columns_of(Table(("dead", "n"), [(3, 1), (None, 2.5)])) == {
        "dead": ("int", [3, None]),  # a count, in a table of groups
        "n": ("float", [1, 2.5]),
    }
    assert columns_of(Table(("depth",), [(None,)])) == {"depth": ("int", [None])}


def test_a_frame_of_pandas_keeps_values_and_nulls() -> None:
    pandas = pytest.importorskip("pandas")
    frame = Answer(TABLE).to_pandas()
    assert [str(each) for each in frame.dtypes] == ["string", "Int64", "float64", "boolean"]
    assert [*frame.columns] == [*TABLE.columns]
    assert frame["depth"].tolist() == [4, pandas.NA, 2**53 + 1]
    assert frame["config"].tolist() == [row[0] for row in ROWS]
    assert frame["saturated"].tolist() == [True, pandas.NA, False]
    assert frame["eff_rf"].tolist()[::2] == [7.0, 0.1]
    assert math.isnan(frame["eff_rf"][1])
    empty = Answer(EMPTY).to_pandas()
    assert [str(each) for each in empty.dtypes] == ["string", "Int64", "float64", "boolean", "string", "float64"]
    assert empty.shape == (0, 6)


def test_a_frame_of_polars_keeps_values_and_nulls() -> None:
    polars = pytest.importorskip("polars")
    frame = Answer(TABLE).to_polars()
    types = [polars.String, polars.Int64, polars.Float64, polars.Boolean]
    assert dict(frame.schema) == dict(zip(TABLE.columns, types, strict=True))
    assert frame.rows() == ROWS
    assert Answer(EMPTY).to_polars().shape == (0, 6)
    assert Answer(Table(("n",), [(1,), (2.5,)])).to_polars().rows() == [(1.0,), (2.5,)]


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # which is how Python marks a module that cannot be imported
    with pytest.raises(InputError, match=rf"to_{name} needs {name}, .* 'erfsweep\[{name}\]'"):
        getattr(Answer(TABLE), f"to_{name}")()


class _Page(HTMLParser):
    """The cells of a page, and every tag in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data.strip("\n")


@given(st.text(max_size=40))
def test_no_text_becomes_markup_in_a_notebook(text: str) -> None:
    page = _Page(html_table(Table((text,), [(text,)])))
    assert page.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td"]
    if text.isprintable():
        assert [cell.strip() for cell in page.cells] == [text.strip()] * 2
    assert all(cell.isprintable() for cell in page.cells)


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (3, 3), (ROWS_SHOWN, 20), (1620, 20)])
def test_a_notebook_shows_the_first_rows_and_counts_the_others(count: int, shown: int) -> None:
    page = Answer(Table(("n",), [(number,) for number in range(count)]))._repr_html_()
    assert page.count("<td") == shown
    assert ("... of 1,620 rows" in page) == (count == 1620)
    assert ("..." in page) == (count > ROWS_SHOWN)


def test_an_answer_says_what_it_is() -> None:
    answer = Answer(TABLE)
    assert repr(answer) == "<3 rows of config, depth, eff_rf, saturated>"
    assert (len(answer), answer.columns, [*answer.rows]) == (3, TABLE.columns, ROWS)
    assert next(answer.dicts()) == dict(zip(TABLE.columns, ROWS[0], strict=True))
