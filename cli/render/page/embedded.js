// What the page asks, answered from what the file holds.

async function unpacked(id) {
  const bytes = decoded($(id).textContent.trim());
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
}

async function embedded() {
  const [head, maps] = await Promise.all([
    unpacked("page-data").then((found) => found.json()),
    unpacked("page-maps").then((found) => found.arrayBuffer()),
  ]);
  const count = head.count;
  const columns = {};
  head.columns.forEach((column, i) => {
    const values = head.values[i];
    const kind = { bool: "truth", int: "number", float: "number" }[column.kind] ?? "text";
    const get = values === null ? () => null : Array.isArray(values) ? (row) => values[row]
      : (row) => (values.of[row] === null ? null : values.words[values.of[row]]);
    columns[column.name] = { kind, get };
    if (column.path) columns[column.path] = columns[column.name];
  });
  const ids = Array.from({ length: count }, (_, row) => columns.id.get(row));
  const places = new Map(ids.map((id, row) => [id, row]));
  const searched = head.columns.map(({ name }) => name).filter((name) => !["spec", "reasons", "digest"].includes(name));
  let texts = null;
  const textOf = (row) => searched.map((name) => columns[name].get(row) ?? "").join("\n").toLowerCase();
  const haystacks = () => (texts ??= ids.map((_, row) => textOf(row)));
  setTimeout(haystacks, 300);
  let last = { key: null, rows: null };

  function matching({ where, text }) {
    const key = JSON.stringify([where, text]);
    if (last.key === key) return last.rows;
    const test = where.trim() ? condition(where, columns) : null;
    const word = text.trim().toLowerCase();
    const rows = [];
    const all = word ? haystacks() : null;
    for (let row = 0; row < count; row++) {
      if ((!test || test(row) === true) && (!all || all[row].includes(word))) rows.push(row);
    }
    last = { key, rows };
    return rows;
  }
  function sorted(rows, name) {
    if (!name) return rows;
    const descending = name.startsWith("-"), get = columns[name.replace(/^-/, "")].get;
    const known = rows.filter((row) => get(row) !== null);
    const order = (a, b) => { const x = get(a), y = get(b); return x < y ? -1 : x > y ? 1 : 0; };
    known.sort(descending ? (a, b) => order(b, a) : order);
    return known.concat(rows.filter((row) => get(row) === null));
  }
  const part = (offset, length) => new Uint8Array(maps, offset, length);

  function backdropOf(row) {
    const found = head.backdrops?.[head.backdrop[row]];
    if (!found) return null;
    const [offset, height, width, block, said] = found;
    return { height, width, block, said, grey: part(offset, height * width) };
  }

  return {
    head,
    async rows({ where, text, sort, offset, count: most, columns: names }) {
      const rows = matching({ where, text });
      const shown = sorted(rows, sort).slice(offset, offset + most);
      return {
        total: rows.length, all: count, ids: shown.map((row) => ids[row]),
        rows: shown.map((row) => names.map((name) => columns[name].get(row))),
      };
    },
    async points({ where, text, columns: names }) {
      const rows = matching({ where, text });
      return {
        ids: rows.map((row) => ids[row]), families: head.families.names,
        family: rows.map((row) => head.families.of[row]),
        networks: { names: head.networks.names, stages: head.networks.stages,
          of: rows.map((row) => head.networks.of[row]), at: rows.map((row) => head.networks.at[row]) },
        columns: Object.fromEntries(names.map((name) => [name, rows.map((row) => columns[name].get(row))])),
      };
    },
    async details(wanted) {
      return wanted.filter((id) => places.has(id)).map((id) => {
        const row = places.get(id), map = head.maps[row];
        let thumb = null;
        if (map) {
          const [offset, height, width, block, top, left, center, square, plane, step, radii] = map;
          const end = offset + height * width;
          thumb = { height, width, block, top, left, center, square, plane, step, levels: part(offset, height * width),
            curve: new Uint16Array(maps.slice(end, end + 2 * radii)) };
        }
        const values = Object.fromEntries(head.columns.map(({ name }) => [name, columns[name].get(row)]));
        return { id, thumb, values, backdrop: backdropOf(row), problem: head.problems?.[row] };
      });
    },
  };
}
