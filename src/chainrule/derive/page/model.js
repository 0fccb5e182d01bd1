// The data that Python wrote, with every matrix unpacked, and what the drawing shows at each step.

function readModel(source) {
  const data = JSON.parse(source);
  const symbols = new Map();
  for (const given of data.symbols) {
    const samples = given.samples?.map(unpack) ?? null; // a matrix for each row of the batch
    const matrix = given.value ? unpack(given.value) : null;
    symbols.set(given.key, {
      ...given,
      at: (sample) => matrix ?? samples?.[sample] ?? null,
    });
  }
  for (const step of data.steps) {
    for (const form of step.forms) {
      form.rule = data.rules[form.rule];
      form.rule.first ??= step.key;
    }
  }
  return { ...data, symbols, stepOf: new Map(data.steps.map((step, place) => [step.key, place])) };
}

// The stretches of the walk: the forward pass, the error, and the way back layer by layer; each [from, to) in the steps.
const PHASES = { output: "backward", recursion: "backward", parameters: "backward" };

function stretches(model) {
  const found = [];
  model.steps.forEach((step, place) => {
    const phase = PHASES[step.part] ?? step.part;
    const layer = phase === "backward" ? step.layer : null;
    const last = found[found.length - 1];
    if (last?.phase === phase && (last.layer === layer || layer === null)) last.end = place + 1;
    else found.push({ phase, layer, begin: place, end: place + 1 });
  });
  return found;
}

// What the drawing shows at a step: in each column the value that was computed last, and what the step touches.
function drawingState(model, place, sample) {
  const step = model.steps[place];
  const columns = model.sizes.map(() => null);
  const names = model.sizes.map(() => ""); // of what a column shows, where that is not its own output
  const weights = model.sizes.slice(1).map(() => null);
  const biases = model.sizes.slice(1).map(() => null);
  let front = null;
  const show = (symbol) => {
    const matrix = symbol?.at(sample);
    if (!matrix || !symbol.place) return;
    const [kind, at] = symbol.place;
    if (kind === "front") front = matrix;
    if (kind === "units" && matrix.shape[1] === model.sizes[at]) {
      columns[at] = matrix;
      names[at] = symbol.key === `x.${at + 1}` ? "" : symbol.name;
    }
    if (kind === "lines") weights[at] = matrix;
    if (kind === "biases") biases[at] = matrix;
  };
  for (const symbol of model.symbols.values()) if (["weight", "bias", "input", "data"].includes(symbol.role)) show(symbol);
  let error = null;
  for (const earlier of model.steps.slice(0, place + 1)) {
    const symbol = model.symbols.get(earlier.target);
    if (earlier.symbolic || earlier.part === "definition") continue;
    if (["units", "front"].includes(symbol?.place?.[0]) && symbol.role !== "jacobian") show(symbol);
    if (symbol?.role === "loss") error = symbol.at(sample);
  }
  const result = model.symbols.get(step.target);
  if (!step.symbolic && step.part !== "definition" && result?.role !== "jacobian") show(result);
  const touched = step.symbolic ? [] : [...step.uses, step.target].map((key) => model.symbols.get(key)?.place).filter(Boolean);
  return {
    columns,
    names,
    front,
    weights,
    biases,
    sample,
    target: model.symbols.get("y")?.at(sample) ?? null,
    error,
    lit: touched,
    result: step.symbolic ? null : (result?.place ?? null),
    skips: step.equation === "E9",
    way: model.parts.find((part) => part.key === step.part)?.way ?? "",
  };
}
