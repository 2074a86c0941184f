// The map: every city's outline stands in the document; here it gets its class, its name and its keys.
const outlines = Array.from(document.querySelectorAll("#cities path"));
const outlineOf = new Map(outlines.map((outline) => [outline.dataset.code, outline]));
const centre = new Map(outlines.map((outline) => [outline, outline.dataset.at.split(" ").map(Number)]));
const placesOf = { city: new Map(), region: new Map() };
let stop = null; // the outline on which the keyboard stands

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

const coming = (place) => (own(place) && own(place).coming) || null;
const anyComing = () => data.places.some((_, place) => coming(place));
const isAhead = () => chosen.when === "ahead" && anyComing();
// What the map shows of a place: the index of the week against the chosen reference, or of the coming one.
const mapped = (place) => (isAhead() ? (coming(place) || { base: BLANK }).base : referred(place, chosen.reference));

function told(place) {
  const [mci, low, high, position, , , , call] = mapped(place);
  const few = isAhead() ? null : partial(place);
  if (!known(mci)) return say("told", { place: nameOf(place), what: say("no_data") });
  const marks = isAhead() ? say("forecast") : notFinal(week(place).kinds);
  const unsure = isAhead() && !known(coming(place).error);
  const parts = [`${number(mci)} ${between(low, high)}`, few, known(position) ? classWords(position, call) : say(call),
    unsure ? `${marks} ${say("without_error")}` : marks];
  return say("told", { place: nameOf(place), what: parts.filter(Boolean).join(say("comma")) });
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
  placeInset(map);
  map.addEventListener("pointerover", (event) => point(placeOf(event.target)));
  map.addEventListener("click", (event) => pick(placeOf(event.target)));
  byId("stop").addEventListener("keydown", walk);
  byId("stop").addEventListener("focus", () => point(placeOf(stop)));
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
      drawn("use", { href: "#provinces" }),
      drawn("path", { class: "dashes", d: map.querySelector(".dashes").getAttribute("d") }),
      drawn("text", { id: "inset-name", "text-anchor": "middle", style: `font-size:${Math.round(box[2] / 7.5)}px` }))));
}

// In English the name takes two lines.
function nameInset([left, top, width, height]) {
  const lines = say("map_inset").split("|");
  byId("inset-name").replaceChildren(...lines.map((text, i) => drawn("tspan", {
    x: left + width / 2, y: top + height - (lines.length - 0.7 - i) * (width / 7),
  }, text)));
}

function paintMap() {
  const map = byId("map");
  if (!map || !levels.length) return;
  map.setAttribute("aria-label", say("map_name"));
  nameInset(map.dataset.inset.split(" ").map(Number));
  byId("map-source").textContent = say("map_source", { package: byId("map-source").dataset.package });
  for (const outline of outlines) {
    const place = placeOf(outline);
    const position = place === undefined ? null : mapped(place)[3];
    outline.setAttribute("class", [known(position) ? "" : "none", place === undefined ? "" : "valued"].join(" ").trim());
    outline.style.fill = known(position) ? `url(#fill-${shade(position)})` : "";
  }
  const valued = outlines.filter((outline) => placeOf(outline) !== undefined);
  stand(valued.find((outline) => placeOf(outline) === chosen.place) || (valued.includes(stop) ? stop : valued[0]));
  mark();
}

const traced = (place) => data.places[place].outline
  || outlinesOf(place).map((outline) => outline.getAttribute("d")).join("");

function mark() {
  const regions = chosen.level === "region" ? Array.from(new Set(placesOf.region.values())) : [];
  byId("marks").replaceChildren(...regions.map((place) => drawn("path", { class: "region", d: traced(place) })),
    drawn("path", { class: "selected", d: traced(chosen.place) }));
}

function point(place) {
  if (place !== undefined) byId("pointed").textContent = told(place);
}

// The one stop of the keyboard moves from place to place; it lies over the outlines and is seen when it has the focus.
function stand(outline) {
  stop = outline;
  const place = placeOf(outline);
  const node = byId("stop");
  node.setAttribute("d", traced(place));
  node.setAttribute("aria-label", told(place));
  node.setAttribute("aria-pressed", place === chosen.place);
  point(place);
}

function pick(place) {
  if (place !== undefined) choose({ place });
}

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// To the nearest place in the direction of the arrow; one far off to the side counts as farther.
function walk(event) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    pick(placeOf(stop));
  }
  if (!(event.key in WAYS)) return;
  event.preventDefault();
  const nearest = neighbour(WAYS[event.key]);
  if (nearest) stand(nearest);
}

function neighbour(way) {
  const [x, y] = centre.get(stop);
  let [nearest, distance] = [null, Infinity];
  for (const outline of outlines) {
    if (placeOf(outline) === undefined || placeOf(outline) === placeOf(stop)) continue;
    const [dx, dy] = [centre.get(outline)[0] - x, centre.get(outline)[1] - y];
    const [along, aside] = [dx * way[0] + dy * way[1], Math.abs(dx * way[1]) + Math.abs(dy * way[0])];
    if (along > 0 && aside <= 2 * along && along + 2 * aside < distance) {
      [nearest, distance] = [outline, along + 2 * aside];
    }
  }
  return nearest;
}
