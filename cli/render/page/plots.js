// The figures of Bokeh: their data, their axes and the colours of the page.

// Okabe and Ito's colours, which the colour-blind tell apart and which are seen on white and on black.
const COLOURS = ["#0072b2", "#e08e00", "#009e73", "#d55e00", "#b8659b", "#3fa7e0"];
const NEUTRAL = "#8a8a8a"; // of points that belong to no group, where others do
const MARKERS = ["circle", "square", "triangle", "diamond", "inverted_triangle", "hex"];
const LINKED_PLOTS = ["scatter", "growth", "layers"]; // whose points are selected together
const DASHES = [[], [6, 3], [2, 3]];
const LONGEST = 60; // characters of a label in a tooltip

const colourOf = (number) => (number === null ? NEUTRAL : COLOURS[number % COLOURS.length]);
const markerOf = (number) => MARKERS[Math.floor((number ?? 0) / COLOURS.length) % MARKERS.length];
const shortened = (text, most = LONGEST) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function model(name) {
  for (const each of Bokeh.documents) {
    const found = each.get_model_by_name(name);
    if (found) return found;
  }
  return null;
}

async function figuresReady() {
  while (!model("curves")) await new Promise((resolve) => setTimeout(resolve, 10));
}

function axesOf(figure) {
  return { x: figure.below, y: figure.left };
}

function named(figure, { x, y }) {
  for (const axis of figure.below) axis.axis_label = x;
  for (const axis of figure.left) axis.axis_label = y;
}

// Points as {id, config, x, y, group}; a group is a number, or null.
function showPoints(name, points, labels, tooltips) {
  named(model(name), labels);
  model(`${name}-hover`).tooltips = tooltips;
  const source = model(`${name}-points`);
  if (source.selected.indices.length) source.selected.indices = [];
  source.data = {
    id: points.id, config: points.config.map((label) => shortened(label)),
    x: points.x, y: points.y, across: points.across, up: points.up,
    family: points.group.map((group) => points.groups[group] ?? ""),
    color: points.group.map(colourOf), marker: points.group.map(markerOf),
  };
}

function showLines(name, lines) {
  model(`${name}-lines`).data = {
    xs: lines.map((line) => line.x), ys: lines.map((line) => line.y),
    config: lines.map((line) => line.config),
    color: lines.map((line) => colourOf(line.number)),
    dash: lines.map((line) => line.dash ?? DASHES[Math.floor(line.number / COLOURS.length) % DASHES.length]),
  };
}

// An axis from 0 to a little beyond `end`, where `reset` brings it back to.
function showFrom0(name, end) {
  const range = model(name).x_range, last = end * 1.04;
  range.setv({ start: 0, end: last, reset_start: 0, reset_end: last });
}

function selectPoints(ids) {
  for (const name of LINKED_PLOTS) {
    const source = model(`${name}-points`);
    const found = ids.size ? source.data.id.flatMap((id, i) => (ids.has(id) ? [i] : [])) : [];
    if (found.length || source.selected.indices.length) source.selected.indices = found; // each time all is drawn anew
  }
}

function onPointsSelected(heard) {
  for (const name of LINKED_PLOTS) {
    const source = model(`${name}-points`);
    const ids = () => source.selected.indices.map((i) => source.data.id[i]);
    source.selected.properties.indices.change.connect(() => heard(ids()));
  }
}

// Text along an axis: its words, in their order, stand at 0, 1, ...
function setWords(figure, side, words) {
  const [linear] = axesOf(figure)[side];
  linear.ticker.min_interval = words ? 1 : 0;
  linear.major_label_overrides = new Map((words ?? []).map((word, i) => [i, word]));
}

// Linear and logarithmic axes stand side by side, and one of each is shown.
function setLogarithmic(figure, side, is) {
  const [linear, log] = axesOf(figure)[side];
  linear.visible = !is;
  log.visible = is;
  const scale = `${side}_scale`;
  figure.linear ??= { x_scale: figure.x_scale, y_scale: figure.y_scale };
  figure[scale] = is ? figure.tags[side === "x" ? 0 : 1] : figure.linear[scale];
  for (const grid of figure.center) {
    if (grid.axis && grid.dimension === (side === "x" ? 0 : 1)) grid.axis = is ? log : linear;
  }
}

function paint(figures, ink, faint) {
  for (const figure of figures) {
    for (const axis of [...figure.below, ...figure.left]) {
      axis.setv({
        axis_label_text_color: ink, axis_label_text_font_style: "normal", major_label_text_color: ink,
        axis_line_color: ink, major_tick_line_color: ink, minor_tick_line_color: faint,
      });
    }
    for (const grid of figure.center) if (grid.axis) grid.grid_line_color = faint;
  }
}
