// `--where` in the browser: the language of docs/commands.md over columns that the page holds. Logic has three values:
// true, false, and null for what is asked of a missing value.

const NUMBER = /([\d.]+(?:[eE][+-]?\d+)?)/, TEXT = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/;
const NAME = /([A-Za-z_][\w.]*)/, SIGN = /(==|!=|<=|>=|[<>()+\-*/,])/;
const TOKEN = new RegExp(`\\s*(?:${[NUMBER, TEXT, NAME, SIGN].map((each) => each.source).join("|")})`, "y");
const COMPARE = {
  "==": (a, b) => a === b, "!=": (a, b) => a !== b, "<": (a, b) => a < b, "<=": (a, b) => a <= b,
  ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};
const ADVICE = "write one as kernel == 3 and ratio < 0.8";

function tokens(text) {
  const found = [];
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) {
      const near = JSON.stringify(text.slice(at, at + 20).trim());
      throw new Error(`the condition cannot be read at ${near}; ${ADVICE}`);
    }
    at = TOKEN.lastIndex;
    const [, number, quoted, name, sign] = match;
    if (number !== undefined) {
      if (Number.isNaN(Number(number))) throw new Error(`${number} is not a number; ${ADVICE}`);
      found.push({ kind: "number", value: Number(number) });
    } else if (quoted !== undefined) {
      found.push({ kind: "text", value: quoted.slice(1, -1).replace(/\\(.)/g, "$1") });
    } else {
      found.push({ kind: name === undefined ? "sign" : "name", value: name ?? sign });
    }
  }
  return found;
}

// The test of a row's number that a condition stands for; `columns` are {get, kind} by name, of kind number, truth or
// text.
function condition(text, columns) {
  const list = tokens(text);
  let at = 0;
  const peek = (value) => list[at] && list[at].kind !== "text" && list[at].value === value;
  const take = (value) => peek(value) && ++at > 0;
  const shown = () => (at < list.length ? JSON.stringify(String(list[at].value)) : "its end");
  const fail = (problem) => { throw new Error(`${problem}; ${ADVICE}`); };
  const need = (value) => take(value) || fail(`the condition lacks ${value} before ${shown()}`);

  function some() {
    const parts = [every()];
    while (take("or")) parts.push(every());
    return parts.length === 1 ? parts[0] : joined(parts, true);
  }
  function every() {
    const parts = [negated()];
    while (take("and")) parts.push(negated());
    return parts.length === 1 ? parts[0] : joined(parts, false);
  }
  function joined(parts, decisive) {
    for (const part of parts) mustBe(part, "condition");
    return made("condition", (row) => {
      let unknown = false;
      for (const part of parts) {
        const value = part.get(row);
        if (value === decisive) return decisive;
        unknown ||= value === null;
      }
      return unknown ? null : !decisive;
    });
  }
  function negated() {
    if (!take("not")) return comparison();
    const part = mustBe(negated(), "condition");
    return mapped("condition", part, (value) => !value);
  }
  function comparison() {
    let left = sum();
    const parts = [];
    for (;;) {
      const sign = list[at]?.kind === "sign" && COMPARE[list[at].value] && list[at++].value;
      if (sign) {
        const right = sum();
        parts.push(compared(COMPARE[sign], left, right));
        left = right;
      } else if (peek("in") || (peek("not") && list[at + 1]?.value === "in")) {
        const inverse = take("not");
        take("in");
        parts.push(within(left, options(), inverse));
      } else if (take("is")) {
        const inverse = take("not");
        need("None");
        const of = left;
        parts.push(made("condition", (row) => (of.get(row) === null) !== inverse));
      } else break;
    }
    if (!parts.length) return left.kind === "truth" ? made("condition", left.get) : left;
    return parts.length === 1 ? parts[0] : joined(parts, false);
  }
  function options() {
    need("(");
    const found = [];
    while (!take(")")) {
      found.push(sum());
      if (!peek(")")) need(",");
    }
    return found;
  }
  function within(left, parts, inverse) {
    const each = parts.map((part) => compared(COMPARE["=="], left, part));
    const any = joined(each, true);
    return mapped("condition", any, (value) => value !== inverse);
  }
  function compared(compare, left, right) {
    for (const side of [left, right]) if (side.kind === "condition") fail("a condition is compared with a value");
    if ((left.kind === "text") !== (right.kind === "text")) {
      fail("text is compared with what is not text: text stands in quotes, numbers and columns without");
    }
    return made("condition", (row) => {
      const a = left.get(row), b = right.get(row);
      if (a === null || b === null) return null;
      return left.kind === "text" ? compare(a, b) : compare(Number(a), Number(b));
    });
  }
  function sum() { return arithmetic(product, "+", "-"); }
  function product() { return arithmetic(primary, "*", "/"); }
  function arithmetic(part, one, other) {
    let left = part();
    while (peek(one) || peek(other)) {
      const sign = list[at++].value, a = mustBe(left, "number"), b = mustBe(part(), "number");
      left = made("number", (row) => {
        const x = a.get(row), y = b.get(row);
        if (x === null || y === null) return null;
        const value = sign === "+" ? x + y : sign === "-" ? x - y : sign === "*" ? x * y : x / y;
        return Number.isFinite(value) ? value : null;
      });
    }
    return left;
  }
  function primary() {
    if (take("(")) { const inner = some(); need(")"); return inner; }
    if (take("-")) return mapped("number", mustBe(primary(), "number"), (value) => -value);
    const token = list[at++];
    if (!token || token.kind === "sign") { at--; fail(`the condition lacks a value before ${shown()}`); }
    if (token.kind !== "name") return made(token.kind, () => token.value);
    if (token.value === "True" || token.value === "False") return made("truth", () => token.value === "True");
    if (token.value === "like" && take("(")) return like();
    const name = token.value;
    if (!Object.hasOwn(columns, name)) {
      fail(`there is no column ${JSON.stringify(name)}: text stands in quotes, as in state == 'done'`);
    }
    return made(columns[name].kind, columns[name].get);
  }
  function like() {
    const of = mustBe(primary(), "text");
    need(",");
    const pattern = list[at++];
    if (pattern?.kind !== "text") { at--; fail("like takes a column and a pattern in quotes, as like(config, '4x*')"); }
    need(")");
    const escaped = (character) => character.replace(/[\\^$.*+?()[\]{}|\/-]/g, "\\$&");
    const written = [...pattern.value].map((each) => ({ "*": ".*", "?": "." })[each] ?? escaped(each));
    const regular = new RegExp(`^${written.join("")}$`, "su");
    return mapped("condition", of, (value) => regular.test(value));
  }
  function mustBe(part, kind) {
    if (part.kind === kind || (kind === "condition" && part.kind === "truth")) return part;
    if (kind === "number" && part.kind === "truth") return mapped("number", part, Number);
    return fail(kind === "condition" ? "a value stands where a condition should"
      : `text or a condition stands where a ${kind} should`);
  }
  function made(kind, get) {
    return { kind, get };
  }
  // What becomes of a value that is known.
  function mapped(kind, { get }, known) {
    return made(kind, (row) => {
      const value = get(row);
      return value === null ? null : known(value);
    });
  }

  const whole = mustBe(some(), "condition");
  if (at < list.length) fail(`the condition cannot be read from ${shown()} on`);
  return whole.get;
}
