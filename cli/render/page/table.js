// The table: its headings, a page of its rows, and the boxes by which rows are selected.

// Shows the rows that the state asks for; false where there is no answer, or a later question has one.
async function showRows(page) {
  const { state } = page;
  const mine = (page.asked = (page.asked ?? 0) + 1);
  const began = performance.now();
  let found;
  try {
    found = await page.source.rows({
      ...page.query(), sort: state.sort, offset: state.page * state.size, count: state.size, columns: state.columns,
    });
  } catch (error) {
    if (mine === page.asked) page.tell(error);
    return false;
  }
  if (mine !== page.asked) return false;
  if (!found.rows.length && state.page) {
    state.page = Math.max(0, Math.ceil(found.total / state.size) - 1);
    return showRows(page);
  }
  page.tell(null);
  page.total = found.total;
  const isNumber = state.columns.map((name) => ["int", "float"].includes(page.column.get(name).kind));
  refill(
    $("heads"),
    element("th", { scope: "col" }, element("span", { class: "hidden" }, "selected")),
    ...state.columns.map((name, i) => heading(page, name, isNumber[i])),
  );
  refill($("rows"), ...found.rows.map((values, i) => tableRow(page, found.ids[i], values, isNumber)));
  showPlace(page, found);
  showSelection(page);
  document.documentElement.dataset.answered = String(performance.now() - began);
  return true;
}

function showPlace({ state }, { rows, total, all }) {
  const first = state.page * state.size + 1;
  const pages = Math.max(1, Math.ceil(total / state.size));
  $("none").hidden = rows.length > 0;
  $("none").textContent = all ? "No row meets this." : "There are no rows.";
  $("total").textContent = total === all ? count(all, "row") : `${shownNumber(total)} of ${count(all, "row")}`;
  $("place").textContent = total
    ? `rows ${shownNumber(first)} to ${shownNumber(first + rows.length - 1)}, page ${state.page + 1} of ${pages}` : "";
  $("previous").disabled = state.page === 0;
  $("next").disabled = state.page >= pages - 1;
}

function heading(page, name, isNumber) {
  const { state } = page;
  const { unit, about } = page.column.get(name);
  const direction = state.sort === name ? "ascending" : state.sort === `-${name}` ? "descending" : "none";
  const arrow = { ascending: " ▲", descending: " ▼", none: "" }[direction];
  const onclick = () => {
    state.sort = { none: name, ascending: `-${name}`, descending: "" }[direction];
    state.page = 0;
    page.changed({ points: false });
  };
  return element("th", { scope: "col", class: isNumber ? "number" : null, "aria-sort": direction, title: about },
    element("button", { type: "button", "data-name": name, onclick }, ...name.split(/(?<=_)/).flatMap((part) => [part, element("wbr")]), `${unit ? ` [${unit}]` : ""}${arrow}`));
}

function tableRow(page, id, values, isNumber) {
  const { state } = page;
  const label = values[state.columns.indexOf("config")] ?? "";
  const box = element("input", {
    type: "checkbox", "data-id": id, "aria-label": `select ${id} ${label}`,
    onchange: () => toggle(page, id, box.checked),
  });
  const whole = (value) => (value === null ? null : String(value));
  const cells = values.map((value, i) =>
    element("td", { class: isNumber[i] ? "number" : "text", title: whole(value) }, cell(value)));
  const onclick = (event) => {
    if (event.target !== box && !String(getSelection())) page.select(new Set([id]));
  };
  return element("tr", { "data-id": id, onclick }, element("td", {}, box), ...cells);
}

function toggle(page, id, is) {
  const ids = new Set(page.state.selected);
  if (is) ids.add(id); else ids.delete(id);
  page.select(ids);
}

function showSelection({ state: { selected } }) {
  for (const row of $("rows").children) {
    const is = selected.has(row.dataset.id);
    row.classList.toggle("selected", is);
    row.querySelector("input").checked = is;
  }
  for (const each of $("stage-maps").querySelectorAll("button")) {
    each.setAttribute("aria-pressed", String(selected.has(each.dataset.id)));
  }
  $("selection").textContent = selected.size ? `${shownNumber(selected.size)} selected` : "nothing selected";
  $("clear-selection").disabled = !selected.size;
}

const listedIds = () => [...$("rows").children].map((row) => row.dataset.id);

// The boxes by which columns are shown, in their groups.
function bindColumns(page) {
  const { head, state } = page;
  const groups = Map.groupBy ? Map.groupBy(head.columns, ({ group }) => group) : new Map([["columns", head.columns]]);
  const box = ({ name, about }) => {
    const made = element("input", {
      type: "checkbox",
      onchange: () => {
        const shown = new Set(state.columns);
        if (made.checked) shown.add(name); else shown.delete(name);
        state.columns = head.columns.map((each) => each.name).filter((each) => shown.has(each));
        page.changed({ points: false });
      },
    });
    made.checked = state.columns.includes(name);
    return element("label", { title: about }, made, name);
  };
  $("columns").replaceChildren(...[...groups].map(([group, listed]) =>
    element("fieldset", {}, element("legend", {}, group), ...listed.map(box))));
}

// Arrows go from row to row, as Tab goes from box to box.
function bindArrows() {
  $("rows").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const boxes = [...$("rows").querySelectorAll("input")];
    const next = boxes[boxes.indexOf(event.target) + step];
    if (step && next) {
      next.focus();
      event.preventDefault();
    }
  });
}
