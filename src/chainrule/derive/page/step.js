// One step: its statement line by line with the rule of each line, the shapes, and the matrices in play.

function stepArticle(model, place, sample, { onPoint, onPickWeight }) {
  const step = model.steps[place];
  const part = model.parts.find((each) => each.key === step.part);
  const article = [
    h(
      "p.where",
      {},
      step.equation ? h("span.equation", {}, step.equation) : null,
      h("span", {}, told(part.name) + (step.layer ? ` · ${say("layerName", step.layer)}` : "")),
      h("a.key", { href: `#${step.key}` }, `#${step.key}`),
    ),
    h("h2", {}, told(step.title)),
    statement(step, model.symbols),
    told(step.note) ? h("p.note", {}, told(step.note)) : null,
    model.hasNumbers && !step.symbolic ? numbers(model, step, sample, onPoint, onPickWeight) : shapesLine(model, step),
    step.symbolic ? h("p.note", {}, say("general")) : model.hasNumbers ? null : h("p.note", {}, say("noNumbers")),
  ];
  return article.filter(Boolean);
}

// lhs = form, = form, ...: the sign and the form in one formula each, the rule in words beside it.
function statement(step, shapes = null) {
  const lines = step.forms.map((form, i) => {
    const sign = `<mo>${step.assignment && i === 0 ? "←" : "="}</mo>`;
    const left = i === 0 ? step.lhs : `<mphantom>${step.lhs}</mphantom>`;
    const line = math(`<mrow>${left}${sign}${form.math}</mrow>`, true);
    if (shapes && i === step.forms.length - 1) annotate(line, shapes);
    return h("li", {}, h("div.formula", { tabindex: 0 }, line), rule(step, form));
  });
  return h("ol.statement", {}, lines);
}

// A rule by its name; its text is open where the derivation uses the rule for the first time.
function rule(step, form) {
  const { name, text, first } = form.rule;
  return h("details.rule", { open: first === step.key }, h("summary", {}, told(name)), h("p", {}, told(text)));
}

// Writes each matrix's shape below it.
function annotate(line, symbols) {
  for (const mark of line.querySelectorAll("[data-symbol]")) {
    const symbol = symbols.get(mark.dataset.symbol);
    if (!symbol || mark.parentElement.closest("[data-symbol], mphantom") || symbol.isScalar) continue;
    const transposed = mark.lastElementChild?.lastElementChild?.textContent === "⊤";
    const shape = symbol.shapeText.split("×");
    if (transposed) shape.reverse();
    const under = document.createElementNS("http://www.w3.org/1998/Math/MathML", "munder");
    const note = document.createElementNS("http://www.w3.org/1998/Math/MathML", "mtext");
    note.setAttribute("class", "annotated");
    note.textContent = shape.join("×");
    mark.replaceWith(under);
    under.append(mark, note);
    if (mark.querySelector("mfrac")) continue;
    // without depth of its own, so that brackets around the symbol do not grow
    const flat = document.createElementNS("http://www.w3.org/1998/Math/MathML", "mpadded");
    flat.setAttribute("depth", "0.25em");
    under.replaceWith(flat);
    flat.append(under);
  }
}

function shapesLine(model, step) {
  const seen = [...new Set([...step.uses, step.target])].map((key) => model.symbols.get(key)).filter(Boolean);
  if (!seen.length) return null;
  const chips = seen.map((symbol) => h("li", {}, math(symbol.math), symbol.isScalar ? null : h("span.shape", {}, symbol.shapeText), h("span.role", {}, told(symbol.meaning))));
  return h("div.shapes", {}, h("h3", {}, say("shapes")), h("ul", {}, chips));
}

function numbers(model, step, sample, onPoint, onPickWeight) {
  const figures = [];
  const add = (key, result) => {
    const symbol = model.symbols.get(key);
    const matrix = symbol?.at(sample);
    if (!matrix) return;
    const lines = symbol.place?.[0] === "lines";
    const figure = matrixFigure(
      { ...symbol, matrix },
      {
        result,
        sample: symbol.perRow && !symbol.samples ? sample : null,
        onPoint: (i, j) => onPoint(symbol.place, i, j),
        onPick: lines ? (i, j) => onPickWeight(symbol.place[1], i, j) : null,
      },
    );
    const gives = result && figures.length > 0; // the sign stays with what it gives where lines break
    figures.push(gives ? h("div.outcome", {}, h("span.gives", { "aria-label": say("result") }, step.assignment ? "→" : "="), figure) : figure);
  };
  for (const key of step.uses) if (key !== step.target) add(key, false);
  add(step.target, true);
  return figures.length ? h("div.numbers", {}, h("h3", {}, say("numbers")), h("div.matrices", {}, figures)) : null;
}
