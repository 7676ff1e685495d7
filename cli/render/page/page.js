// The page: what is asked, what is shown, what is selected, and its link.

const $ = (id) => document.getElementById(id);
const PAGE_SIZES = [25, 50, 200];
const SHOWN_UNSELECTED = 6; // heatmaps of the first rows, while nothing is selected
const SHOWN_SELECTED = 24;
const LINKED = 100; // rows of a selection that a link names: an address of many thousand characters opens nowhere
const FOLDED = 600; // characters of what was written, above which it is folded
const GROWTH_SIZES = ["luo", "eff_rf", "eff_square", "sigma_x", "hdr", "radial"];
const NUMBERS = ["int", "float", "bool"];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function cell(value, kind) {
  if (value === null) return "-";
  if (kind === "bool" || typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return value;
  if (Number.isInteger(value)) return Math.abs(value) < 1e9 ? value.toLocaleString("en") : value.toPrecision(4);
  return String(Number(value.toPrecision(4)));
}

async function start(source) {
  const head = source.head;
  const column = new Map(head.columns.map((each) => [each.name, each]));
  const withUnit = (name) => `${name} (${column.get(name)?.unit || "no unit"})`;
  const state = { where: "", text: "", sort: "", page: 0, size: 50, columns: head.shown, x: "theo_rf", y: "luo", colour: "family",
    logx: false, logy: false, growth: "luo", along: "depth", scale: "linear", selected: new Set() };
  const defaults = link();
  let asked = 0, total = 0;

  // The link: what differs from what the page begins with.
  function link() {
    const { selected, columns, ...rest } = state;
    return { ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)])),
      columns: columns.join(","), selected: selected.size > LINKED ? "" : [...selected].join(",") };
  }
  function remember() {
    const told = new URLSearchParams(Object.entries(link()).filter(([key, value]) => value !== defaults[key]));
    if (head.live && head.sweep) told.set("sweep", head.sweep);
    const text = told.toString();
    history.replaceState(null, "", head.live ? `?${text}` : text ? `#${text}` : location.pathname.split("/").pop());
  }
  function recall() {
    const told = new URLSearchParams(head.live ? location.search : location.hash.slice(1));
    for (const [key, value] of told) {
      if (key === "selected") state.selected = new Set(value.split(",").filter(Boolean));
      else if (key === "columns") state.columns = value.split(",").filter((name) => column.has(name));
      else if (key === "page") state.page = Math.max(0, Math.floor(Number(value)) || 0);
      else if (key === "size") state.size = PAGE_SIZES.includes(Number(value)) ? Number(value) : 50;
      else if (typeof state[key] === "boolean") state[key] = value === "true";
      else if (key === "sort") state.sort = column.has(value.replace(/^-/, "")) ? value : "";
      else if (["x", "y"].includes(key)) state[key] = column.has(value) && (isNumber(value) || head.coloured.includes(value)) ? value : state[key];
      else if (key in state) state[key] = value;
    }
  }

  // The table.
  async function showRows() {
    const mine = ++asked;
    const began = performance.now();
    let found;
    try {
      found = await source.rows({ ...query(), sort: state.sort, offset: state.page * state.size, count: state.size,
        columns: state.columns });
    } catch (error) {
      return mine === asked && wrong(error);
    }
    if (mine !== asked) return null;
    if (!found.rows.length && state.page) {
      state.page = Math.max(0, Math.ceil(found.total / state.size) - 1);
      return showRows();
    }
    wrong(null);
    total = found.total;
    const numbers = state.columns.map((name) => ["int", "float"].includes(column.get(name).kind));
    $("heads").replaceChildren(element("th", { scope: "col" }, element("span", { class: "hidden" }, "selected")),
      ...state.columns.map((name, i) => heading(name, numbers[i])));
    $("rows").replaceChildren(...found.rows.map((values, i) => tableRow(found.ids[i], values, numbers)));
    $("none").hidden = found.rows.length > 0;
    const first = state.page * state.size + 1;
    const pages = Math.max(1, Math.ceil(found.total / state.size));
    $("total").textContent = found.total === found.all ? `${count(found.all, "row")}` : `${found.total.toLocaleString("en")} of ${count(found.all, "row")}`;
    $("where-in-pages").textContent = found.total ? `rows ${first.toLocaleString("en")} to ${(first + found.rows.length - 1).toLocaleString("en")}, page ${state.page + 1} of ${pages}` : "";
    $("previous").disabled = state.page === 0;
    $("next").disabled = state.page >= pages - 1;
    showSelection();
    document.documentElement.dataset.answered = String(performance.now() - began);
    return found;
  }
  function heading(name, isNumber) {
    const { unit, about } = column.get(name);
    const direction = state.sort === name ? "ascending" : state.sort === `-${name}` ? "descending" : "none";
    const arrow = { ascending: " ▲", descending: " ▼", none: "" }[direction];
    const sort = () => {
      state.sort = direction === "none" ? name : direction === "ascending" ? `-${name}` : "";
      state.page = 0;
      changed({ points: false }).then(() => document.querySelector(`#heads button[data-name="${name}"]`)?.focus());
    };
    return element("th", { scope: "col", class: isNumber ? "number" : null, "aria-sort": direction, title: about },
      element("button", { type: "button", "data-name": name, onclick: sort }, `${name}${unit ? ` [${unit}]` : ""}${arrow}`));
  }
  function tableRow(id, values, numbers) {
    const label = values[state.columns.indexOf("config")] ?? "";
    const box = element("input", { type: "checkbox", "data-id": id, "aria-label": `select ${id} ${label}`, onchange: () => toggle(id, box.checked) });
    box.checked = state.selected.has(id);
    const cells = values.map((value, i) => element("td", { class: numbers[i] ? "number" : "text", title: value === null ? null : String(value) },
      cell(value, column.get(state.columns[i]).kind)));
    return element("tr", { "data-id": id, class: box.checked ? "selected" : null, onclick: (event) => {
      if (event.target !== box && !String(getSelection())) select(new Set([id]));
    } }, element("td", {}, box), ...cells);
  }
  function toggle(id, is) {
    const ids = new Set(state.selected);
    if (is) ids.add(id); else ids.delete(id);
    select(ids);
  }
  function select(ids, fromPlot = false) {
    state.selected = ids;
    remember();
    showSelection();
    if (!fromPlot) { heard.off = true; selectPoints(ids); heard.off = false; }
    showDetails();
  }
  function showSelection() {
    for (const row of $("rows").children) {
      const is = state.selected.has(row.dataset.id);
      row.classList.toggle("selected", is);
      row.querySelector("input").checked = is;
    }
    const number = state.selected.size;
    $("selection").textContent = number ? `${number.toLocaleString("en")} selected` : "nothing selected";
    $("clear-selection").disabled = !number;
  }
  const heard = (ids) => { if (!heard.off) select(new Set(ids), true); };

  // The plots.
  async function showPlots() {
    const names = [...new Set(["config", state.x, state.y, state.growth, state.along, ...(column.has(state.colour) ? [state.colour] : [])])];
    let found;
    try { found = await source.points({ ...query(), columns: names }); } catch (error) { return wrong(error); }
    $("points-note").textContent = found.ids.length < total ? `The plots show the first ${found.ids.length.toLocaleString("en")} of ${total.toLocaleString("en")} rows, in the order of the sweep; a condition chooses others.` : "";
    const of = found.columns, grouped = groupsOf(found);
    heard.off = true;
    const logx = state.logx && isNumber(state.x), logy = state.logy && isNumber(state.y);
    const kept = keep(found, state.x, state.y, grouped.of, (x, y) => x !== null && y !== null && (!logx || x > 0) && (!logy || y > 0));
    for (const [side, is] of [["x", logx], ["y", logy]]) {
      setLogarithmic(model("scatter"), side, is);
      setWords(model("scatter"), side, isNumber(state[side]) ? null : wordsOf(of[state[side]]));
    }
    showPoints("scatter", { ...kept, groups: grouped.names }, { x: withUnit(state.x), y: withUnit(state.y) },
      [["config", "@config"], ["id", "@id"], [state.x, "@across"], [state.y, "@up"]]);
    legend($("scatter-legend"), grouped.names, kept.group);
    $("scatter-note").textContent = note(kept.x.length, found.ids.length, state.x, state.y);
    const families = keep(found, state.along, state.growth, found.family, (x, y, family) => family !== null && x > 0 && y > 0);
    const grown = { ...families, groups: found.families };
    showPoints("growth", grown, { x: withUnit(state.along), y: withUnit(state.growth) },
      [["config", "@config"], ["family", "@family"], [state.along, "@across"], [state.growth, "@up"]]);
    const lines = meansByFamily(grown);
    showLines("growth", lines);
    showSlopes(lines);
    selectPoints(state.selected);
    heard.off = false;
    return of;
  }
  function note(shown, all, x, y) {
    return shown < all ? `${(all - shown).toLocaleString("en")} of ${count(all, "row")} have no ${x} or no ${y}${state.logx || state.logy ? " above zero" : ""}.` : "";
  }
  function keep(found, x, y, group, test) {
    const rows = found.ids.map((_, i) => i).filter((i) => test(found.columns[x][i], found.columns[y][i], group[i]));
    const of = (values) => rows.map((i) => values[i]);
    const [across, up] = [x, y].map((name) => of(found.columns[name]));
    return { id: of(found.ids), config: of(found.columns.config), x: placed(x, across), y: placed(y, up), across: across.map((value) => cell(value)),
      up: up.map((value) => cell(value)), group: of(group) };
  }
  const isNumber = (name) => NUMBERS.includes(column.get(name).kind);
  const wordsOf = (values) => [...new Set(values.filter((value) => value !== null))].sort();
  function placed(name, values) {
    if (isNumber(name)) return values.map(Number);
    const words = wordsOf(values);
    return values.map((value) => words.indexOf(value));
  }
  function groupsOf(found) {
    if (state.colour === "family") return { names: found.families, of: found.family };
    if (!column.has(state.colour)) return { names: [], of: found.ids.map(() => null) };
    const values = found.columns[state.colour];
    const names = [...new Set(values.filter((value) => value !== null))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const number = new Map(names.map((value, i) => [value, i]));
    return { names: names.map((value) => `${state.colour} ${cell(value)}`), of: values.map((value) => number.get(value) ?? null) };
  }
  function legend(list, names, used) {
    const there = new Set(used);
    list.replaceChildren(...names.flatMap((name, i) => (there.has(i) ? [element("li", {}, sign(i), name)] : [])));
    list.hidden = !list.children.length;
  }
  function sign(number) {
    const shape = { circle: "●", square: "■", triangle: "▲", diamond: "◆", inverted_triangle: "▼", hex: "⬢" }[markerOf(number)];
    const made = element("span", { class: "sign", "aria-hidden": "true" }, shape);
    made.style.color = colourOf(number);
    return made;
  }
  function showSlopes(lines) {
    $("slopes").replaceChildren(...lines.map((line) => element("tr", {}, element("th", { scope: "row" }, sign(line.number), line.config),
      element("td", { class: "number" }, line.slope === null ? "-" : line.slope.toFixed(3)), element("td", { class: "number" }, String(line.x.length)),
      element("td", { class: "number" }, String(line.draws)))));
    $("slopes-part").hidden = !lines.length;
    $("growth-note").textContent = lines.length ? "Slopes are those of the means of each family, on logarithmic axes; the command growth also gives their intervals."
      : `There is no plain stack with a ${state.growth} above 0 here.`;
  }

  // What is selected: heatmaps, curves, and how each was made.
  let drawn = 0;
  async function showDetails() {
    const mine = ++drawn;
    const wanted = state.selected.size ? [...state.selected].slice(0, SHOWN_SELECTED)
      : [...$("rows").children].slice(0, SHOWN_UNSELECTED).map((row) => row.dataset.id);
    const found = await source.details(wanted);
    if (mine !== drawn) return;
    $("details-note").textContent = !state.selected.size ? (found.length ? "Nothing is selected: these are the first rows of the table. Select rows or points to see theirs." : "")
      : state.selected.size > SHOWN_SELECTED ? `The first ${SHOWN_SELECTED} of ${state.selected.size.toLocaleString("en")} selected are shown.` : "";
    $("cards").replaceChildren(...found.map(card));
    const labels = found.map(({ values }) => values.config);
    const called = found.map(({ id }, i) => shortened(labels[i]) + (labels.indexOf(labels[i]) === labels.lastIndexOf(labels[i]) ? "" : `, ${id}`));
    const curves = found.flatMap(({ thumb }, i) => thumb && thumb.curve.length ? [{ number: i, config: called[i],
      x: Array.from(thumb.curve, (_, r) => r * thumb.step), y: Array.from(thumb.curve, (share) => share / 65535) }] : []);
    showLines("curves", curves);
    legend($("curves-legend"), called, curves.map((line) => line.number));
    $("curves-note").textContent = curves.length ? "" : "None of these has a heatmap that is not zero.";
  }
  function card({ id, thumb, values }) {
    const made = element("article", { class: "card", "aria-label": `${id} ${values.config}` }, element("h3", {}, values.config),
      element("p", { class: "sub" }, `${id}, ${values.state}${values.dead ? ", dead: no probe's gradient reaches the input" : ""}${values.saturated && !values.is_global ? ", cut off: the window leaves the plane" : ""}`));
    if (thumb) {
      const canvas = element("canvas", { role: "img", "aria-label": `heatmap of ${values.config}` });
      drawHeatmap(canvas, thumb, head.colours, state.scale);
      const rows = Math.min(thumb.height * thumb.block, thumb.plane[0] - thumb.top), across = Math.min(thumb.width * thumb.block, thumb.plane[1] - thumb.left);
      const reduced = thumb.block > 1 ? `, a dot is the mean of ${thumb.block} × ${thumb.block} px` : "";
      made.append(canvas, element("p", { class: "sub" }, `window ${rows} × ${across} px from row ${thumb.top}, column ${thumb.left} of ${thumb.plane[0]} × ${thumb.plane[1]} px${reduced}`));
    } else made.append(element("p", { class: "empty" }, values.error ?? "not measured yet"));
    const sizes = ["theo_rf", "eff_rf", "eff_square", "luo", "sigma_x", "ratio"].filter((name) => values[name] !== null && values[name] !== undefined);
    made.append(element("dl", { class: "sizes" }, ...sizes.flatMap((name) => [element("dt", {}, name), element("dd", {}, `${cell(values[name])} ${column.get(name)?.unit ?? ""}`)])));
    const told = ["stem", "seed", "probes", "probes_count", "probes_seed", "kernel_version", "numpy_version", "blas", "attempts", "reasons", "digest"];
    const lines = told.filter((name) => values[name] !== null && values[name] !== undefined && values[name] !== "{}").flatMap((name) => [element("dt", {}, name), element("dd", {}, String(values[name]))]);
    made.append(element("details", {}, element("summary", {}, "How it was made"), element("dl", {}, ...lines, element("dt", {}, "command"), element("dd", {}, element("code", {}, `erfsweep show ${id}`)),
      element("dt", {}, "config"), element("dd", {}, element("code", { class: "spec" }, pretty(values.spec))))));
    return made;
  }
  function pretty(spec) {
    try { return JSON.stringify(JSON.parse(spec), null, 1); } catch { return spec ?? ""; }
  }

  // Asking.
  const query = () => ({ where: state.where, text: state.text, sweep: head.sweep });
  function wrong(error) {
    $("problem").textContent = error ? error.message : "";
    $("where").setAttribute("aria-invalid", error ? "true" : "false");
  }
  async function changed({ points = true } = {}) {
    remember();
    const found = await showRows();
    if (!found) return;
    if (points) await showPlots();
    if (!state.selected.size) await showDetails();
  }
  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(() => { state.page = 0; changed(); }, head.live ? 250 : 60); };
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  function bind() {
    for (const name of ["where", "text"]) {
      $(name).value = state[name];
      $(name).addEventListener("input", () => { state[name] = $(name).value; soon(); });
    }
    const listen = (id, key, after) => {
      const input = $(id);
      if (input.type === "checkbox") input.checked = state[key]; else input.value = state[key];
      if (input.selectedIndex === -1) input.value = state[key] = defaults[key]; // of a link that names no such choice
      input.addEventListener("change", () => { state[key] = input.type === "checkbox" ? input.checked : typeof state[key] === "number" ? Number(input.value) : input.value; after(); });
    };
    const axes = head.columns.map(({ name }) => name).filter((name) => isNumber(name) || head.coloured.includes(name));
    choices($("x"), axes);
    choices($("y"), axes);
    choices($("colour"), ["family", "none", ...head.coloured]);
    choices($("growth"), GROWTH_SIZES);
    for (const id of ["x", "y", "colour", "logx", "logy", "growth", "along"]) listen(id, id, () => { remember(); showPlots(); });
    listen("scale", "scale", () => { remember(); showDetails(); });
    listen("size", "size", () => { state.page = 0; changed({ points: false }); });
    $("previous").addEventListener("click", () => { state.page--; changed({ points: false }); });
    $("next").addEventListener("click", () => { state.page++; changed({ points: false }); });
    $("clear").addEventListener("click", () => { state.where = state.text = $("where").value = $("text").value = ""; state.page = 0; changed(); });
    $("clear-selection").addEventListener("click", () => select(new Set()));
    $("select-page").addEventListener("click", () => select(new Set([...state.selected, ...[...$("rows").children].map((row) => row.dataset.id)])));
    $("rows").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const boxes = [...$("rows").querySelectorAll("input")], at = boxes.indexOf(event.target);
      if (step && boxes[at + step]) { boxes[at + step].focus(); event.preventDefault(); }
    });
    const groups = Object.groupBy ? Object.groupBy(head.columns, ({ group }) => group) : { columns: head.columns };
    $("columns").replaceChildren(...Object.entries(groups).map(([group, listed]) => element("fieldset", {}, element("legend", {}, group), ...listed.map(({ name, about }) => {
      const box = element("input", { type: "checkbox", onchange: () => {
        const shown = new Set(state.columns);
        if (box.checked) shown.add(name); else shown.delete(name);
        state.columns = head.columns.map((each) => each.name).filter((each) => shown.has(each));
        changed({ points: false });
      } });
      box.checked = state.columns.includes(name);
      return element("label", { title: about }, box, name);
    }))));
  }
  function choices(select, names) { select.replaceChildren(...names.map((name) => element("option", { value: name }, name))); }

  function summary() {
    $("states").replaceChildren(...Object.entries(head.states).flatMap(([name, number]) => number ? [element("div", {}, element("dt", {}, name), element("dd", {}, number.toLocaleString("en")))] : []));
    $("notes").replaceChildren(...head.notes.map(({ text, where }) => element("li", {}, text, " ", element("button", { type: "button", onclick: () => {
      state.where = $("where").value = where;
      state.page = 0;
      changed();
      $("table-part").scrollIntoView();
    } }, "show them"))));
    $("well").hidden = head.notes.length > 0;
    $("made").replaceChildren(...head.made.flatMap(({ heading, rows }) => [element("h3", {}, heading), element("dl", { class: "made" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, folded(value))]))]));
  }
  function folded(text) {
    return text.length <= FOLDED ? text : element("details", {}, element("summary", {}, `${text.slice(0, 80)}… (${text.length.toLocaleString("en")} characters)`), text);
  }

  // Light, dark and paper.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function repaint(onPaper = false) {
    const [ink, faint] = dark.matches && !onPaper ? ["#e4e4e7", "#3f3f46"] : ["#1f2328", "#d5d8dc"];
    paint(["scatter", "growth", "curves"].map(model), ink, faint);
  }

  recall();
  summary();
  bind();
  await showRows();
  await figuresReady();
  named(model("curves"), { x: "radius (px)", y: "share of the mass in the square (no unit)" });
  repaint();
  dark.addEventListener("change", () => repaint());
  addEventListener("beforeprint", () => repaint(true));
  addEventListener("afterprint", () => repaint());
  await showPlots();
  onPointsSelected(heard);
  await showDetails();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  return { state, changed, summary, source };
}

function failed(error) {
  $("problem").textContent = `This page cannot be shown: ${error.message}`;
  console.error(error);
}
