// What is chosen on the page, and its link: the address holds what differs from what the page begins with.

const PAGE_SIZES = [25, 50, 200];
const LINKED = 100; // rows of a selection that a link names: an address of many thousand characters opens nowhere

function begun(head) {
  return {
    where: "", text: "", sort: "", page: 0, size: 50, columns: head.shown,
    x: "theo_rf", y: "luo", colour: "family", logx: false, logy: false,
    growth: "luo", along: "depth", scale: "linear", image: true,
    stages: "eff_rf", network: "", selected: new Set(),
  };
}

function written(state) {
  const { selected, columns, ...rest } = state;
  const told = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  return { ...told, columns: columns.join(","), selected: selected.size > LINKED ? "" : [...selected].join(",") };
}

function remember({ head, state }) {
  const before = written(begun(head));
  const told = new URLSearchParams(Object.entries(written(state)).filter(([key, value]) => value !== before[key]));
  if (head.live && head.sweep) told.set("sweep", head.sweep);
  const text = told.toString();
  const file = location.pathname.split("/").pop();
  history.replaceState(null, "", head.live ? `?${text}` : text ? `#${text}` : file);
}

// The state that the address says; what it says of columns and choices that there are not is left out.
function recalled(head) {
  const state = begun(head);
  const names = new Set(head.columns.map(({ name }) => name));
  const read = {
    selected: (value) => new Set(value.split(",").filter(Boolean)),
    columns: (value) => value.split(",").filter((name) => names.has(name)),
    page: (value) => Math.max(0, Math.floor(Number(value)) || 0),
    size: (value) => (PAGE_SIZES.includes(Number(value)) ? Number(value) : state.size),
    sort: (value) => (names.has(value.replace(/^-/, "")) ? value : ""),
    logx: (value) => value === "true",
    logy: (value) => value === "true",
    image: (value) => value === "true",
  };
  for (const [key, value] of new URLSearchParams(head.live ? location.search : location.hash.slice(1))) {
    if (Object.hasOwn(state, key)) state[key] = read[key] ? read[key](value) : value;
  }
  return state;
}
