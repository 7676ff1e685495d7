// What is selected: heatmaps, mass curves, and how each was made.

const SHOWN_UNSELECTED = 6; // heatmaps of the first rows, while nothing is selected
const SHOWN_SELECTED = 24;
const AS_GOOD_AS_ALL = 0.9995; // of the mass: where every curve has as much the axis ends
const SIZES = ["theo_rf", "eff_rf", "eff_square", "luo", "sigma_x", "ratio"];
const MADE_BY = ["stem", "seed", "probes", "probes_count", "probes_seed", "kernel_version", "numpy_version", "blas",
  "attempts", "reasons", "digest"];

async function showDetails(page) {
  const { selected } = page.state;
  const mine = (page.detailed = (page.detailed ?? 0) + 1);
  const wanted = selected.size ? [...selected].slice(0, SHOWN_SELECTED) : listedIds().slice(0, SHOWN_UNSELECTED);
  let found;
  try {
    found = await page.source.details(wanted);
  } catch (error) {
    page.tell(error);
    return;
  }
  if (mine !== page.detailed) return;
  $("details-note").textContent = selected.size > SHOWN_SELECTED
    ? `The first ${SHOWN_SELECTED} of ${shownNumber(selected.size)} selected are shown.`
    : selected.size || !found.length ? ""
    : "Nothing is selected: these are the first rows of the table. Select rows or points to see theirs.";
  $("image-part").hidden &&= !found.some(({ backdrop }) => backdrop); // once an image was there, it can be turned off
  drawBar(page.head.colours, page.state.scale);
  refill($("cards"), ...found.map((each) => card(page, each)));
  showCurves(page, found);
}

function showCurves(page, found) {
  const labels = found.map(({ values }) => values.config);
  const isTwice = (label) => labels.indexOf(label) !== labels.lastIndexOf(label);
  const called = found.map(({ id, values }, i) =>
    [shortened(labels[i]), ...(isTwice(labels[i]) ? [...layerOf(page, values), id] : [])].join(", "));
  const lines = found.flatMap(({ thumb }, i) => (thumb?.curve.length ? [{
    number: i, config: called[i], x: Array.from(thumb.curve, (_, r) => r * thumb.step),
    y: Array.from(thumb.curve, (share) => share / 65535),
  }] : []));
  showLines("curves", lines);
  showFrom0("curves", Math.max(1, ...lines.map(({ x, y }) => x[y.findIndex((share) => share >= AS_GOOD_AS_ALL)] ?? x.at(-1))));
  showLegend($("curves-legend"), called, lines.map((line) => line.number));
  $("curves-note").textContent = lines.length ? "" : "None of these has a heatmap that is not zero.";
}

function card(page, { id, thumb, values, backdrop, problem }) {
  const known = (name) => values[name] !== null && values[name] !== undefined && values[name] !== "{}";
  const unit = (name) => page.column.get(name)?.unit ?? "";
  const made = element("article", { class: "card", "aria-label": `${id} ${values.config}` },
    element("h3", {}, values.config),
    element("p", { class: "sub" }, [id, ...layerOf(page, values), values.state, ...cautions(values)].join(", ")));
  if (thumb) {
    const canvas = element("canvas", { role: "img", "aria-label": `heatmap of ${values.config}` });
    const below = page.state.image ? backdrop : null;
    drawHeatmap(canvas, { thumb, backdrop: below }, page.head, page.state.scale);
    made.append(canvas, element("p", { class: "sub" }, placeOf(thumb) + (below ? `; on ${below.said}` : "")));
    if (problem) made.append(element("p", { class: "note" }, problem));
  } else {
    made.append(element("p", { class: "empty" }, values.error ?? "not measured yet"));
  }
  made.append(element("dl", { class: "sizes" },
    ...definitions(SIZES.filter(known).map((name) => [name, `${cell(values[name])} ${unit(name)}`]))));
  made.append(element("details", { "data-key": id }, element("summary", { "data-key": id }, "How it was made"), element("dl", {},
    ...definitions(MADE_BY.filter(known).map((name) => [name, String(values[name])])),
    ...definitions([["command", element("code", {}, `erfsweep show ${id}`)],
      ["config", element("code", { class: "spec" }, indented(values.spec))]]))));
  return made;
}

// The layer of a result, where those of one network are on the page.
function layerOf({ stages }, { layer, mark }) {
  return stages?.names.length && layer !== null ? [`layer ${mark ?? layer}`] : [];
}

function cautions(values) {
  return [
    ...(values.dead ? ["dead: no probe's gradient reaches the input"] : []),
    ...(values.saturated && !values.is_global ? ["cut off: the window leaves the plane"] : []),
  ];
}

function placeOf({ height, width, block, top, left, plane }) {
  const { height: rows, width: columns } = extent({ height, width, block, top, left, plane });
  const reduced = block > 1 ? `, a dot is the mean of ${block} × ${block} px` : "";
  return `window ${rows} × ${columns} px from row ${top}, column ${left} of ${plane[0]} × ${plane[1]} px${reduced}`;
}

function indented(spec) {
  try {
    return JSON.stringify(JSON.parse(spec), null, 1);
  } catch {
    return spec ?? ""; // with escapes for what is not printable
  }
}
