// How a size grows in families of plain stacks: their draws as points, the means, and the power law through these.

const WITH_INTERVALS = 6; // families whose laws are drawn with their intervals, as `erfsweep plot growth` has it
const STEPS = 24; // of an interval along its axis
const INTERVAL_DASH = [1, 4];
const EQUAL = 1e-6; // as `power_law` of the pipeline: logarithms no further apart are one x

function showGrowth(page, found) {
  const { state, head } = page;
  const { along, growth: size } = state;
  // As `theoretical_size` of the store has it: of a size that has no axis, the root of the area.
  const theory = found.ids.map((_, i) => theoryOf(found.columns, size, i));
  const grown = { ...found, columns: { ...found.columns, theo_rf: theory } };
  const isDraw = (x, y, family) => family !== null && x > 0 && y !== null;
  const draws = { ...keep(page, grown, along, size, found.family, isDraw), groups: found.families };
  const points = keep(page, grown, along, size, found.family, (x, y, family) => isDraw(x, y, family) && y > 0);
  const [name, unit] = along === "depth" ? ["depth", "layers"] : ["theoretical RF", "px"];
  showPoints("growth", { ...points, groups: found.families }, { x: `${name} (${unit})`, y: withUnit(page, size) },
    [["config", "@config"], ["family", "@family"], [name, "@across"], [size, "@up"]]);
  const lines = meansByFamily(draws).filter((line) => line.x.length);
  const laws = lines.map((line) => powerLaw(line.x, line.y, head.student));
  const isWithIntervals = lines.length <= WITH_INTERVALS;
  showLines("growth", [...lines, ...(isWithIntervals ? lines.flatMap((line, i) => intervalLines(line, laws[i])) : [])]);
  const number = (value) => element("td", { class: "number" }, value);
  $("slopes").replaceChildren(...lines.map((line, i) =>
    element("tr", {}, element("th", { scope: "row" }, signOf(line.number), line.config),
      ...lawCells(laws[i]).map(number), number(line.x.length), number(line.draws))));
  $("slopes-part").hidden = !lines.length;
  $("growth-note").textContent = !lines.length ? `There is no plain stack with a ${size} above 0 here.`
    : "The slope is that of the power law through the means of a family, with its 95 % interval, as the command " +
      "erfsweep growth has them." +
      (isWithIntervals && laws.some((law) => law?.half) ? " Dotted: the 95 % interval of the fitted mean." : "");
}

// For each family the means above 0 at each x, as lines that rise from left to right.
function meansByFamily(points) {
  const families = new Map();
  points.x.forEach((x, i) => {
    if (!families.has(points.group[i])) families.set(points.group[i], new Map());
    const at = families.get(points.group[i]);
    if (!at.has(x)) at.set(x, []);
    at.get(x).push(points.y[i]);
  });
  return [...families].map(([number, at]) => {
    const x = [...at.keys()].sort((a, b) => a - b).filter((each) => mean(at.get(each)) > 0);
    const y = x.map((each) => mean(at.get(each)));
    return { number, config: points.groups[number], x, y, draws: x.map((each) => at.get(each)).flat().length };
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// Values less their mean, and it; equal values are exactly their mean, which a rounded sum would miss.
function centred(values) {
  const around = values.map((value) => value - values[0]), shift = mean(around);
  return { middle: values[0] + shift, around: around.map((value) => value - shift) };
}

const product = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

// The least-squares line through logarithms, as `power_law` of the pipeline: its slope, the half-width of the slope's
// interval (null of fewer than three points), and what `intervalLines` needs. Null where there are no two different x.
function powerLaw(x, y, student) {
  const logs = x.map(Math.log);
  if (Math.max(...logs) - Math.min(...logs) <= EQUAL) return null;
  const across = centred(logs), up = centred(y.map(Math.log));
  const spread = product(across.around, across.around);
  const slope = product(across.around, up.around) / spread;
  const left = up.around.map((value, i) => value - slope * across.around[i]);
  const freedom = x.length - 2;
  const half = freedom > 0
    ? studentOf(freedom, student) * Math.sqrt(product(left, left) / freedom / spread) : null;
  return { slope, half, spread, middle: across.middle, height: up.middle };
}

// Beyond the quantiles that are known: linear in 1 / freedom, down to the last, which is that of infinity.
function studentOf(freedom, quantiles) {
  const known = quantiles.length - 1, limit = quantiles[known];
  return freedom <= known ? quantiles[freedom - 1] : limit + ((quantiles[known - 1] - limit) * known) / freedom;
}

// The slope and its interval as text.
function lawCells(law) {
  const shown = (value) => value.toFixed(3).replace(/^-(?=0\.0*$)/, "");
  if (!law) return ["-", "-"];
  const { slope, half } = law;
  return [shown(slope), half === null ? "-" : `[${shown(slope - half)}, ${shown(slope + half)}]`];
}

// The ends of the 95 % interval of the fitted mean, as `line_interval` of the pipeline, none where there is no spread.
function intervalLines({ number, config, x }, law) {
  if (!law?.half) return [];
  const [first, last] = [Math.log(x[0]), Math.log(x.at(-1))];
  const at = Array.from({ length: STEPS + 1 }, (_, i) => first + ((last - first) * i) / STEPS);
  const edge = (side) => at.map((each) => {
    const half = law.half * Math.sqrt(law.spread / x.length + (each - law.middle) ** 2);
    return Math.exp(law.height + law.slope * (each - law.middle) + side * half);
  });
  return [-1, 1].map((side) => ({ number, config, x: at.map(Math.exp), y: edge(side), dash: INTERVAL_DASH }));
}
