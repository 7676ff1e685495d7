"""`--where`: what it means, in SQL and in Python alike, and what it refuses."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import case, cast, literal, select

from pipeline.config import Config, Init
from pipeline.config.config import Plane
from pipeline.errors import InputError
from pipeline.result import Sizes
from store.asking.query import rows
from store.asking.where import parse
from store.asking.where_match import like, matches
from store.asking.where_sql import where_clause
from store.asking.where_tree import Condition, Not, fields_of
from store.database.connection import Store
from store.database.types import INTEGER, REAL, TEXT, TRUTH
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save, save_sizes
from store.queue.sweeps import submit
from tests.clock import costs_at_most, ends_within
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
        ("saturated", None),
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
        ("- - -kernel == -3 and --kernel == 3 and not not not dead", True),
        (" + ".join(["kernel"] * 15) + " == 45", True),
        (" + ".join(["kernel"] * 100) + " - kernel == 297", True),
        ("depth - kernel - 1 == 0 and depth - (kernel - 1) == 2", True),
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
        ("kernel ==", "cannot be read"),
        ("kernel", "'kernel' is a value, not a condition"),
        ("config", "'config' is a value, not a condition"),
        ("3", "is a value, not a condition"),
        ("kernel and depth", "'kernel' is a value, not a condition"),
        ("config == 3", "'config' is text and cannot be compared with '3'"),
        ("3 < config", "'config' is text and cannot be compared with '3'"),
        ("config + 'a' == 'b'", "'config' is text and cannot be computed with"),
        ("-config == 'b'", "'config' is text"),
        ("kernel ** 2 == 9", "is not part of --where"),
        ("kernel % 2 == 1", "is not part of --where"),
        ("kernel // 2 == 1", "is not part of --where"),
        ("__import__('os').system('true') == 0", "is not a function of --where"),
        ("(lambda: 1)() == 1", "is not a function of --where"),
        ("kernel.real == 3", "has a dot in it"),
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
        ("1 + " * 450 + "1 == 3", "at most 400 terms"),
        ("1 < " * 450 + "1", "at most 400 terms"),
        ("kernel + (" * 10 + "1" + ")" * 10 + " == 3", "at most 10 levels"),
        ("dead and not (" * 10 + "dead" + ")" * 10, "at most 10 levels"),
        ("-" * 1900 + "(-kernel) == '3'", "cannot be compared with"),
        ("   ", "is empty"),
    ],
)
def test_refuses(expression: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("kernel = 3", "'=' in .* write `==`"),
        ("kernel === 3", "'===' .* write `==`"),
        ("kernel := 3", "':=' .* write `==`"),
        ("kernel <> 3", "'<>' .* write `!=`"),
        ("kernel !== 3", "'!==' .* write `!=`"),
        ("kernel ≠ 3", "write `!=`"),
        ("kernel =< 3", "'=<' .* write `<=`"),
        ("kernel => 3", "'=>' .* write `>=`"),
        ("kernel ≤ 3 and depth ≥ 4", "write `<=`"),
        ("kernel == 3 && depth == 4", "'&&' .* write `and`"),
        ("(kernel == 3) & (depth == 4)", "'&' .* write `and`"),
        ("kernel == 3 || depth == 4", "write `or`"),
        ("(kernel == 3) | (depth == 4)", "write `or`"),
        ("!dead", "'!' .* write `not`"),
        ("~dead", "write `not`"),
        ("kernel == 3 AND depth == 4", "'AND' .* write `and`"),
        ("kernel == 3 OR depth == 4", "'OR' .* write `or`"),
        ("NOT dead", "'NOT' .* write `not`"),
        ("kernel IN (3, 5)", "'IN' .* write `in`"),
        ("luo IS None", "'IS' .* write `is`"),
        ("depth between 2 and 4", "write `2 <= depth <= 4`"),
        ("depth BETWEEN 2 AND 4", "write `2 <= depth <= 4`"),
        ("luo is null", "'null' .* write `is None`"),
        ("luo IS NOT NULL", "write `is`"),
        ("luo == NULL", "'NULL' .* write `is None` or `is not None`"),
        ("luo != nil", "'nil' .* write `is None`"),
        ("luo == nan", "'nan' .* write `is None`"),
        ("luo == None", r"write `luo is None`"),
        ("luo != None", r"write `luo is not None`"),
        ("None == luo", r"write `luo is None`"),
        ("luo < None", "'None' stands after `is` alone; write `is None`"),
        ("luo in (1, None)", "'None' stands after `is` alone"),
        ("luo not in (1, None)", "'None' stands after `is` alone"),
        ("None", "'None' stands after `is` alone"),
        ("-None == 3", "'None' stands after `is` alone"),
        ("luo + None == 3", "'None' stands after `is` alone"),
        ("dead == true", "'true' .* write `True`"),
        ("dead == FALSE", "'FALSE' .* write `False`"),
        ("config == 4x3x3", r"'4x3x3' .* text stands in quotes, as in config == '4x3x3'"),
        ("config == 7x7/2:64", "'7x7/2:64' .* text stands in quotes, as in config == '7x7/2:64'"),
        ("config == dw5x5", "'dw5x5' .* is a stem; text stands in quotes"),
        ("state == done", "no column 'done'.* text stands in quotes, as in state == 'done'"),
        ("config like '4x*'", r"'like' .* write like\(config, '4x\*'\)"),
        ("config LIKE '4x*'", r"'LIKE' .* write like\(config, '4x\*'\)"),
        ("LIKE(config, '4x*')", "'LIKE' .* write `like`"),
        ("config =~ '4x'", r"write like\(config, '4x\*'\)"),
        ("config glob '4x*'", r"write like\(config, '4x\*'\)"),
        ("contains(config, '4x')", r"write like\(config, '4x\*'\)"),
        ("config.startswith('4x')", "'startswith' .*write like"),
        ("abs(luo) > 3", "'abs' is not a function of --where; it has like"),
        ("max(kernel) == 3", "'max' is not a function of --where"),
        ("kernel.real == 3", "'kernel.real' has a dot in it"),
        ("kernel in 3", r"'3' is not a list; write `in \(3,\)`"),
        ("kernel in (3)", r"'3' is not a list; write `in \(3,\)`, or =="),
        ("kernel in range(1, 4)", "write `1 <= kernel < 4`"),
        ("seed in range(20)", "write `0 <= seed < 20`"),
        ("kernel in range(1, 9, 2)", r"write `in \(1, 2, 4\)`"),
        ("config == 7x7/2:64 max3x3/2", r"'7x7/2:64 max3x3/2' .* is a stem"),
        ("kernel in 1, 2", r"join conditions by `and`, and write lists as in depth in \(1, 2\)"),
        ("kernel == 3, depth == 4", "join conditions by `and`"),
        ("`kernel` == 3", "names of columns stand without quotes"),
        ("config == “4x3x3”", "write straight quotes"),
        ("kernel == 3 # and more", "there are no comments"),
        ("kernel == 3 depth == 4", "cannot be read: invalid syntax"),
        ("stem == res(3x3)", r"'res\(3x3\)' .* is a stem; text stands in quotes, as in stem == 'res\(3x3\)'"),
        ("luo > 2 and stem != 7x7/2:64 max3x3/2 or dead", "text stands in quotes, as in stem == '7x7/2:64 max3x3/2'"),
        ("config = 2xres(3x3:8 3x3)", r"as in config == '2xres\(3x3:8 3x3\)'"),
        ("stem == 3x3=gelu", "as in stem == '3x3=gelu'"),
        ("stem == gap", "'gap' .* is a stem; text stands in quotes"),
        ("like(config, '4x*') == True", r"is a condition; compare it with nothing, and write `not like\(...\)`"),
        ("'3x3' in stem", r"'stem' is not a list; write `like\(stem, '\*3x3\*'\)`"),
        ("seed == '3'", "is text, and 'seed' is not; write 3 without quotes"),
        ("dead == 'yes'", "is text, and 'dead' is not; numbers, True and False stand without quotes"),
        ("probes.count == '16'", "is text, and 'probes.count' is not; write 16 without quotes"),
        ("probes.cnt == 16", "'probes.cnt' has a dot in it, and is no path of a config such as probes.count"),
        ("KERNEL == 3", "no column 'KERNEL'; did you mean kernel"),
        ("sizes > 3", "'sizes' stands for several columns, which --columns takes; name one of them here"),
        ("eff_rf@0.5 > 3", "'@' .* --where asks for the stored sizes; write eff_rf"),
        ("luo > 50%", "'%' .* write a share as a number, as 0.5"),
        ("kernel ^ 2 == 9", r"'\^' .* there are no powers; write `kernel \* kernel`"),
        ("state == 'done';", "';' .* a condition is one expression"),
        ("where kernel == 3", "'where' .* leave it out"),
        ("kernel == 3 ORDER BY luo", "'ORDER' .* --columns, --sort, --limit and --over do that"),
        ("isnan(luo)", "'isnan' .* write `is None` or `is not None`"),
        ("config == '4x3x3", "unterminated string literal"),
    ],
)
def test_what_belongs_to_another_language_has_its_cure(expression: str, advice: str) -> None:
    with pytest.raises(InputError, match=advice):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "config == 'null' or config == '4x3x3 = relu && AND `x` # ≠'",
        'config == "it\'s <> NULL"',
        "ratio < 1e-3 or ratio > 1.5E+3 or kernel == 0x10 or seed == 1_000 or luo < .5",
        "kernel>=3 and(depth!=4)or not(dead)",
        "stem == config or label != '3x3' and stem == '3x3' or config == \"gap\"",
        "probes.count == 16 and init.kind in ('normal', 'he_normal') or -init.seed < 3",
    ],
)
def test_what_is_in_quotes_and_in_numbers_is_left_alone(expression: str) -> None:
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
    st.sampled_from(["params", "macs", "bytes", "layer", "unit_x", "position", "probes.count", "init.seed"]),
    st.integers(-4, 12).map(str),
    st.integers(-40, 40).map(lambda number: str(number / 8)),
    st.sampled_from(["True", "0", "0.0"]),
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
    [
        "config",
        "stem",
        "label",
        "sweep",
        "init.kind",
        "activation",
        "error",
        "state",
        "'relu'",
        "'4x 3x3'",
        "''",
        '"it\'s"',
        "'ü'",
    ]
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
        st.sampled_from(["dead", "saturated", "True", "False"]),
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
    return Filled(lasting_store, [*rows(lasting_store, "kinds").dicts()])


@given(_CONDITIONS)
@settings(max_examples=150, deadline=None)
@example("- -depth == depth")
@example("depth - -1 == 3 or depth - (depth - 2) == 2")
@example("depth / kernel / 2 == depth / (kernel * 2)")
@example("1 == 1 == 1 in (1, 2.5)")
def test_sql_and_python_agree(filled: Filled, expression: str) -> None:
    store, table = filled.store, filled.table
    for written in (expression, f"not ({expression})"):
        condition = parse(written)
        expected = [row["position"] for row in table if matches(condition, row) is True]
        assert [row[0] for row in rows(store, "kinds", where=written, columns=["position"]).rows] == expected


_OUT_OF_RANGE = [
    "depth * 1e300 * 1e300",
    "depth * 1e300 * 1e300 / 1e300",  # it does not come back
    "1 / (depth * 1e300 * 1e300 + 1)",
    "1 / -(depth * 1e300 * 1e300)",
]


@pytest.mark.parametrize("value", _OUT_OF_RANGE)
def test_what_leaves_the_range_is_null_or_on_a_server_the_users_input(filled: Filled, value: str) -> None:
    store = filled.store
    assert matches(parse(f"{value} == 0"), ROW) is None
    assert matches(parse(f"{value} is None"), ROW) is True
    if store.dialect == "sqlite":
        assert rows(store, where=f"{value} == 0").rows == []
        known = [row["position"] for row in filled.table if row["depth"] is not None]
        found = rows(store, "kinds", where=f"depth is not None and {value} is None", columns=["position"]).rows
        assert [row[0] for row in found] == known
    else:
        with pytest.raises(InputError, match="leaves the range of its type"):
            rows(store, where=f"{value} > 0")


_LONG = [
    "-" * 1_990 + "kernel == 3",
    "not " * 490 + "dead",
    "(" * 190 + "kernel == 3" + ")" * 190,
    " + ".join(["kernel"] * 220) + " == 1",
    " / ".join(["kernel"] * 220) + " == 1",
    "1+" * 390 + "1 == kernel",
    "1<" * 390 + "kernel",
    " and ".join(["dead"] * 220),
    f"kernel in ({','.join('1' * 980)})",
    f"like(config, '{'*3' * 900}')",
    "kernel / (" * 7 + "1 - depth" + ")" * 7 + " == 3",
    "kernel / -(" * 4 + "depth" + ")" * 4 + " == 3",
    "dead or not (saturated and " * 2 + "kernel in (1, 2 / (depth - 1))" + ")" * 2,
]


@pytest.mark.parametrize("expression", [each for each in _LONG if len(each) <= 2_000], ids=lambda each: each[:12])
def test_the_longest_expressions_are_answered_soon(filled: Filled, expression: str) -> None:
    with costs_at_most(10), ends_within(60):  # 0.1 s; twenty signs more once took two minutes
        condition = parse(expression)
        expected = [row["position"] for row in filled.table if matches(condition, row) is True]
        found = rows(filled.store, "kinds", where=expression, columns=["position"]).rows
    assert [row[0] for row in found] == expected


_PIECES = st.sampled_from(
    [
        *("kernel", "depth", "dead", "config", "luo", "spec", "like(", "(", ")", "[", "]", "{", "}", ",", ":", ";"),
        *("+", "-", "*", "/", "**", "//", "%", "@", "<", "<=", "==", "!=", "=", "<>", "&&", "|", "!", "~", ":="),
        *(" and ", " or ", " not ", " in ", " is ", " None ", " if ", " else ", " for ", "lambda ", "await ", "*"),
        *("1", "0", "1e308", "1e-320", "9223372036854775807", "0x", "1_", "1j", "'4x*'", '"', "'", "b'", "f'{", "\\"),
        *("'", "\u202e", "\x1b", "\ud800", "é", "ｋ", "４", "…", "#", "\n", " ", "\t", "\0", "`", "$", "?"),
    ]
)


@given(st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=60)))
@settings(max_examples=400, deadline=None)
def test_any_text_is_answered_alike_or_refused_in_a_sentence(filled: Filled, expression: str) -> None:
    said = ""
    try:
        condition = parse(expression)
    except InputError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 500
    if said:
        return
    expected = [row["position"] for row in filled.table if matches(condition, row) is True]
    try:
        found = rows(filled.store, "kinds", where=expression, columns=["position"]).rows
    except InputError:
        assert filled.store.dialect == "postgresql"  # out of the range of a type
        return
    assert [row[0] for row in found] == expected
