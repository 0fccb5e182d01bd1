// Numbers: the data and its matrices as Python packed them, and how a number is written and colored.

const MINUS = "−";

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

// The data are JSON, deflated: formulas repeat themselves.
async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

// A packed matrix holds little-endian float64 in base64; a large one only the rows and columns that are shown.
function unpack(packed) {
  const data = new Float64Array(bytesOf(packed.data).buffer);
  const [nRows, nColumns] = packed.shape;
  const rows = packed.rows ?? range(nRows);
  const columns = packed.columns ?? range(nColumns);
  const rowPlace = new Map(rows.map((i, place) => [i, place]));
  const columnPlace = new Map(columns.map((j, place) => [j, place]));
  return {
    shape: packed.shape,
    rows,
    columns,
    whole: rows.length === nRows && columns.length === nColumns,
    scale: packed.scale,
    has: (i, j) => rowPlace.has(i) && columnPlace.has(j),
    get: (i, j) => data[rowPlace.get(i) * columns.length + columnPlace.get(j)],
  };
}

function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}

// Indices to show of n: all, or the first ones and the last; null stands for those left out.
function folded(available, n, most) {
  if (n <= most && available.length === n) return available;
  const last = available[available.length - 1];
  const first = available.filter((i, place) => place < most - 2 && i === place);
  return last === n - 1 ? [...first, null, last] : [...first, null];
}

// Three significant digits, in at most seven characters.
function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : MINUS + "∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e4 || size < 1e-3) return scientific(value, size >= 1e99 || size < 1e-99 ? 0 : 1);
  return signed(value.toPrecision(3));
}

// The shortest decimal that reads back as the same double.
function full(value) {
  return Number.isFinite(value) ? signed(String(value)) : short(value);
}

function scientific(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  return signed(`${mantissa}e${Number(exponent)}`);
}

function signed(text) {
  return text.replace(/-/g, MINUS);
}

// Class and custom property that color by sign and size; the stylesheet does the rest.
function tint(element, value, scale) {
  const size = scale > 0 && Number.isFinite(value) ? Math.min(1, Math.abs(value) / scale) : 0;
  element.classList.toggle("pos", value > 0);
  element.classList.toggle("neg", value < 0);
  element.style.setProperty("--m", size.toFixed(3));
}
