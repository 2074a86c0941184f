// Numbers arrive rounded (half to even); here they only get their decimals, a true minus sign or a dash.
const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);
const number = (value, decimals = 1) => (known(value) ? value.toFixed(decimals).replace("-", "−") : "–");
const signed = (value, decimals = 1) => (known(value) && value > 0 ? "+" : "") + number(value, decimals);
const between = (low, high) => `[${number(low)}, ${number(high)}]`;
const MISSING = -32768;

// Rows of a packed series: 16-bit steps, little endian, in base64.
function unpacked(text, rows) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const length = bytes.length / 2 / rows;
  const value = (position) => {
    const steps = view.getInt16(2 * position, true);
    return steps === MISSING ? NaN : Math.round(steps * data.step * 10) / 10;
  };
  return Array.from({ length: rows }, (_, row) => Array.from({ length }, (_, column) => value(row * length + column)));
}

function notFinal(kinds) {
  const parts = data.kinds
    .map((kind, position) => [kind, kinds[position]])
    .filter(([kind, count]) => kind !== "final" && count > 0)
    .map(([kind, count]) => say("marked_part", { count, kind: say(kind) }));
  return parts.join(say("comma"));
}

// Round marks of an axis from low to high, about as many as asked.
function ticks(low, high, wanted) {
  const rough = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, position) => Number(((first + position) * step).toPrecision(10)));
}
