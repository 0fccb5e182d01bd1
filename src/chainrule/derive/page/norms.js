// The gradient's length in each layer, on a logarithmic scale: vanishing and exploding made visible.

function renderNorms(host, model) {
  if (!model.norms) return host.replaceChildren(h("p.note", {}, say("noNumbers")));
  const { delta, weight } = model.norms;
  const known = [...delta, ...weight].filter((value) => value > 0 && Number.isFinite(value));
  const highest = Math.ceil(Math.log10(Math.max(...known, 1e-300)) + 0.05);
  const lowest = Math.min(highest - 2, Math.floor(Math.log10(Math.min(...known, 1e300)) - 0.05));
  const share = (value) => (value > 0 ? Math.max(0.5, (100 * (Math.log10(value) - lowest)) / (highest - lowest)) : 0);

  const rows = delta.map((value, k) => {
    const factor = k + 1 < delta.length && delta[k + 1] > 0 ? value / delta[k + 1] : null;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, say("layerName", k + 1), h("small", {}, ` ${model.activations[k]}`)),
      h("td.bars", {}, lengthBar("delta", value, share(value)), lengthBar("weight", weight[k], share(weight[k]))),
      h("td.factor", { title: factor === null ? null : full(factor) }, factor === null ? "" : `× ${short(factor)}`),
    );
  });
  const step = Math.max(1, Math.ceil((highest - lowest) / 4));
  const ticks = [];
  for (let power = lowest; power <= highest; power += step) {
    ticks.push(h("span", { style: `left:${(100 * (power - lowest)) / (highest - lowest)}%` }, "10", h("sup", {}, signed(String(power)))));
  }
  host.replaceChildren(
    h("p.verdict", {}, verdict(delta)),
    h("p.legend", {}, h("span", {}, h("span.swatch.delta"), say("normDelta")), h("span", {}, h("span.swatch.weight"), say("normWeight"))),
    h(
      "table.norms",
      {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, say("layer")), h("th", { scope: "col" }, say("length")), h("th.factor", { scope: "col" }, say("factor"), h("small", {}, " ‖δₖ‖ / ‖δₖ₊₁‖")))),
      h("tbody", {}, rows),
      h("tfoot", { "aria-hidden": true }, h("tr", {}, h("th", {}), h("td", {}, h("div.ticks", {}, ticks)), h("td", {}))),
    ),
  );
}

function lengthBar(kind, value, percent) {
  return h(`div.length.${kind}`, { title: full(value), "data-value": value }, h("span.fill", { style: `width:${percent}%` }), h("span.number", {}, short(value)));
}

// In a sentence: 230, 0.35, or 2.2×10⁸.
function inWords(value) {
  if (value < 1e4 && value >= 1e-2) return short(value);
  const [mantissa, exponent] = value.toExponential(1).split("e");
  const raised = String(Number(exponent)).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
  return `${mantissa}×10${raised}`;
}

function verdict(delta) {
  const passed = delta.length - 1;
  if (!passed) return "";
  if (delta.some((value) => value === 0)) return say("zeroGradient");
  const change = delta[0] / delta[passed];
  if (change < 0.1) return say(change < 1e-3 ? "vanishing" : "shrinking", inWords(1 / change), passed, inWords(change));
  return say(change > 1e3 ? "exploding" : change > 10 ? "growing" : "steady", inWords(change), passed);
}
