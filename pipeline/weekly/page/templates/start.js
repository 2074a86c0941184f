// What the page knows and what is chosen. All text reaches the document as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const LANGUAGES = ["en", "zh"];
const pollutants = Object.keys(data.pollutants);
const chosen = { language: "en", pollutant: pollutants[0], place: 0, level: "city", when: "week", reference: "base", from: "reference" };

const byId = (id) => document.getElementById(id);
const own = (place = chosen.place, pollutant = chosen.pollutant) => data.pollutants[pollutant].places[place];
const nameOf = (place) => data.places[place][chosen.language];

function say(key, values = {}) {
  return data.words[chosen.language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// A sentence: the number of its form and its values; a list among them is said with commas between (as in Python).
function spoken([form, ...values], place) {
  const [phrase, names] = data.forms[form];
  const { language } = chosen;
  const { units, statistic, ...pollutant } = data.pollutants[chosen.pollutant];
  const said = {
    place: nameOf(place), pollutant: pollutant[language], units: units[language], statistic: statistic[language],
  };
  names.forEach((name, i) => {
    said[name] = Array.isArray(values[i]) ? values[i].map((one) => spoken(one, place)).join(say("comma")) : values[i];
  });
  return say(phrase, said);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const drawn = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// A choice is remembered by this browser where it lets us, and always by the address: #lang=zh&pollutant=o3&place=fwp_13
function remembered(name) {
  try {
    return window.localStorage.getItem("tianbang-" + name);
  } catch {
    return null; // a mail reader, or a browser that forbids it
  }
}

function remember() {
  const place = data.places[chosen.place];
  const address = new URLSearchParams({
    lang: chosen.language, pollutant: chosen.pollutant, level: place.level, place: place.key,
  });
  try {
    window.localStorage.setItem("tianbang-language", chosen.language);
  } catch { /* not remembered then */ }
  try {
    window.history.replaceState(null, "", "#" + address);
  } catch { /* a sandboxed frame has no history */ }
}

function choiceOfAddress() {
  const asked = new URLSearchParams(window.location.hash.slice(1));
  const languages = [asked.get("lang"), remembered("language"), (navigator.language || "").slice(0, 2)];
  chosen.language = languages.find((one) => LANGUAGES.includes(one)) || "en";
  if (pollutants.includes(asked.get("pollutant"))) chosen.pollutant = asked.get("pollutant");
  const place = data.places.findIndex(
    (one) => one.key === asked.get("place") && (!asked.has("level") || one.level === asked.get("level")));
  if (place >= 0) chosen.place = place;
}
