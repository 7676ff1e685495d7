// The layers of networks: a size at each beside the theoretical receptive field, and their heatmaps in order.

const MOST_STAGES = 24; // heatmaps in a row, and so many are asked for at once
const THEORY_DASH = [6, 4];
const MOST_NAMED = 30; // layers along the axis
const LONGEST_NAME = 24; // characters of a layer along the axis
const IN_A_ROW = 32; // characters that fit side by side along the axis, on a screen of 360 pixels
const MOST_NETWORKS = 6; // that have a column in the table

// What the theory says along the axis of a size, as `theoretical_size` of the store has it.
function theoryOf({ theo_rf: wide, theo_rf_y: high }, size, i) {
  if (size.endsWith("_y")) return high[i];
  return size.endsWith("_x") || size === "eff_rf" ? wide[i] : Math.sqrt(wide[i] * high[i]);
}

function showStages(page, found) {
  const { state } = page;
  const { names, stages, of, at } = found.networks;
  const rows = of.flatMap((network, i) => (network === null ? [] : [i]));
  $("layers-part").hidden = !rows.length;
  page.stages = { names, maps: [] };
  if (!rows.length) return;
  const shown = [...new Set(rows.map((i) => at[i]))].sort((a, b) => a - b); // a condition may leave some out
  const place = new Map(shown.map((stage, x) => [stage, x]));
  const labels = shown.map((stage) => stages[stage]);
  const columns = { ...found.columns, stage: at.map((stage) => place.get(stage) ?? null) };
  const kept = rows.filter((i) => found.columns[state.stages][i] > 0);
  const pick = (values) => kept.map((i) => values[i]);
  const points = {
    id: pick(found.ids), config: pick(found.columns.config), group: pick(of), groups: names,
    x: pick(columns.stage), y: pick(found.columns[state.stages]),
    across: kept.map((i) => labels[columns.stage[i]]), up: pick(found.columns[state.stages]).map(cell),
  };
  const figure = model("layers");
  nameLayers(figure.below[0], labels);
  showPoints("layers", points, { x: "layer", y: withUnit(page, state.stages) },
    [["config", "@config"], ["network", "@family"], ["layer", "@across"], [state.stages, "@up"]]);
  const means = meansByFamily(points);
  const theories = theoryLines(found, rows, columns.stage, state.stages);
  showLines("layers", [...means, ...theories]);
  showLegend($("layers-legend"), names, kept.map((i) => of[i]), "");
  const missing = rows.length - kept.length;
  $("layers-note").textContent = [
    ...(missing ? [`${shownNumber(missing)} of ${count(rows.length, "row")} have no ${state.stages} above zero.`] : []),
    ...(means.length > MOST_NETWORKS ? [`The table has the first ${MOST_NETWORKS} of ${means.length} networks.`] : []),
  ].join(" ");
  showStageTable(labels, means, theories);
  page.stages.maps = names.map((_, network) => firstOfEach(found, rows.filter((i) => of[i] === network), columns, labels));
  chooseNetworks(page, names, new Set(rows.map((i) => of[i])));
}

// Names of layers along an axis, slanted where they would touch each other; of too many those at equal steps.
function nameLayers(axis, labels) {
  const step = Math.ceil(labels.length / MOST_NAMED);
  axis.ticker.ticks = labels.map((_, x) => x).filter((x) => x % step === 0);
  // A mark has neither sign; in the store of another program it may, and Bokeh would read it as TeX.
  const names = labels.map((label) => shortened(label, LONGEST_NAME).replace(/[$\\]/g, "?"));
  axis.major_label_overrides = new Map(names.map((name, x) => [x, name]));
  const longest = Math.max(...names.map((name) => name.length));
  const room = IN_A_ROW / axis.ticker.ticks.length; // characters of each
  axis.major_label_orientation = longest > room - 1 ? Math.PI / 4 : "horizontal";
}

// A dashed line for each stack of theoretical receptive fields. Networks that have layers in common and agree in them
// share one, so that a layer that has no result in one of them is known from another.
function theoryLines(found, rows, stage, size) {
  const networks = new Map();
  for (const i of rows) {
    const network = found.networks.of[i];
    if (!networks.has(network)) networks.set(network, new Map());
    if (found.columns.theo_rf[i]) networks.get(network).set(stage[i], theoryOf(found.columns, size, i));
  }
  const lines = [];
  for (const known of networks.values()) {
    const shared = lines.find((line) => {
      const common = [...known.keys()].filter((x) => line.has(x));
      return common.length && common.every((x) => line.get(x) === known.get(x));
    });
    if (shared) known.forEach((y, x) => shared.set(x, y)); else if (known.size) lines.push(known);
  }
  return lines.map((known) => {
    const x = [...known.keys()].sort((a, b) => a - b);
    return { number: null, config: "theoretical receptive field", x, y: x.map((each) => known.get(each)), dash: THEORY_DASH };
  });
}

function showStageTable(labels, means, theories) {
  const told = means.slice(0, MOST_NETWORKS);
  const heads = ["layer", ...(theories.length === 1 ? ["theory"] : []), ...told.map(({ config }) => config)];
  $("stage-heads").replaceChildren(...heads.map((head) => element("th", { scope: "col" }, head)));
  const lines = [...(theories.length === 1 ? theories : []), ...told];
  const at = ({ x, y }, stage) => (x.includes(stage) ? cell(y[x.indexOf(stage)]) : "-");
  $("stage-rows").replaceChildren(...labels.map((label, stage) => element("tr", {},
    element("th", { scope: "row" }, label), ...lines.map((line) => element("td", {}, at(line, stage))))));
}

// The first draw of each layer of a network, in order.
function firstOfEach(found, rows, { stage }, labels) {
  const first = new Map();
  for (const i of rows) if (!first.has(stage[i])) first.set(stage[i], { id: found.ids[i], name: labels[stage[i]] });
  return [...first].sort(([a], [b]) => a - b).map(([, each]) => each);
}

function chooseNetworks({ state }, names, there) {
  const named = names.flatMap((name, i) => (there.has(i) ? [element("option", { value: String(i) }, name)] : []));
  $("network").replaceChildren(...named);
  $("network").value = state.network;
  if ($("network").selectedIndex === -1) $("network").selectedIndex = 0;
}

async function showStageMaps(page) {
  const every = page.stages?.maps[Number($("network").value)] ?? [];
  const mine = (page.staged = (page.staged ?? 0) + 1);
  const steps = Math.min(every.length, MOST_STAGES);
  const maps = Array.from({ length: steps }, (_, i) => every[Math.round((i * (every.length - 1)) / Math.max(1, steps - 1))]);
  let found = [];
  try {
    if (maps.length) found = await page.source.details(maps.map(({ id }) => id));
  } catch (error) {
    page.tell(error);
    return;
  }
  if (mine !== page.staged) return;
  const thumbs = found.filter(({ thumb }) => thumb);
  const frame = thumbs.length ? hull(thumbs.map(({ thumb }) => extent(thumb))) : null;
  $("stage-note").textContent = every.length > steps ? `${steps} of ${every.length} layers, at equal distances.` : "";
  refill($("stage-maps"), ...found.map((each) =>
    element("li", {}, stageMap(page, each, maps.find(({ id }) => id === each.id).name, frame))));
  $("image-part").hidden &&= !found.some(({ backdrop }) => backdrop);
  showSelection(page);
}

// The smallest rectangle that holds all of these.
function hull(extents) {
  const top = Math.min(...extents.map((each) => each.top)), left = Math.min(...extents.map((each) => each.left));
  return {
    top, left, height: Math.max(...extents.map((each) => each.top + each.height)) - top,
    width: Math.max(...extents.map((each) => each.left + each.width)) - left,
  };
}

function stageMap(page, { id, thumb, values, backdrop }, name, frame) {
  const made = element("button", { type: "button", "data-id": id, onclick: () => page.select(new Set([id])) });
  if (thumb) {
    const canvas = element("canvas", { role: "img", "aria-label": `heatmap of layer ${name}` });
    drawHeatmap(canvas, { thumb, backdrop: page.state.image ? backdrop : null }, page.head, page.state.scale, frame);
    made.append(canvas);
  }
  const size = values.eff_rf === null ? (values.dead ? "dead" : values.state) : `${cell(values.eff_rf)} of ${cell(values.theo_rf)} px`;
  made.append(element("span", {}, name), element("span", { class: "sub" }, size));
  return made;
}
