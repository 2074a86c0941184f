// The page: what is chosen is painted; a choice paints only what depends on it.
function switches(holder, name, options, current, pick) {
  holder.setAttribute("aria-label", name);
  const pressed = holder.contains(document.activeElement);
  holder.replaceChildren(...options.map(([value, text, language]) => element("button", {
    type: "button", class: "switch", lang: language || null, "data-value": value, "aria-pressed": String(value === current),
    onclick: () => pick(value),
  }, text)));
  if (pressed) holder.querySelector("[aria-pressed=true]").focus();
}

function paintControls() {
  const { language } = chosen;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${say("title")} ${data.week.label}`;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  byId("subtitle").textContent = say("subtitle", data.week);
  switches(byId("languages"), say("switch_language"), LANGUAGES.map((one) => [one, data.words[one].language, one]),
    language, (value) => choose({ language: value }));
  switches(byId("pollutants"), say("pollutant"), pollutants.map((one) => [one, data.pollutants[one][language]]),
    chosen.pollutant, (value) => choose({ pollutant: value }));
  switches(byId("drivers-from"), say("drivers_from"), Object.keys((own() || {}).drivers || {}).map((one) =>
    [one, say("from_" + one)]), drivenFrom(), (value) => choose({ from: value }));
  if (byId("map-levels") && levels.length) {
    switches(byId("map-levels"), say("map_level"), levels.map((one) => [one, say("by_" + one)]), chosen.level,
      (value) => choose({ level: value }));
    const weeks = anyComing() ? ["week", "ahead"] : [];
    switches(byId("map-when"), say("map_when"), weeks.map((one) => [one, say("map_" + one)]), isAhead() ? "ahead" : "week",
      (value) => choose({ when: value }));
    switches(byId("map-reference"), say("map_reference"), anyRecent() && !isAhead() ? REFERENCES.map((one) =>
      [one, say("map_" + one, { label: data.labels[one] || "–" })]) : [], chosen.reference,
    (value) => choose({ reference: value }));
  }
}

function range({ above, below }) {
  if (!known(above)) return say("below", { value: String(below) });
  if (!known(below)) return say("from", { value: String(above) });
  return say("between", { low: String(above), high: String(below) });
}

// The limits of every group of windows that shares them, such as "week, month to date: 80, 95, 105, 120".
function limitsInWords() {
  const groups = new Map();
  for (const [window, limits] of Object.entries(data.limits)) {
    const written = limits.map(String).join(say("comma"));
    groups.set(written, [...(groups.get(written) || []), say("window_" + window)]);
  }
  return Array.from(groups, ([limits, windows]) => say("limits_of", { windows: windows.join(say("comma")), limits }));
}

function paintLegend() {
  byId("legend").setAttribute("aria-label", say("legend"));
  byId("legend").replaceChildren(...data.classes.map((one, position) =>
    element("li", {}, classLabel(position), ` (${range(one)})`)),
  element("li", {}, element("span", { class: "class" }, noClass(), say("no_data"))));
  byId("class-limits").textContent = [say("class_basis", { days: data.fewest_days }), ...limitsInWords()].join(" ");
  byId("provenance").replaceChildren(...Object.entries(data.run).map(([name, value]) =>
    element("div", {}, element("dt", {}, say(name)), element("dd", {}, value))));
}

function paintNotes() {
  byId("notes").hidden = !data.notes.length;
  byId("notes").lastElementChild.replaceChildren(...data.notes.map((note) => element("li", {}, note[chosen.language])));
}

// How many days the week of a place has where some are missing; nothing of a whole one.
function partial(place) {
  const [, , days, missing] = week(place) ? week(place).dates : [];
  return missing && known(days) ? say("days_of", { days, all: days + missing }) : null;
}

function marks(place) {
  const told = [partial(place), week(place) ? notFinal(week(place).kinds) : ""];
  return told.filter(Boolean).flatMap((one) => [element("span", { class: "marked" }, one), " "]);
}

// Of all places the fewest days, and the most days of each kind: the map cannot mark them place by place.
function marksOfAll() {
  if (isAhead()) {
    const found = data.places.map((_, place) => coming(place)).filter(Boolean);
    const [start, end] = found[0].dates;
    const days = element("span", { class: "marked" }, say("map_ahead_days", { start, end }));
    return found.every(({ error }) => known(error)) ? [days]
      : [days, " ", element("span", { class: "marked" }, say("without_error"))];
  }
  const counts = data.places.map((_, place) => (week(place) ? week(place).kinds : []));
  const told = notFinal(data.kinds.map((_, kind) => Math.max(...counts.map((one) => one[kind] || 0))));
  const least = data.places.map((_, place) => place).filter(partial)
    .sort((one, other) => week(one).dates[2] - week(other).dates[2])[0];
  return [least === undefined ? "" : partial(least), told].filter(Boolean)
    .flatMap((one) => [element("span", { class: "marked" }, one), " "]);
}

// Both verdicts of a place, and whether they differ; nothing where there is one alone.
function verdictLine(place) {
  const found = REFERENCES.map((name) => [name, referred(place, name)]).filter(([, [mci]]) => known(mci));
  if (found.length < 2) return null;
  const written = found.map(([name, [mci, , , , , , , call]]) =>
    say("verdict_" + name, { label: data.labels[name] || "–", mci: number(mci), reading: say(call) }));
  const differ = found[0][1][7] !== found[1][1][7];
  return element("p", { class: "verdicts" }, written.join(say("semicolon")), " ",
    differ ? element("span", { class: "marked" }, say("verdicts_differ")) : null);
}

// The coming week of a place in one line: no word for its side where the interval lacks the forecast's error.
function comingLine(place) {
  const found = coming(place);
  if (!found) return null;
  const [mci, low, high, position, , , , call] = found.base;
  const value = element("span", { class: "unbroken" }, `${number(mci)} ${between(low, high)}`);
  return known(found.error)
    ? element("p", { class: "coming" }, say("coming_in_short"), " ", classLabel(position, call), " ", value)
    : element("p", { class: "coming" }, say("coming_in_short"), " ", value, " ", say("without_error"));
}

function paintHeadlines() {
  byId("headlines").replaceChildren(...data.places.flatMap((place, position) => {
    const mine = own(position);
    if (place.level === "city" && data.places[0].level !== "city") return [];
    if (!mine || (place.level === "city" && position > 5)) return [];
    const name = element("button", { type: "button", class: "plain", title: say("choose"), "data-place": position },
      nameOf(position));
    return [element("article", { class: place.level, "data-place": position },
      element("h3", {}, name, " ", verdict(based(position)), " ", ...marks(position)),
      element("p", {}, spoken(mine.said[0], position)), verdictLine(position), comingLine(position))];
  }));
}

function paintChosen() {
  const mine = own();
  byId("chosen-name").textContent = nameOf(chosen.place);
  byId("chosen-level").textContent = say(data.places[chosen.place].level);
  for (const node of document.querySelectorAll(".of")) {
    node.textContent = ` · ${nameOf(chosen.place)} · ${data.pollutants[chosen.pollutant][chosen.language]}`;
  }
  byId("chosen-class").replaceChildren(verdict(based(chosen.place)), " ", ...marks(chosen.place));
  byId("chosen-sentences").replaceChildren(...(mine ? mine.said.map((one) => spoken(one, chosen.place))
    : [say("no_data")]).map((sentence) => element("p", {}, sentence)));
  for (const article of byId("headlines").children) {
    article.classList.toggle("chosen", Number(article.dataset.place) === chosen.place);
  }
  paintWindows(byId("windows"));
  paintEvents(byId("events"));
  paintVerification(byId("verification"));
  paintCharts();
}

function paintCharts() {
  driversChart(byId("drivers"));
  yearChart(byId("year"));
  outlookChart(byId("outlook"));
}

// The long table comes last: charts ask for their width, and the page is laid out for it.
function paint(everything) {
  if (everything) {
    paintLegend();
    paintHeadlines();
    paintNotes();
  }
  paintChosen();
  byId("map-marked").replaceChildren(...marksOfAll());
  paintMap();
  if (everything) paintAll(byId("all"));
  markRow();
}

function choose(change) {
  Object.assign(chosen, change);
  const { level } = data.places[chosen.place];
  if ("place" in change && levels.includes(level)) chosen.level = level;
  paintControls();
  paint("language" in change || "pollutant" in change);
  remember();
}

choiceOfAddress();
startHatches();
if (levels.includes(data.places[chosen.place].level)) chosen.level = data.places[chosen.place].level;
startMap();
paintControls();
paint(true);
for (const id of ["headlines", "all"]) {
  byId(id).addEventListener("click", (event) => {
    const button = event.target.closest("button[data-place]");
    if (button) choose({ place: Number(button.dataset.place) });
  });
}
byId("filter").addEventListener("input", filterAll);
byId("download").addEventListener("click", download);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("chosen").focus();
});
window.addEventListener("hashchange", () => {
  choiceOfAddress();
  choose({ language: chosen.language, place: chosen.place });
});
for (const [moment, value] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(moment, () => {
    onPaper = value;
    paintCharts();
  });
}
let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) paintCharts();
  width = window.innerWidth;
});
document.documentElement.dataset.ready = Math.round(performance.now());
