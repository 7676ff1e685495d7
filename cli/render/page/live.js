// What the page asks, answered by the server: questions and answers are JSON in two models that both sides hold.

const PATIENCE = 60_000; // milliseconds for an answer
const SILENCE = "the server does not answer; start erfsweep ui again, and load this page again";
const POLL = 2000; // milliseconds between two looks at how far a sweep is

function duration(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

async function live() {
  while (!model("ask") || !model("answer")) await new Promise((resolve) => setTimeout(resolve, 10));
  const mailbox = model("ask"), answers = model("answer");
  const waiting = new Map();
  let number = 0, isLost = false;
  answers.properties.data.change.connect(() => {
    const { number: of, found, problem } = JSON.parse(answers.data.json[0]);
    const { resolve, reject } = waiting.get(of) ?? {};
    waiting.delete(of);
    if (problem) reject?.(new Error(problem)); else resolve?.(found);
  });
  mailbox.document.on_event("connection_lost", () => {
    isLost = true;
    for (const { reject } of waiting.values()) reject(new Error(SILENCE));
    waiting.clear();
    $("progress-text").textContent = SILENCE;
  });
  const ask = (kind, how = {}) => new Promise((resolve, reject) => {
    if (isLost) throw new Error(SILENCE);
    waiting.set(++number, { resolve, reject });
    setTimeout(() => reject(new Error(SILENCE)), PATIENCE);
    mailbox.data = { json: [JSON.stringify({ number, kind, ...how })] };
  });
  const sweep = new URLSearchParams(location.search).get("sweep");
  const listed = await ask("sweeps");
  const known = sweep !== null && listed.some(({ name }) => name === sweep) ? sweep : null;
  const head = await ask("head", { sweep: known });
  const source = {
    head,
    rows: (how) => ask("rows", how),
    points: (how) => ask("points", how),
    async details(ids) {
      const { cards, backdrops } = await ask("details", { ids, sweep: known });
      for (const backdrop of backdrops) backdrop.grey = decoded(backdrop.grey);
      for (const each of cards) {
        each.backdrop = backdrops[each.backdrop] ?? null;
        if (!each.thumb) continue;
        each.thumb.levels = decoded(each.thumb.levels);
        each.thumb.curve = new Uint16Array(decoded(each.thumb.curve).buffer);
      }
      return cards;
    },
  };
  const name = known ?? "every sweep";
  document.title = $("title").textContent = `erfsweep: ${name}`;
  if (sweep && sweep !== known) $("subtitle").textContent = `There is no sweep ${sweep} in this store; these are all sweeps of it.`;
  const listSweeps = (every) => {
    $("sweep").replaceChildren(element("option", { value: "" }, "every sweep"), ...every.map((each) =>
      element("option", { value: each.name }, `${each.name}: ${each.about}`.slice(0, 90))));
    $("sweep").value = known ?? "";
  };
  listSweeps(listed);
  $("sweep").addEventListener("focus", () => ask("sweeps").then(listSweeps, () => {})); // there may be others now
  $("sweep").addEventListener("change", () => {
    location.assign(`?${new URLSearchParams($("sweep").value ? { sweep: $("sweep").value } : {})}`);
  });

  const page = await start(source);
  let before = JSON.stringify(head.states);
  async function follow() {
    const { states, left, pace } = await ask("status", { sweep: known });
    const all = Object.values(states).reduce((sum, each) => sum + each, 0);
    const open = states.queued + states.running;
    $("progress").hidden = !open;
    $("progress").value = all ? (all - open) / all : 0;
    const going = pace ? `${cell(Number(pace.toPrecision(2)))} a second${left === null ? "" : `, some ${duration(left)} left`}`
      : states.running ? `${shownNumber(states.running)} are running`
      : "nothing is running: erfsweep work measures what is queued";
    const ended = `${shownNumber(all - open)} of ${count(all, "config")} have ended`;
    $("progress-text").textContent = open ? `${ended}; ${going}.` : "";
    if (JSON.stringify(states) !== before) {
      before = JSON.stringify(states);
      Object.assign(head, await ask("head", { sweep: known }));
      showSummary(page);
      await page.changed();
      if (page.state.selected.size) await showDetails(page);
    }
  }
  const look = async () => {
    if (!document.hidden) await follow().catch((error) => { $("progress-text").textContent = error.message; });
    setTimeout(look, POLL);
  };
  look();
}
