// Charts are drawn at the width they have, so that their letters are as large as the text around them.
const FILLS = ["#0b4f8a", "#8cc0e8", "#f2f2f2", "#fdb863", "#c2500a"];
const SIGNS = ["▼▼", "▼", "●", "▲", "▲▲"];
const HATCHES = ["#8cc0e8", "#2a6ca5", null, "#a34a08", "#ffd9ad"];
const EDGE = { left: 48, right: 12, top: 10, bottom: 34 };

const shade = (position) => Math.round((position / Math.max(data.classes.length - 1, 1)) * 4);
const className = (position) => say("class_" + data.classes[position].key);

// Favourable classes are hatched falling, unfavourable ones rising: the side is seen without colour.
function hatch(id, position, size) {
  const [fillColour, line] = [FILLS[position], HATCHES[position]];
  const falls = position < 2;
  const strokes = line ? [drawn("path", {
    d: falls ? `M0 0L${size} ${size}M${-size / 2} ${size / 2}L${size / 2} ${1.5 * size}M${size / 2} ${-size / 2}L${1.5 * size} ${size / 2}`
      : `M0 ${size}L${size} 0M${-size / 2} ${size / 2}L${size / 2} ${-size / 2}M${size / 2} ${1.5 * size}L${1.5 * size} ${size / 2}`,
    stroke: line, "stroke-width": size / 7, fill: "none",
  })] : [];
  return drawn("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse" },
    drawn("rect", { width: size, height: size, fill: fillColour }), ...strokes);
}

// One hidden drawing holds the hatches of every legend, label and bar.
function startHatches() {
  document.body.append(drawn("svg", { class: "hatches", width: 0, height: 0, "aria-hidden": "true" }, drawn("defs", {},
    ...FILLS.map((_, position) => hatch("swatch-" + position, position, 6)),
    ...FILLS.map((_, position) => hatch("fill-" + position, position, 16)),
    drawn("pattern", { id: "fill-none", width: 10, height: 10, patternUnits: "userSpaceOnUse" },
      drawn("rect", { width: 10, height: 10, fill: "#fff" }), drawn("circle", { cx: 5, cy: 5, r: 1.2, fill: "#999" })))));
}

function swatch(position) {
  return drawn("svg", { viewBox: "0 0 24 16", "aria-hidden": "true" },
    drawn("rect", { width: 24, height: 16, fill: `url(#swatch-${shade(position)})` }));
}

// A class by its thresholds; where the interval holds 100, or does not though the class is neutral, it says so.
function classWords(position, call) {
  const neutral = position === (data.classes.length - 1) / 2;
  if (neutral && known(call) && call !== "near") return say("leaning", { name: className(position), reading: say(call) });
  return className(position) + (call === "near" && !neutral ? ` (${say("unsure")})` : "");
}

const noClass = () => drawn("svg", { viewBox: "0 0 24 16", "aria-hidden": "true" },
  drawn("rect", { width: 24, height: 16, fill: "url(#fill-none)" }));

function classLabel(position, call) {
  if (!known(position)) return element("span", { class: "class" }, say("no_data"));
  return element("span", { class: "class" }, swatch(position), `${SIGNS[shade(position)]} ${classWords(position, call)}`);
}

// The class of a reference's values with what its interval says; an index of too few days has no class.
function verdict([mci, , , position, , , , call]) {
  if (!known(mci) || known(position)) return classLabel(position, call);
  return element("span", { class: "class" }, noClass(), say("no_class", { days: data.fewest_days }));
}

function scale(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

const PAPER = 640; // of charts in print, as in the style
let onPaper = false;

function canvas(holder, height, label) {
  const width = onPaper ? PAPER : Math.max(holder.clientWidth || 640, 280);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  return { svg, width, height };
}

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const label = (x, y, text, anchor = "middle") => drawn("text", { x, y, "text-anchor": anchor }, text);
const line = (kind, x1, y1, x2, y2) => drawn("line", { class: kind, x1, y1, x2, y2 });

// Runs of neighbouring columns whose values are all known.
function runs(columns) {
  const found = [[]];
  for (const column of columns) {
    if (column.every(known)) found[found.length - 1].push(column);
    else found.push([]);
  }
  return found.filter((run) => run.length);
}

function area(kind, columns, x, y) {
  return runs(columns).map((run) => {
    const there = run.map(([at, low]) => [x(at), y(low)]);
    const back = run.map(([at, , high]) => [x(at), y(high)]).reverse();
    return drawn("path", { class: kind, d: path([...there, ...back]) + "Z" });
  });
}

function valueAxis(svg, y, low, high, left, right) {
  for (const tick of ticks(low, high, 5)) {
    svg.append(line("grid", left, y(tick), right, y(tick)), label(left - 6, y(tick) + 4, number(tick, 0), "end"));
  }
}

function key(entries) {
  return element("figcaption", { class: "key" }, ...entries.map(([mark, text]) =>
    element("span", {}, drawn("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, ...mark), text)));
}

const baseLine = () => say("base_line", { label: data.labels.base || "–" });

function yearChart(holder) {
  holder.replaceChildren();
  const mine = own();
  if (!mine || !mine.weeks) return holder.append(element("p", { class: "elsewhere" }, say(mine && mine.left_out ? "series_left_out" : "year_none")));
  const { weeks, band } = data.pollutants[chosen.pollutant];
  const [mci, low, high] = unpacked(mine.weeks, 3);
  const [least, p10, median, p90, most] = mine.band ? unpacked(mine.band, 5) : [[], [], [], [], []];
  const all = [...mci, ...low, ...high, ...p10, ...p90, ...least, ...most, 100].filter(known);
  const [bottom, top] = [Math.min(...all), Math.max(...all)];
  const at = weeks.map(([, , week]) => week);
  const last = mci.reduce((found, value, i) => (known(value) ? i : found), 0);
  const { svg, width, height } = canvas(holder, 320, say("year_alt", {
    place: nameOf(chosen.place), pollutant: data.pollutants[chosen.pollutant][chosen.language],
    label: weeks[last][0], mci: number(mci[last]), low: number(low[last]), high: number(high[last]),
  }));
  const [right, floor] = [width - EDGE.right, height - EDGE.bottom];
  const weeksShown = [Math.min(1, ...at, ...band), Math.max(52, ...at, ...band)];
  const x = scale(...weeksShown, EDGE.left + 8, right - 8);
  const y = scale(bottom, top, floor - 4, EDGE.top);
  svg.append(...area("outer", band.map((week, i) => [week, least[i], most[i]]), x, y),
    ...area("inner", band.map((week, i) => [week, p10[i], p90[i]]), x, y));
  valueAxis(svg, y, bottom, top, EDGE.left, right);
  for (const run of runs(band.map((week, i) => [week, median[i]]))) {
    svg.append(drawn("path", { class: "median", d: path(run.map(([week, value]) => [x(week), y(value)])) }));
  }
  svg.append(line("hundred", EDGE.left, y(100), right, y(100)));
  svg.append(...area("span", at.map((week, i) => [week, low[i], high[i]]), x, y));
  for (const run of runs(at.map((week, i) => [week, mci[i]]))) {
    svg.append(drawn("path", { class: "line", d: path(run.map(([week, value]) => [x(week), y(value)])) }));
  }
  at.forEach((week, i) => {
    if (!known(mci[i])) return;
    const kind = data.kinds[Number(mine.kinds[i])] || "final";
    const told = `${weeks[i][0]} (${weeks[i][1]}): ${number(mci[i])} ${between(low[i], high[i])}, ${say(kind)}`;
    svg.append(drawn("circle", { class: kind === "final" ? "dot" : "dot open", cx: x(week), cy: y(mci[i]), r: 3.2 },
      drawn("title", {}, told)));
  });
  svg.append(line("axis", EDGE.left, floor, right, floor));
  for (const tick of ticks(...weeksShown, width < 500 ? 6 : 12)) svg.append(label(x(tick), floor + 15, String(tick)));
  svg.append(label((EDGE.left + right) / 2, height - 4, say("week_axis")));
  holder.append(svg, key([
    [[drawn("rect", { class: "span", width: 26, height: 12 }), line("line", 0, 6, 26, 6)], say("this_year")],
    [[drawn("circle", { class: "dot open", cx: 13, cy: 6, r: 4 })], say("not_final")],
    ...(mine.band ? [
      [[drawn("rect", { class: "outer", width: 26, height: 12 })], `${say("band_outer")} (${mine.years})`],
      [[drawn("rect", { class: "inner", width: 26, height: 12 })], say("band_inner")],
      [[line("median", 0, 6, 26, 6)], say("band_median")],
    ] : []),
    [[line("hundred", 0, 6, 26, 6)], baseLine()],
  ]));
}

// Where the bars start: what is chosen where the place has it, else the reference.
const drivenFrom = () => (((own() || {}).drivers || {})[chosen.from] ? chosen.from : "reference");

function driversChart(holder) {
  holder.replaceChildren();
  const week = own() && own().windows.week;
  const [start, ...every] = ((own() || {}).drivers || {})[drivenFrom()] || [null];
  const drivers = every.filter(([, points]) => known(points));
  if (!drivers.length || !week || !week.base || !known(week.base[0])) {
    return holder.append(element("p", { class: "elsewhere" }, say("drivers_none")));
  }
  const steps = [];
  let reached = start;
  for (const [group, points, low, high] of drivers) {
    steps.push({ name: say("group_" + data.groups[group]), from: reached, to: reached + points, points,
      low: known(low) ? reached + low : NaN, high: known(high) ? reached + high : NaN,
      unsure: !known(low) || !known(high) || (low <= 0 && high >= 0) });
    reached += points;
  }
  const mci = week.base[0];
  const ends = [start, mci, ...steps.flatMap(({ from, to, low, high }) => [from, to, low, high])].filter(known);
  const row = 34;
  const { svg, width, height } = canvas(holder, row * (steps.length + 2) + EDGE.bottom, say("drivers_alt", {
    place: nameOf(chosen.place), pollutant: data.pollutants[chosen.pollutant][chosen.language], start: number(start), mci: number(mci),
    values: steps.map(({ name, points }) => `${name} ${signed(points)}`).join(say("comma")),
  }));
  const [left, right, floor] = [150, width - 52, height - EDGE.bottom];
  const x = scale(Math.min(...ends), Math.max(...ends), left, right);
  for (const tick of ticks(Math.min(...ends), Math.max(...ends), 4)) {
    svg.append(line("grid", x(tick), 0, x(tick), floor), label(x(tick), floor + 15, number(tick, 0)));
  }
  svg.append(line("hundred", x(start), 0, x(start), floor), label((left + right) / 2, height - 4, say("mci")));
  svg.append(label(left - 8, row / 2 + 4, say("from_" + drivenFrom()), "end"),
    label(width - 46, row / 2 + 4, number(start, start === 100 ? 0 : 1), "start"));
  steps.forEach((step, i) => {
    const top = row * (i + 1);
    const middle = top + row / 2;
    svg.append(line("connect", x(step.from), middle - row, x(step.from), middle),
      drawn("rect", { class: (step.points < 0 ? "bar-down" : "bar-up") + (step.unsure ? " unsure" : ""),
        x: Math.min(x(step.from), x(step.to)), width: Math.max(Math.abs(x(step.to) - x(step.from)), 1),
        y: top + 7, height: row - 14 }));
    if (known(step.low) && known(step.high)) svg.append(line("whisker", x(step.low), middle, x(step.high), middle));
    svg.append(label(left - 8, middle + 4, step.name, "end"),
      label(width - 46, middle + 4, signed(step.points), "start"));
  });
  const top = row * (steps.length + 1);
  svg.append(line("connect", x(mci), top - row / 2, x(mci), top + 7),
    drawn("rect", { class: "bar-total", x: x(mci) - 2.5, width: 5, y: top + 7, height: row - 14 }),
    label(left - 8, top + row / 2 + 4, say("window_week"), "end"),
    label(width - 46, top + row / 2 + 4, number(mci), "start"));
  const absent = data.groups.map((group, position) => [group, position]).filter(([group, position]) =>
    group !== "other" && !drivers.some(([own]) => own === position)).map(([group]) => say("group_" + group));
  holder.append(svg, element("figcaption", {}, [say("drivers_note"),
    ...(absent.length ? [say("drivers_absent", { groups: absent.join(say("comma")) })] : [])].join(" ")));
}

function outlookChart(holder) {
  holder.replaceChildren();
  const mine = own();
  const series = mine && mine.ahead ? unpacked(mine.ahead, 4).slice(0, 3) : [[], [], []];
  const days = data.pollutants[chosen.pollutant].ahead
    .map((date, i) => [date, ...series.map((values) => values[i])]).filter(([, mci]) => known(mci));
  if (!days.length) {
    const why = data.outlook.why && data.outlook.why[chosen.language];
    const told = [say(mine && mine.left_out ? "series_left_out" : "outlook_none"), why].filter(Boolean);
    return holder.append(element("p", { class: "elsewhere" }, told.join(" ")));
  }
  const values = [100, ...days.flatMap((day) => day.slice(1))].filter(known);
  const [bottom, top] = [Math.min(...values), Math.max(...values)];
  const { svg, width, height } = canvas(holder, 280, say("outlook_alt", {
    place: nameOf(chosen.place), pollutant: data.pollutants[chosen.pollutant][chosen.language],
    values: days.map(([date, mci, low, high]) => `${date} ${number(mci)} ${between(low, high)}`).join(say("comma")),
  }));
  const [right, floor] = [width - EDGE.right, height - EDGE.bottom];
  const x = scale(0, Math.max(days.length - 1, 1), EDGE.left + 24, right - 24);
  const y = scale(bottom, top, floor - 10, EDGE.top + 16);
  valueAxis(svg, y, bottom, top, EDGE.left, right);
  svg.append(line("hundred", EDGE.left, y(100), right, y(100)), line("axis", EDGE.left, floor, right, floor));
  svg.append(drawn("path", { class: "line", d: path(days.map(([, mci], i) => [x(i), y(mci)])) }));
  days.forEach(([date, mci, low, high], i) => {
    if (known(low) && known(high)) svg.append(line("whisker", x(i), y(low), x(i), y(high)));
    svg.append(drawn("circle", { class: "dot open", cx: x(i), cy: y(mci), r: 4 },
      drawn("title", {}, `${date}: ${number(mci)} ${between(low, high)}, ${say("forecast")}`)));
    svg.append(label(x(i), y(known(high) ? high : mci) - 7, number(mci, width < 500 ? 0 : 1)));
    if (width >= 500 || i % 2 === 0) svg.append(label(x(i), floor + 15, date.slice(5)));
  });
  holder.append(svg, key([
    [[line("whisker", 0, 6, 26, 6)], [say("interval"), mine.issued[2] === "none" ? say("without_error") : ""].join(" ")],
    [[drawn("circle", { class: "dot open", cx: 13, cy: 6, r: 4 })], say("forecast")],
    [[line("hundred", 0, 6, 26, 6)], baseLine()],
  ]), element("p", { class: "remark" },
    [say("outlook_issued", { issued: mine.issued[0], source: mine.issued[1] }), say("outlook_error_" + mine.issued[2]),
      ...data.outlook.remarks.map(([phrase, values]) => say(phrase, values))].join(" ")));
}
