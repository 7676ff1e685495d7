"""`--where`: what it means, in SQL and in Python alike, and what it refuses."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import case, cast, literal, select

from pipeline.config import Config, Init, Plane
from pipeline.errors import InputError
from pipeline.result import Sizes
from store.engine import Store
from store.owner import this_owner
from store.query import rows
from store.queue import claim
from store.results import save, save_sizes
from store.sweeps import submit
from store.types import INTEGER, REAL, TEXT, TRUTH
from store.where import Condition, Not, fields_of, parse
from store.where_match import like, matches
from store.where_sql import where_clause
from tests.store.fakes import ORIGIN, done, failed, unlabelled

ROW: dict[str, Any] = {
    "kernel": 3, "depth": 4, "seed": 2**32 - 1, "theo_rf": 9, "dead": False, "saturated": None, "eff_rf": 7.0,
    "ratio": 7 / 9, "luo": None, "activation": None, "config": "4x 3x3", "state": "done",
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("kernel == 3 and depth in (1, 2, 4) and ratio < 0.8", True),
        ("2 < kernel <= 3 < depth", True),
        ("kernel / 2 == 1.5", True),  # true division
        ("7 / 2 == 3.5", True),
        ("-kernel + 1 == -2", True),
        ("kernel - -kernel == 6", True),
        ("eff_rf / theo_rf == ratio", True),
        ("not dead", True),
        ("dead == 0 and dead != True", True),
        ("dead or kernel == 3", True),
        ("seed == 4294967295", True),
        ("seed == 4294967296", False),
        ("kernel in ()", False),
        ("luo not in ()", True),
        ("kernel not in (1, 2)", True),
        ("luo > 0", None),
        ("not luo > 0", None),
        ("luo == luo", None),
        ("luo > 0 and kernel == 4", False),  # unknown and false
        ("luo > 0 and kernel == 3", None),
        ("luo > 0 or kernel == 3", True),  # unknown or true
        ("luo > 0 or kernel == 4", None),
        ("luo in (1, 2)", None),
        ("kernel in (3, None)", True),
        ("kernel in (4, None)", None),
        ("kernel not in (4, None)", None),
        ("kernel == None", None),
        ("saturated", None),
        ("None or kernel == 3", True),
        ("luo is None and kernel is not None", True),
        ("activation is not None", False),
        ("kernel / 0 == 1", None),
        ("kernel / (kernel - 3) is None", True),
        ("1 / 0 is None", True),
        ("config == '4x 3x3' and config > '4' and config < 'A'", True),
        ("like(config, '4x*')", True),
        ("like(config, '4X*')", False),
        ("like(config, '?x ?x3')", True),
        ("like(config, '4x')", False),
        ("like(config, '[4]x*')", False),
        ("like(config, '%') or like(config, '4_ 3x3')", False),
        ("like(activation, '*')", None),
        ("True and not False", True),
        ("9223372036854775807 > -9223372036854775808", True),
    ],
)
def test_means(expression: str, expected: bool | None, lasting_store: Store) -> None:
    condition = parse(expression)
    assert matches(condition, ROW) is expected
    with lasting_store.read() as connection:
        assert _in_sql(condition, lasting_store, connection) is expected


def _in_sql(condition: Condition, store: Store, connection: Any) -> bool | None:
    """The truth of a condition on ROW, whose columns are put in as constants."""
    kinds = {int: INTEGER, float: REAL, bool: TRUTH, str: TEXT}
    empty = {"saturated": TRUTH, "luo": REAL, "activation": TEXT}
    typed = {name: cast(literal(value), empty.get(name) or kinds[type(value)]) for name, value in ROW.items()}
    inner = select(*(column.label(name) for name, column in typed.items())).subquery()
    columns = {name: inner.c[name] for name in ROW}
    truth = where_clause(condition, columns, store.dialect)
    opposite = where_clause(Not(condition), columns, store.dialect)
    found: int = connection.execute(select(case((truth, 1), (opposite, 0), else_=-1)).select_from(inner)).scalar_one()
    return {1: True, 0: False, -1: None}[found]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("kernl == 3", r"no column 'kernl'; did you mean kernel .*`erfsweep fields`"),
        ("kernel = 3", "cannot be read"),
        ("kernel ==", "cannot be read"),
        ("kernel", "'kernel' is a value, not a condition"),
        ("config", "'config' is a value, not a condition"),
        ("3", "is a value, not a condition"),
        ("kernel and depth", "'kernel' is a value, not a condition"),
        ("config == 3", "'config' is text and cannot be compared with '3'"),
        ("3 < config", "'config' is text and cannot be compared with '3'"),
        ("None in (1, 'a')", "is text and cannot be compared"),
        ("config + 'a' == 'b'", "'config' is text and cannot be computed with"),
        ("-config == 'b'", "'config' is text"),
        ("kernel ** 2 == 9", "is not part of --where"),
        ("kernel % 2 == 1", "is not part of --where"),
        ("kernel // 2 == 1", "is not part of --where"),
        ("__import__('os').system('true') == 0", "cannot stand where a value is compared"),
        ("(lambda: 1)() == 1", "cannot stand where a value is compared"),
        ("kernel.real == 3", "is not part of --where"),
        ("[kernel][0] == 3", "is not part of --where"),
        ("kernel is 3", "cannot follow `is`"),
        ("kernel in 3", "is not a list"),
        ("(kernel == 3) == True", "is a condition"),
        ("kernel == (depth == 3)", "is a condition"),
        ("like(config, 4)", "is not like"),
        ("like('a', 'b')", "is not like"),
        ("like(kernel, '3')", "is not like"),
        ("like(config, config)", "is not like"),
        ("like(config)", "is not like"),
        ("kernel == 9223372036854775808", "beyond 64-bit integers"),
        ("kernel == -9223372036854775809", "beyond 64-bit integers"),
        ("ratio < 1e999", "beyond 64-bit floats"),
        ("ratio == 1j", "is not a number"),
        ("config == b'x'", "is not a number, text"),
        ("config == '\\x00'", "control characters"),
        ("config == '\\ud800'", "control characters"),
        ("kernel == 3\nor depth == 3", "one line without control characters"),
        ("kernel == 3 and " * 200 + "depth == 4", "at most 2000 characters"),
        ("(" * 150 + "kernel" + ")" * 150 + " == 3" + "(" * 100, "cannot be read"),
        ("not " * 49 + "dead and " + "not " * 49 + "dead", None),
        ("not " * 50 + "dead", "at most 50 levels"),
        ("kernel + " * 60 + "1 == 3", "at most 50 levels"),
        ("-" * 1900 + "kernel == 3", "at most 50 levels"),
        ("not " * 490 + "dead", "at most 50 levels"),
    ],
)
def test_refuses(expression: str, said: str | None) -> None:
    if said is None:
        with pytest.raises(InputError, match="at most 50 levels"):
            parse(f"not ({expression})")
        return
    with pytest.raises(InputError, match=said):
        parse(expression)


def test_names_the_fields_it_reads() -> None:
    assert fields_of(parse("kernel in (depth, 3) and not like(config, 'a') or -ratio is None")) == {
        "kernel", "depth", "config", "ratio",
    }  # fmt: skip


@given(st.text("ab*?[]%_", max_size=8), st.text("ab*?[]%_", max_size=6))
def test_like_is_what_its_pattern_says(text: str, pattern: str) -> None:
    expected = re.fullmatch("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern), text)
    assert like(text, pattern) is (expected is not None)


_NUMBERS = st.one_of(
    st.sampled_from(["kernel", "depth", "seed", "height", "theo_rf", "eff_rf", "ratio", "luo", "dead", "n_zero"]),
    st.integers(-4, 12).map(str),
    st.integers(-40, 40).map(lambda number: str(number / 8)),
    st.sampled_from(["None", "True", "0", "0.0"]),
)
_ARITHMETIC = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"-{part}"),
    ),
    max_leaves=4,
)
_TEXTS = st.sampled_from(
    ["config", "activation", "error", "state", "'relu'", "'4x 3x3'", "''", '"it\'s"', "'ü'", "None"]
)
_SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_VALUES = st.sampled_from([_ARITHMETIC, _TEXTS])


def _compared(values: Any) -> Any:
    chains = st.tuples(values, _SIGNS, values, _SIGNS, values).map(" ".join)
    among = st.tuples(values, st.sampled_from([" in ", " not in "]), st.lists(values, max_size=3))
    return st.one_of(
        st.tuples(values, _SIGNS, values).map(" ".join),
        chains,
        among.map(lambda parts: f"{parts[0]}{parts[1]}[{', '.join(parts[2])}]"),
        st.tuples(values, st.sampled_from([" is None", " is not None"])).map("".join),
    )


_CONDITIONS = st.recursive(
    st.one_of(
        _VALUES.flatmap(_compared),
        st.sampled_from(["dead", "saturated", "True", "False", "None"]),
        st.tuples(st.sampled_from(["config", "activation", "error"]), st.text("34x *?[]_%RreluTim", max_size=5)).map(
            lambda parts: f"like({parts[0]}, {parts[1]!r})"
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda parts: f"({''.join(parts)})"),
        inner.map(lambda part: f"not {part}"),
    ),
    max_leaves=5,
)


@dataclass(repr=False)
class Filled:
    store: Store
    table: list[dict[str, Any]]


@pytest.fixture(scope="module")
def filled(lasting_store: Store) -> Filled:
    """A store with rows of all kinds, and those rows."""
    stems = ["1x3x3", "4x3x3", "2x5x5:8=gelu", "7x7/2:64 max3x3/2", "3x3 dw5x5", "3x3x1"]
    configs = [Config(stem, input=Plane(21 + n, 21), init=Init(seed=n)) for n in range(4) for stem in stems]
    submit(lasting_store, "kinds", {}, unlabelled(configs), ORIGIN)
    me = this_owner()
    held = claim(lasting_store, me)
    outcomes = [
        done(each.digest, dead=place % 4 == 0) if place % 3 else failed(each.digest) for place, each in enumerate(held)
    ]
    save(lasting_store, me, [each for place, each in enumerate(outcomes) if place % 5])
    measured = [each.digest for each in outcomes if each.result is not None]
    sizes = [Sizes(eff_rf=place / 2, ratio=None if place % 3 else 0.25, luo=-3.5) for place in range(len(measured))]
    save_sizes(lasting_store, list(zip(measured, sizes, strict=True))[::2])
    return Filled(lasting_store, rows(lasting_store, "kinds").dicts())


@given(_CONDITIONS)
@settings(max_examples=150, deadline=None)
@example("- -depth == depth")
@example("depth - -1 == 3 or depth - (depth - 2) == 2")
@example("depth / kernel / 2 == depth / (kernel * 2)")
@example("1 == 1 == 1 in (1, 2.5, None)")
def test_sql_and_python_agree(filled: Filled, expression: str) -> None:
    store, table = filled.store, filled.table
    for written in (expression, f"not ({expression})"):
        condition = parse(written)
        expected = [row["position"] for row in table if matches(condition, row) is True]
        assert [row[0] for row in rows(store, "kinds", where=written, columns=["position"]).rows] == expected


def test_what_leaves_the_range_on_a_server_is_the_users_input(filled: Filled) -> None:
    store = filled.store
    assert matches(parse("depth * 1e300 * 1e300 > 0"), ROW) is None
    if store.dialect == "sqlite":
        assert rows(store, where="depth * 1e300 * 1e300 > 0").rows == []
    else:
        with pytest.raises(InputError, match="leaves the range of its type"):
            rows(store, where="depth * 1e300 * 1e300 > 0")
