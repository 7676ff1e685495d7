// The plots of rows, all of which show the same of them; and that of any column against any other.

const GROWTH_SIZES = ["luo", "eff_rf", "eff_square", "sigma_x", "hdr", "radial"];
const NUMBERS = ["int", "float", "bool"];
const NO_GROUP = null;

const isNumeric = (page, name) => NUMBERS.includes(page.column.get(name).kind);
const wordsOf = (values) => [...new Set(values.filter((value) => value !== null))].sort();
const withUnit = (page, name) => `${name} (${page.column.get(name)?.unit || "no unit"})`;

async function showPlots(page) {
  const { state } = page;
  const mine = (page.plotted = (page.plotted ?? 0) + 1);
  const names = new Set(["config", state.x, state.y, state.growth, "depth", "theo_rf", "theo_rf_y", state.stages]);
  if (page.column.has(state.colour)) names.add(state.colour);
  let found;
  try {
    found = await page.source.points({ ...page.query(), columns: [...names] });
  } catch (error) {
    page.tell(error);
    return;
  }
  if (mine !== page.plotted) return;
  $("points-note").textContent = found.ids.length < page.total
    ? `The plots show the first ${shownNumber(found.ids.length)} of ${count(page.total, "row")}, in the order of the ` +
      "sweep; a condition chooses others." : "";
  page.isDrawing = true;
  showScatter(page, found);
  showGrowth(page, found);
  showStages(page, found);
  selectPoints(state.selected);
  page.isDrawing = false;
  await showStageMaps(page);
}

function showScatter(page, found) {
  const { state } = page;
  const isLog = { x: state.logx && isNumeric(page, state.x), y: state.logy && isNumeric(page, state.y) };
  const groups = groupsOf(page, found);
  const there = (value, side) => value !== null && (!isLog[side] || value > 0);
  const kept = keep(page, found, state.x, state.y, groups.of, (x, y) => there(x, "x") && there(y, "y"));
  for (const side of ["x", "y"]) {
    const name = state[side];
    setLogarithmic(model("scatter"), side, isLog[side]);
    setWords(model("scatter"), side, isNumeric(page, name) ? null : wordsOf(found.columns[name]));
  }
  showPoints("scatter", { ...kept, groups: groups.names }, { x: withUnit(page, state.x), y: withUnit(page, state.y) },
    [["config", "@config"], ["id", "@id"], [state.x, "@across"], [state.y, "@up"]]);
  showLegend($("scatter-legend"), groups.names, kept.group, `no ${state.colour}`);
  const missing = found.ids.length - kept.id.length;
  $("scatter-note").textContent = missing
    ? `${shownNumber(missing)} of ${count(found.ids.length, "row")} have no ${state.x} or no ${state.y}` +
      `${isLog.x || isLog.y ? " above zero" : ""}.` : "";
}

// The rows that pass a test, as points of two columns.
function keep(page, found, x, y, group, test) {
  const rows = found.ids.map((_, i) => i).filter((i) => test(found.columns[x][i], found.columns[y][i], group[i]));
  const of = (values) => rows.map((i) => values[i]);
  const [across, up] = [of(found.columns[x]), of(found.columns[y])];
  return {
    id: of(found.ids), config: of(found.columns.config), group: of(group),
    x: placed(page, x, across, found), y: placed(page, y, up, found),
    across: across.map(cell), up: up.map(cell),
  };
}

// Where values are along an axis: numbers where they are, words at 0, 1, ... in their order.
function placed(page, name, values, found) {
  if (isNumeric(page, name)) return values.map(Number);
  const words = wordsOf(found.columns[name]);
  return values.map((value) => words.indexOf(value));
}

// The groups that colour the points: names, and the number of each row's group. Without any, all rows are of one.
function groupsOf({ column, state }, found) {
  const isFamily = state.colour === "family";
  if (isFamily ? !found.families.length : !column.has(state.colour)) return { names: [], of: found.ids.map(() => 0) };
  if (isFamily) return { names: found.families, of: found.family };
  const values = found.columns[state.colour];
  const isLess = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const names = [...new Set(values.filter((value) => value !== null))].sort(isLess);
  const number = new Map(names.map((value, i) => [value, i]));
  return {
    names: names.map((value) => `${state.colour} ${cell(value)}`),
    of: values.map((value) => number.get(value) ?? NO_GROUP),
  };
}

// A legend beside the plot and not in it: it hides no point, and a name in it is text.
// `none` names the points of no group, where others have one.
function showLegend(list, names, used, none) {
  const there = new Set(used);
  const entry = (group, name) => (there.has(group) ? [element("li", {}, signOf(group), name)] : []);
  const grouped = names.flatMap((name, i) => entry(i, name));
  list.replaceChildren(...grouped, ...(grouped.length ? entry(NO_GROUP, none) : []));
  list.hidden = !list.children.length;
}

const SHAPES = { circle: "●", square: "■", triangle: "▲", diamond: "◆", inverted_triangle: "▼", hex: "⬢" };

function signOf(number) {
  const made = element("span", { class: "sign", "aria-hidden": "true" }, SHAPES[markerOf(number)]);
  made.style.color = colourOf(number);
  return made;
}
