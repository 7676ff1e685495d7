// The page: its parts brought together.

const FOLDED = 600; // characters of what was written, above which it is folded
const TYPING = { file: 60, server: 250 }; // milliseconds after the last key until the table answers

// Shows everything that `source` answers; what the server's script needs of the page comes back.
async function start(source) {
  const { head } = source;
  const column = new Map(head.columns.map((each) => [each.name, each]));
  const page = { source, head, column, state: recalled(head), total: 0 };
  const { state } = page;

  page.query = () => ({ where: state.where, text: state.text, sweep: head.sweep });
  page.tell = (error) => {
    $("problem").textContent = error ? error.message : "";
    $("where").setAttribute("aria-invalid", error ? "true" : "false");
  };
  page.changed = async ({ points = true } = {}) => {
    remember(page);
    if (!(await showRows(page))) return;
    if (points) await showPlots(page);
    if (!state.selected.size) await showDetails(page);
  };
  page.select = (ids, isFromPlot = false) => {
    state.selected = ids;
    remember(page);
    showSelection(page);
    if (!isFromPlot) {
      page.isDrawing = true;
      selectPoints(ids);
      page.isDrawing = false;
    }
    showDetails(page);
  };

  showSummary(page);
  bind(page);
  await showRows(page);
  await figuresReady();
  named(model("curves"), { x: "radius (px)", y: "share of the mass in the square (no unit)" });
  followTheme();
  await showPlots(page);
  onPointsSelected((ids) => {
    if (!page.isDrawing) page.select(new Set(ids), true);
  });
  await showDetails(page);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  return page;
}

function bind(page) {
  const { head, state, changed } = page;
  const narrow = (how = {}) => {
    Object.assign(state, how, { page: 0 });
    $("where").value = state.where;
    $("text").value = state.text;
    return changed();
  };
  let waiting = 0;
  for (const name of ["where", "text"]) {
    $(name).value = state[name];
    $(name).addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => narrow({ [name]: $(name).value }), head.live ? TYPING.server : TYPING.file);
      state[name] = $(name).value;
    });
  }
  const isAxis = (name) => isNumeric(page, name) || head.coloured.includes(name);
  const axes = head.columns.map(({ name }) => name).filter(isAxis);
  choices($("x"), axes);
  choices($("y"), axes);
  choices($("colour"), ["family", "none", ...head.coloured]);
  choices($("growth"), GROWTH_SIZES);
  choices($("stages"), GROWTH_SIZES);
  choices($("size"), PAGE_SIZES);
  for (const name of ["x", "y", "colour", "logx", "logy", "growth", "along", "stages"]) {
    bindChoice(page, name, () => showPlots(page));
  }
  for (const name of ["scale", "image"]) {
    bindChoice(page, name, () => {
      showDetails(page);
      showStageMaps(page);
    });
  }
  $("network").addEventListener("change", () => {
    state.network = $("network").value;
    remember(page);
    showStageMaps(page);
  });
  bindChoice(page, "size", () => {
    state.page = 0;
    changed({ points: false });
  });
  const turn = (step) => () => {
    state.page += step;
    changed({ points: false });
  };
  $("previous").addEventListener("click", turn(-1));
  $("next").addEventListener("click", turn(1));
  $("clear").addEventListener("click", () => narrow({ where: "", text: "" }));
  $("clear-selection").addEventListener("click", () => page.select(new Set()));
  $("select-page").addEventListener("click", () => page.select(new Set([...state.selected, ...listedIds()])));
  page.narrow = narrow;
  bindColumns(page);
  bindArrows();
}

// A field that holds one value of the state.
function bindChoice(page, name, after) {
  const { state } = page;
  const input = $(name);
  const isBox = input.type === "checkbox";
  if (isBox) input.checked = state[name]; else input.value = state[name];
  if (input.selectedIndex === -1) input.value = state[name] = begun(page.head)[name]; // a link names no such choice
  input.addEventListener("change", () => {
    state[name] = isBox ? input.checked : typeof state[name] === "number" ? Number(input.value) : input.value;
    remember(page);
    after();
  });
}

function showSummary(page) {
  const { states, notes, made } = page.head;
  $("states").replaceChildren(...Object.entries(states).filter(([, number]) => number)
    .map((each) => element("div", {}, ...definitions([[each[0], shownNumber(each[1])]]))));
  const show = (where) => () => {
    page.narrow({ where });
    $("table-part").scrollIntoView();
  };
  $("notes").replaceChildren(...notes.map(({ text, where }) =>
    element("li", {}, text, " ", element("button", { type: "button", onclick: show(where) }, "show them"))));
  $("well").hidden = notes.length > 0 || !states.done;
  refill($("made"), ...made.flatMap(({ heading: name, rows }) => [element("h3", {}, name),
    element("dl", { class: "made" }, ...definitions(rows.map(([label, value], i) => [label, folded(value, `${name} ${i}`)])))]));
}

function folded(text, key) {
  if (text.length <= FOLDED) return text;
  const summary = `${text.slice(0, 80)}… (${count(text.length, "character")})`;
  return element("details", { "data-key": key }, element("summary", { "data-key": key }, summary), text);
}

// Light and dark. On paper the style sheet puts plots whose ink is light on a dark ground, because Bokeh draws anew a
// moment later than a browser prints.
function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => {
    if (matchMedia("print").matches) return; // which some browsers take for light
    const [ink, faint] = dark.matches ? ["#e4e4e7", "#3f3f46"] : ["#1f2328", "#d5d8dc"];
    document.documentElement.dataset.ink = dark.matches ? "light" : "dark";
    paint([...LINKED_PLOTS, "curves"].map(model), ink, faint);
  };
  repaint();
  dark.addEventListener("change", repaint);
}

function failed(error) {
  $("problem").textContent = `This page cannot be shown: ${error.message}`;
  console.error(error);
}
