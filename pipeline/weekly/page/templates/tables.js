// Tables and the CSV file.
const REFERENCES = ["base", "recent"];
const BLANK = [null, null, null, null, null, null, null, null];

function tableOf(name, columns, rows, caption) {
  const head = columns.map((column) => element("th", {
    scope: "col", class: column.text ? "text" : "number", "aria-sort": column.sorted || null,
  }, column.onsort ? element("button", { type: "button", class: "plain", title: say("sort"), onclick: column.onsort },
    column.name) : column.name));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption || name }, table);
}

function row(cells, columns, attributes = {}) {
  return element("tr", attributes, ...cells.map((cell, i) => {
    const kind = [columns[i].text ? "" : "number", columns[i].wide ? "name" : ""].join(" ").trim();
    const tag = i === 0 ? "th" : "td";
    return element(tag, { class: kind || null, scope: i === 0 ? "row" : null }, cell);
  }));
}

// A column for each window: what is said of it stands in rows, which fit a phone.
const MEASURES = [
  { key: "dates", shown: ({ dates }) => `${dates[0]} –\n${dates[1]}` },
  { key: "days", shown: ({ dates }) => number(dates[2], 0) + (dates[3] ? ` / ${dates[2] + dates[3]}` : "") },
  { key: "kinds", shown: ({ kinds }) => notFinal(kinds) || "–" },
  { key: "mci_base", shown: ({ base }) => `${number(base[0])} ${between(base[1], base[2])}` },
  { key: "call", shown: ({ base }) => (base[7] ? say(base[7]) : "–") },
  { key: "class", shown: ({ base }) => verdict(base) },
  { key: "rank", shown: ({ base }) => (known(base[4]) ? say("rank_of", { rank: base[4], of: base[5] }) : "–") },
  { key: "percentile", shown: ({ base }) => number(base[6], 0) },
  ...["change_previous", "change_last_year", "change_five_years"].map((key, position) => (
    { key, shown: ({ change }) => signed(change[position]) })),
  { key: "mci_recent", shown: ({ recent }) => `${number(recent[0])} ${between(recent[1], recent[2])}` },
  { key: "observed_column", shown: ({ observed }) => concentration(observed[0]) },
  { key: "observed_last_year", shown: ({ observed }) => concentration(observed[1]) },
  { key: "observed_change", shown: ({ observed }) => concentrationChange(observed[2]) },
  { key: "observed_weather", shown: ({ observed: [, , , weather, low, high] }) => (known(weather)
    ? `${concentrationChange(weather)} [${concentrationChange(low)}, ${concentrationChange(high)}]` : "–") },
];

function inWords() {
  const { units, statistic } = data.pollutants[chosen.pollutant];
  return { units: units[chosen.language], statistic: statistic[chosen.language] };
}

const concentration = (value) => number(value, data.pollutants[chosen.pollutant].decimals);
const concentrationChange = (value) => signed(value, data.pollutants[chosen.pollutant].decimals);

function paintWindows(holder) {
  const windows = Object.entries((own() || { windows: {} }).windows)
    .map(([name, found]) => [name, { base: BLANK, recent: BLANK, ...found }]);
  if (!windows.length) return holder.replaceChildren(element("p", { class: "elsewhere" }, say("no_data")));
  const { units, statistic } = inWords();
  const columns = [{ name: say("window"), text: true }, ...windows.map(([name]) => ({ name: say("window_" + name) }))];
  const rows = MEASURES.map(({ key, shown }) => {
    const label = key.startsWith("mci_") ? data.labels[key.slice(4)] || "–" : "";
    return row([say(key, { units, statistic, label }), ...windows.map(([, found]) => shown(found))], columns);
  });
  return holder.replaceChildren(tableOf(say("windows"), columns, rows));
}

const count = (value) => number(value, Number.isInteger(value) ? 0 : 1);

function paintEvents(holder) {
  holder.replaceChildren(...eventsOfWeek(), ...eventsOfYears());
}

// Those of the week beside what is usual, and of the coming week where there is one.
function eventsOfWeek() {
  const mine = (own() || {}).happened || [];
  if (!mine.length) return [];
  const ahead = mine.some(([, , , , , judged]) => known(judged));
  const columns = ["event", "window_week", "usual_days", ...(ahead ? ["coming_days", "usual_days"] : [])]
    .map((name, i) => ({ name: say(name), text: i === 0 }));
  const counted = (days, judged) => (known(days) ? say("event_count", { days: count(days), judged: count(judged) }) : "–");
  const rows = mine.map(([event, days, judged, usual, coming, comingJudged, comingUsual]) => row([say("event_" + event),
    counted(days, judged), number(usual), ...(ahead ? [counted(coming, comingJudged), number(comingUsual)] : [])], columns));
  return [element("h3", {}, say("events_this_week")), tableOf(say("events_this_week"), columns, rows),
    element("p", { class: "remark" }, say("events_note"))];
}

// The latest year at once, all years on demand.
function eventsOfYears() {
  const { level, key: placeKey } = data.places[chosen.place];
  const units = data.pollutants[chosen.pollutant].units[chosen.language];
  const title = element("h3", {}, say("events_years"));
  const mine = data.events.filter((event) =>
    event[0] === level && event[1] === placeKey && event[2] === chosen.pollutant);
  if (!mine.length) {
    const why = data.events.length && level === "city" ? "events_cities" : "events_none";
    return [title, element("p", { class: "elsewhere" }, say(why))];
  }
  const columns = [
    { name: say("event"), text: true }, { name: say("year") }, { name: say("days") }, { name: say("share") },
    { name: say("on_event", { units }) }, { name: say("otherwise", { units }) },
  ];
  const rowsOf = (events) => events.map(([, , , event, year, days, share, on, otherwise]) => row([say("event_" + event),
    String(year), number(days, 0), number(share), concentration(on), concentration(otherwise)], columns));
  const latest = Math.max(...mine.map(([, , , , year]) => Number(year)).filter(known)); // a row may sum up all years
  const ordered = [...mine].sort((one, other) => (Number(other[4]) || 0) - (Number(one[4]) || 0));
  return [title, tableOf(say("events_years"), columns, rowsOf(mine.filter(([, , , , year]) => Number(year) === latest))),
    element("p", { class: "remark" }, say("at_fixed_emissions")),
    element("details", {}, element("summary", {}, say("all_years")), tableOf(say("all_years"), columns, rowsOf(ordered)))];
}

function paintVerification(holder) {
  const scores = data.verification[chosen.pollutant] || [];
  if (!scores.length) return holder.replaceChildren(element("p", { class: "elsewhere" }, say("verification_none")));
  const columns = ["lead", "count", "mean_absolute_error", "bias", "hit_rate", "persistence_error",
    "persistence_hit_rate", "climatology_error"].map((name) => ({ name: say(name) }));
  const rows = scores.map(([lead, count, error, bias, hits, still, stillHits, hundred]) =>
    row([known(lead) ? number(lead, 0) : say("coming_week"), number(count, 0), number(error), signed(bias), number(hits, 0), number(still),
      number(stillHits, 0), number(hundred)], columns));
  return holder.replaceChildren(tableOf(say("verification"), columns, rows),
    element("p", { class: "remark" }, say("verification_note")));
}

const sorting = { column: null, down: false };
const week = (place) => (own(place) && own(place).windows.week) || null;
const referred = (place, reference) => (week(place) && week(place)[reference]) || BLANK;
const based = (place) => referred(place, "base");
// Whether any place has the index against the mean of recent years.
const anyRecent = () => data.places.some((_, place) => known(referred(place, "recent")[0]));
const COLUMNS = [
  { key: "place", text: true, wide: true, value: nameOf },
  { key: "level", text: true, value: (place) => say(data.places[place].level) },
  { key: "mci", value: (place) => based(place)[0], written: number },
  { key: "interval", value: (place) => based(place)[1], shown: (place) => between(based(place)[1], based(place)[2]) },
  { key: "call", text: true, value: (place) => (based(place)[7] ? say(based(place)[7]) : null) },
  { key: "class", text: true, value: (place) => based(place)[3],
    shown: (place) => verdict(based(place)) },
  ...["change_previous", "change_last_year", "change_five_years"].map((key, position) => (
    { key, value: (place) => week(place) && week(place).change[position], written: signed })),
  ...(anyRecent() ? [{ key: "mci_recent", value: (place) => referred(place, "recent")[0], written: number }] : []),
  { key: "rank", value: (place) => based(place)[4],
    shown: (place) => (known(based(place)[4]) ? say("rank_of", { rank: based(place)[4], of: based(place)[5] }) : "–") },
  { key: "percentile", value: (place) => based(place)[6], written: (value) => number(value, 0) },
  { key: "observed_column", value: (place) => week(place) && week(place).observed[0],
    written: concentration },
  { key: "days", value: (place) => week(place) && week(place).dates[2],
    shown: (place) => partial(place) || (week(place) ? number(week(place).dates[2], 0) : "–") },
  { key: "kinds", text: true, value: (place) => (week(place) ? notFinal(week(place).kinds) : "") },
  ...(pollutants.some((one) => data.pollutants[one].places.some((mine) => mine && mine.coming)) ? [
    { key: "coming_mci", value: (place) => (coming(place) ? coming(place).base[0] : null), written: number }] : []),
];

function compared(one, other) {
  const [first, second] = [one, other].map(COLUMNS[sorting.column].value);
  if (!known(first) || !known(second)) return known(first) ? -1 : known(second) ? 1 : 0;
  const order = typeof first === "string" ? first.localeCompare(second, chosen.language) : first - second;
  return sorting.down ? -order : order;
}

function paintAll(holder) {
  const { units, statistic } = inWords();
  const columns = COLUMNS.map((column, position) => ({
    ...column,
    name: say(column.key, { units, statistic, label: data.labels.recent }),
    sorted: sorting.column === position ? (sorting.down ? "descending" : "ascending") : "none",
    onsort: () => {
      Object.assign(sorting, { column: position, down: sorting.column === position && !sorting.down });
      paintAll(holder);
      holder.querySelectorAll("thead button")[position].focus();
    },
  }));
  const order = data.places.map((_, place) => place);
  if (sorting.column !== null) order.sort(compared);
  const rows = order.map((place) => row(COLUMNS.map((column, position) => {
    const value = column.value(place);
    if (position === 0) {
      return element("button", { type: "button", class: "plain", title: say("choose"), "data-place": place }, value);
    }
    return column.shown ? column.shown(place) : column.written ? column.written(value) : (known(value) ? value : "–");
  }), columns, { "data-place": place, class: data.places[place].level }));
  holder.replaceChildren(tableOf(say("all_places"), columns, rows));
  filterAll();
}

function filterAll() {
  const wanted = byId("filter").value.trim().toLowerCase();
  let count = 0;
  for (const tr of byId("all").querySelectorAll("tbody tr")) {
    const { en, zh, key: placeKey } = data.places[Number(tr.dataset.place)];
    tr.hidden = !`${en} ${zh} ${placeKey}`.toLowerCase().includes(wanted);
    if (!tr.hidden) count += 1;
  }
  byId("shown").textContent = say("shown", { shown: count, all: data.places.length });
}

function markRow() {
  for (const tr of byId("all").querySelectorAll("tbody tr")) {
    tr.classList.toggle("chosen", Number(tr.dataset.place) === chosen.place);
  }
}

// A cell of text that a spreadsheet would run as a formula gets an apostrophe.
function cell(value) {
  if (!known(value)) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

const CSV_COLUMNS = [
  "level", "key", "adcode", "name_en", "name_zh", "pollutant", "units", "window", "start", "end", "days", "missing",
  ...data.kinds.map((kind) => "days_" + kind),
  ...REFERENCES.flatMap((name) => ["mci", "low", "high", "class", "rank", "of", "percentile", "reading"]
    .map((column) => (name === "base" ? column : `${name}_${column}`))),
  "change_previous_percent", "change_last_year_percent", "change_five_years_percent",
  "observed", "observed_last_year", "observed_change", "observed_weather", "observed_weather_low", "observed_weather_high",
];
const EVENT_KEYS = Array.from(new Set(pollutants.flatMap((pollutant) =>
  data.pollutants[pollutant].places.flatMap((mine) => ((mine && mine.happened) || []).map(([event]) => event)))));
const EVENT_COLUMNS = EVENT_KEYS.flatMap((event) => ["days", "judged_days", "usual_days"].map((name) => `${event}_${name}`));

const DRIVERS = { driver: "reference", driver_previous: "previous", driver_last_year: "last_year" };
const DRIVER_COLUMNS = Object.keys(DRIVERS).flatMap((name) => data.groups.flatMap((group) =>
  ["", "_low", "_high"].map((end) => `${name}_${group}${end}`)));

// Cells of the driver groups' shares in the week's index and its changes.
function driverCells(mine) {
  return Object.values(DRIVERS).flatMap((from) => {
    const found = new Map((mine.drivers[from] || []).slice(1).map(([group, ...values]) => [group, values]));
    return data.groups.flatMap((_, group) => found.get(group) || [null, null, null]);
  });
}

// Cells of the events of the week (0) or of the coming one (1).
function eventCells(mine, coming) {
  const found = new Map(mine.happened.map(([event, ...values]) => [event, values.slice(3 * coming, 3 * coming + 3)]));
  return EVENT_KEYS.flatMap((event) => found.get(event) || [null, null, null]);
}

// Rows of what is ahead and the forecast error of each: cells as a window's, of which only the base's are filled.
function aheadRows(mine, pollutant) {
  const kinds = (days) => data.kinds.map((kind) => (kind === "forecast" ? days : 0));
  const [mci, low, high, errors] = mine.ahead ? unpacked(mine.ahead, 4) : [[], [], [], []];
  const rows = data.pollutants[pollutant].ahead.map((date, i) =>
    [["day_ahead", date, date, 1, 0, ...kinds(1), mci[i], low[i], high[i]], errors[i]]).filter((_, i) => known(mci[i]));
  if (mine.coming) {
    rows.push([["week_ahead", ...mine.coming.dates, 7, 0, ...kinds(7), ...withKey(mine.coming.base)], mine.coming.error]);
  }
  return rows;
}

const withKey = (reference) => reference.map((value, i) => (i === 3 && known(value) ? data.classes[value].key : value));

function csv() {
  const lines = [[...CSV_COLUMNS, "forecast_error", ...DRIVER_COLUMNS, ...EVENT_COLUMNS].join(",")];
  data.places.forEach((place, position) => {
    for (const pollutant of pollutants) {
      const mine = own(position, pollutant);
      const named = [place.level, place.key, place.adcode, place.en, place.zh, pollutant, data.pollutants[pollutant].units.en];
      const rows = Object.entries(mine ? mine.windows : {}).map(([window, found]) => [[window, ...found.dates,
        ...found.kinds, ...REFERENCES.flatMap((name) => withKey(found[name] || BLANK)), ...found.change, ...found.observed], null]);
      for (const [cells, error] of [...rows, ...(mine ? aheadRows(mine, pollutant) : [])]) {
        const whole = [...named, ...cells];
        const happened = { week: 0, week_ahead: 1 }[cells[0]];
        lines.push([...CSV_COLUMNS.map((_, i) => whole[i]), error,
          ...(cells[0] === "week" ? driverCells(mine) : DRIVER_COLUMNS.map(() => null)),
          ...(happened === undefined ? EVENT_COLUMNS.map(() => null) : eventCells(mine, happened))].map(cell).join(","));
      }
    }
  });
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}

function download() {
  const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
  const name = data.week.label.replace(/[^\w-]+/g, "_");
  const link = element("a", { href: address, download: `tianbang-index-${name}.csv` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
