// One weight's derivative as a sum over paths: input times the product of the derivatives along each path.

function createPaths(host, model) {
  if (!model.paths) return { render: () => host.replaceChildren(h("p.note", {}, say("noNumbers"))), pick() {} };
  let chosen = { layer: 0, i: model.drawn[0][0], j: model.drawn[1][0] };
  let sample = 0;
  const figure = h("figure.network");
  let drawing = null;

  function pick(layer, i, j) {
    chosen = { layer, i, j };
    render(sample);
  }

  function render(forSample) {
    sample = forSample;
    const { layer, i, j } = chosen;
    const to = model.paths.layers[layer].units.find((unit) => unit.unit === j);
    const from = model.paths.layers[layer].inputs;
    if (!to || !from.includes(i)) return;
    const { total, count, top } = to.samples[Math.min(sample, to.samples.length - 1)];
    const x = model.symbols.get(`x.${layer + 1}`).at(sample).get(model.symbols.get(`x.${layer + 1}`).at(sample).shape[0] > 1 ? sample : 0, i);
    const gradient = x * total;
    const rest = total - top.reduce((sum, path) => sum + path.product, 0);
    const scale = Math.max(...top.map((path) => Math.abs(x * path.product)), Math.abs(x * rest));
    const many = count !== String(top.length);

    const rows = top.map((path) => pathRow(layer, i, x, path, scale));
    if (many) rows.push(h("tr.rest", {}, h("td", { colspan: 2 }, say("restOfPaths", other(count, top.length))), bar(x * rest, scale)));
    rows.push(h("tr.sum", {}, h("td", { colspan: 2 }, say("sumOfPaths", grouped(count))), bar(gradient, scale)));
    rows.push(h("tr.library", {}, h("td", { colspan: 2 }, say("gradientOfLibrary"), " ", math(gradientName(layer, i, j))), bar(libraryValue(layer, i, j) ?? gradient, scale)));

    host.replaceChildren();
    fill(host, [], {}, [
      chooser(),
      figure,
      h("p.formula", { tabindex: 0 }, math(sumFormula(layer, i, j), true)),
      many ? h("p.note", {}, say("manyPaths", top.length, grouped(count))) : null,
      model.paths.partial ? h("p.note", {}, say("unitsDrawnOnly")) : null,
      h("div.scroll", {}, h("table.paths", {}, h("thead", {}, h("tr", {}, h("th", {}, say("path")), h("th", {}, say("alongPath")), h("th", {}, say("product")))), h("tbody", {}, rows))),
    ]);
    if (!drawing) {
      drawing = createNetwork(figure, {
        sizes: model.sizes, drawn: model.drawn, columns: model.columns, residual: model.residual, hasTarget: false, label: say("network"), onPick: pick,
      });
    }
    show(top.map((path) => path.nodes));
  }

  // The paths given are lit in the drawing, the weight itself always.
  function show(nodeLists) {
    const path = new Set([`w${chosen.layer}:${chosen.i}:${chosen.j}`]);
    for (const edge of nodeLists.flatMap(edges)) path.add(edge);
    const state = drawingState(model, model.steps.length - 1, sample);
    const weights = model.sizes.slice(1).map((_, k) => model.symbols.get(`W.${k + 1}`).at(sample));
    const columns = model.sizes.map((_, c) => model.symbols.get(`x.${c + 1}`).at(sample));
    drawing.paint({ ...state, weights, columns, names: null, lit: [], result: null, path, way: "forward" });
  }

  // Nodes are ["net", k, unit] and ["x", k, unit]; a weight leads from x_k to net_k, a skip from x_k to x_{k+1}.
  function edges(nodes) {
    return nodes.slice(1).flatMap(([kind, k, unit], place) => {
      const [before, , from] = nodes[place];
      if (before !== "x") return [];
      return [kind === "net" ? `w${k - 1}:${from}:${unit}` : `s${k - 2}`];
    });
  }

  function pathRow(layer, i, x, path, scale) {
    // x_k on the way from net to net goes without saying, unless a skip leads to it
    const shown = path.nodes.filter(([kind], place) => kind === "net" || path.kinds[place - 1] === "1");
    const names = [["x", layer + 1, i], ...shown].map(([kind, k, unit]) => nodeName(kind, k, unit));
    const route = names.flatMap((name, place) => [" ", h("span.hop", {}, place ? h("span.to", {}, "→") : null, math(name))]);
    const factors = [x, ...path.factors].map((value, place) => {
      const title = `${place ? factorName(path, place - 1) : `x${layer + 1},${i + 1}`} = ${full(value)}`;
      return h(place && path.kinds[place - 1] === "w" ? "span.factor.weight" : "span.factor", { title }, value < 0 ? `(${short(value)})` : short(value));
    });
    const row = h("tr", { tabindex: 0 }, h(names.length > 5 ? "td.route.long" : "td.route", {}, route), h("td.factors", {}, factors), bar(x * path.product, scale));
    const alone = () => show([path.nodes]);
    const all = () => render(sample);
    row.addEventListener("pointerenter", alone);
    row.addEventListener("focus", alone);
    row.addEventListener("pointerleave", () => show(currentTop()));
    row.addEventListener("blur", () => show(currentTop()));
    row.addEventListener("keydown", (event) => event.key === "Escape" && all());
    return row;
  }

  function factorName(path, place) {
    const [kind, k, unit] = path.nodes[place];
    const to = path.nodes[place + 1];
    if (path.kinds[place] === "w") return `${model.symbols.get(`W.${k}`).name}[${unit + 1}, ${to[2] + 1}]`;
    if (path.kinds[place] === "f") return `f′(net${k},${unit + 1})`;
    return to ? `∂${to[0]}${to[1]},${to[2] + 1}/∂${kind}${k},${unit + 1}` : `δ${k},${unit + 1}`;
  }

  function currentTop() {
    const to = model.paths.layers[chosen.layer].units.find((unit) => unit.unit === chosen.j);
    return to.samples[Math.min(sample, to.samples.length - 1)].top.map((path) => path.nodes);
  }

  function bar(value, scale) {
    const cell = h("td.bar", { title: full(value), "data-value": value }, h("span.length", {}), h("span.number", {}, short(value)));
    tint(cell, value, scale);
    return cell;
  }

  function libraryValue(layer, i, j) {
    const matrix = model.symbols.get(`dW.${layer + 1}`)?.at(sample);
    return matrix?.has(i, j) ? matrix.get(i, j) : null;
  }

  function chooser() {
    const { layer, i, j } = chosen;
    const select = (label, options, value, change) => {
      const list = h("select", {}, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
      list.addEventListener("change", () => change(Number(list.value)));
      return h("label", {}, h("span", {}, label), " ", list);
    };
    const keep = (list, unit) => (list.includes(unit) ? unit : list[0]);
    const unitsOf = (k) => model.paths.layers[k].units.map((unit) => unit.unit);
    return h(
      "div.chooser",
      {},
      select(say("layer"), model.paths.layers.map((_, k) => [k, String(k + 1)]), layer, (k) => pick(k, keep(model.paths.layers[k].inputs, i), keep(unitsOf(k), j))),
      select(say("fromUnit"), model.paths.layers[layer].inputs.map((u) => [u, String(u + 1)]), i, (u) => pick(layer, u, j)),
      select(say("toUnit"), unitsOf(layer).map((u) => [u, String(u + 1)]), j, (u) => pick(layer, i, u)),
    );
  }

  const index = (...parts) => `<mrow>${parts.map((part) => `<mn>${part}</mn>`).join("<mo>,</mo>")}</mrow>`;
  const nodeName = (kind, k, unit) => {
    if (kind === "net") return `<msub><mi>net</mi>${index(k, unit + 1)}</msub>`;
    const [base, number] = model.columns[k - 1]; // the seed's network has x, hidden₁, hidden₂ of its own
    const letter = base === "ŷ" ? "<mover><mi>y</mi><mo>^</mo></mover>" : `<mi>${base}</mi>`;
    return `<msub>${letter}${number ? index(number, unit + 1) : index(unit + 1)}</msub>`;
  };
  const gradientName = (layer, i, j) => `<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo>${model.symbols.get(`W.${layer + 1}`).math}<mo>[</mo>${index(i + 1, j + 1)}<mo>]</mo></mrow></mfrac>`;
  const derivative = (above, below) => `<mfrac><mrow><mo>∂</mo>${above}</mrow><mrow><mo>∂</mo>${below}</mrow></mfrac>`;
  const sumFormula = (layer, i, j) =>
    `<mrow>${gradientName(layer, i, j)}<mo>=</mo>${nodeName("x", layer + 1, i)}<munder><mo>∑</mo><mtext>${say("pathsBelow")}</mtext></munder>` +
    `<munder><mo>∏</mo><mrow><mi>u</mi><mo>→</mo><mi>v</mi></mrow></munder>${derivative("<mi>v</mi>", "<mi>u</mi>")}<mo>⋅</mo>${derivative("<mi>E</mi>", `<msub><mi>net</mi><mrow><mn>${model.sizes.length - 1}</mn><mo>,</mo><mi>o</mi></mrow></msub>`)}</mrow>`;

  return { render, pick };
}

// Counts come as text, since they outgrow a double.
function grouped(count) {
  return count.length > 12 ? inWords(Number(count)) : count.replace(/\B(?=(\d{3})+$)/g, " ");
}

function other(count, n) {
  return grouped(String(BigInt(count) - BigInt(n)));
}
