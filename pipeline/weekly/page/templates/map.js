// The map: every city's outline stands in the document; here it gets its class, its name and its keys.
const outlines = Array.from(document.querySelectorAll("#cities path"));
const outlineOf = new Map(outlines.map((outline) => [outline.dataset.code, outline]));
const centre = new Map(outlines.map((outline) => [outline, outline.dataset.at.split(" ").map(Number)]));
const placesOf = { city: new Map(), region: new Map() };
let focused = null;

data.places.forEach((place, position) => {
  if (place.level === "city" && outlineOf.has(place.adcode)) placesOf.city.set(outlineOf.get(place.adcode), position);
  for (const code of place.cities || []) {
    const outline = outlineOf.get(code);
    if (outline && !placesOf.region.has(outline)) placesOf.region.set(outline, position);
  }
});

const levels = ["city", "region"].filter((level) => placesOf[level].size);
const placeOf = (outline) => placesOf[chosen.level].get(outline);
const outlinesOf = (place) => outlines.filter((outline) => placeOf(outline) === place);

function told(place) {
  const week = own(place) && own(place).windows.week;
  if (!week || !week.base || !known(week.base[0])) return `${nameOf(place)}: ${say("no_data")}`;
  const [mci, low, high, position, , , , call] = week.base;
  const marks = notFinal(week.kinds);
  return `${nameOf(place)}: ${number(mci)} ${between(low, high)}, ${known(position) ? className(position) + ", " : ""}`
    + `${say(call)}${marks ? ` (${marks})` : ""}`;
}

function startMap() {
  const map = byId("map");
  if (!map) return;
  if (!levels.length) {
    byId("china").hidden = true;
    byId("map-empty").hidden = false;
    return;
  }
  if (!levels.includes(chosen.level)) chosen.level = levels[0];
  byId("fills").append(...FILLS.map((_, position) => hatch("fill-" + position, position, 16)),
    drawn("pattern", { id: "fill-none", width: 10, height: 10, patternUnits: "userSpaceOnUse" },
      drawn("rect", { width: 10, height: 10, fill: "#fff" }), drawn("circle", { cx: 5, cy: 5, r: 1.2, fill: "#999" })));
  placeInset(map);
  map.addEventListener("pointerover", (event) => point(placeOf(event.target)));
  map.addEventListener("click", (event) => pick(placeOf(event.target)));
  map.addEventListener("focusin", (event) => focusOn(event.target));
  map.addEventListener("focusout", () => mark(focused = null));
  map.addEventListener("keydown", walk);
}

function placeInset(map) {
  const [left, top, width, height] = map.getAttribute("viewBox").split(" ").map(Number);
  const box = map.dataset.inset.split(" ").map(Number);
  const wide = width * 0.155;
  const high = wide * (box[3] / box[2]);
  const whole = width + wide * 0.55;
  map.setAttribute("viewBox", `${left} ${top} ${whole} ${height}`);
  const at = { x: left + whole - wide - 4, y: top + height - high - 4, width: wide, height: high };
  map.append(drawn("g", { class: "inset", "aria-hidden": "true" }, drawn("rect", at),
    drawn("svg", { ...at, viewBox: box.join(" ") }, drawn("use", { href: "#cities" }),
      drawn("path", { class: "dashes", d: map.querySelector(".dashes").getAttribute("d") }),
      drawn("text", { id: "inset-name", x: box[0] + box[2] / 2, y: box[1] + box[3] - 30, "text-anchor": "middle",
        style: `font-size:${Math.round(box[2] / 10)}px` }))));
}

function paintMap() {
  const map = byId("map");
  if (!map || !levels.length) return;
  map.setAttribute("aria-label", say("map_name"));
  byId("inset-name").textContent = say("map_inset");
  byId("map-source").textContent = say("map_source", { package: byId("map-source").dataset.package });
  const stops = new Set();
  const current = outlines.find((outline) => placeOf(outline) === chosen.place)
    || outlines.find((outline) => placeOf(outline) !== undefined);
  for (const outline of outlines) {
    const place = placeOf(outline);
    const valued = place !== undefined;
    const week = valued && own(place) && own(place).windows.week;
    const position = week && week.base ? week.base[3] : null;
    outline.setAttribute("class", [known(position) ? "" : "none", valued ? "valued" : ""].join(" ").trim());
    outline.style.fill = known(position) ? `url(#fill-${shade(position)})` : "";
    const first = valued && (chosen.level === "city" || !stops.has(place));
    stops.add(place);
    for (const name of ["role", "tabindex", "aria-label", "aria-pressed"]) outline.removeAttribute(name);
    if (!first) continue;
    outline.setAttribute("role", "button");
    outline.setAttribute("tabindex", outline === current ? 0 : -1);
    outline.setAttribute("aria-label", told(place));
    outline.setAttribute("aria-pressed", place === chosen.place);
  }
  mark();
  point(placesOf[chosen.level].get(current) === chosen.place ? chosen.place : undefined);
}

function mark() {
  const traced = (kind, place) => drawn("path", { class: kind,
    d: outlinesOf(place).map((outline) => outline.getAttribute("d")).join("") });
  byId("marks").replaceChildren(traced("selected", chosen.place),
    ...(focused ? [traced("focused", placeOf(focused))] : []));
}

function point(place) {
  if (place !== undefined) byId("pointed").textContent = told(place);
}

function focusOn(outline) {
  if (placeOf(outline) === undefined) return;
  focused = outline;
  for (const other of outlines) if (other.getAttribute("tabindex") === "0") other.setAttribute("tabindex", -1);
  outline.setAttribute("tabindex", 0);
  mark();
  point(placeOf(outline));
}

function pick(place) {
  if (place !== undefined) choose({ place });
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// To the nearest stop in the direction of the arrow; one far off to the side counts as farther.
function walk(event) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return pick(placeOf(event.target));
  }
  const way = WAYS[event.key];
  if (!way || placeOf(event.target) === undefined) return undefined;
  event.preventDefault();
  const [x, y] = centre.get(event.target);
  let [nearest, distance] = [null, Infinity];
  for (const outline of outlines) {
    if (outline === event.target || !outline.hasAttribute("tabindex")) continue;
    const [dx, dy] = [centre.get(outline)[0] - x, centre.get(outline)[1] - y];
    const [along, aside] = [dx * way[0] + dy * way[1], Math.abs(dx * way[1]) + Math.abs(dy * way[0])];
    if (along > 0 && aside <= 2 * along && along + 2 * aside < distance) {
      [nearest, distance] = [outline, along + 2 * aside];
    }
  }
  if (nearest) nearest.focus();
  return undefined;
}
