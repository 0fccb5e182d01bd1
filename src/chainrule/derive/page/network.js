// The drawing: a circle for each unit, a line for each weight; wide layers folded, the target and the error beside the output.

// `drawn[c]` are the indices of the units to draw in column c, `sizes[c]` how many there are.
// `front` are the columns of the data before input layers: {size, drawn, column, links: [column, unit of x_1]}, or null.
// The drawing is laid out in real pixels, so that text stays readable on a phone, and again whenever its width changes.
function createNetwork(host, { sizes, drawn, columns, residual, hasTarget, label, front = null, onPick = null, onPoint = () => {} }) {
  const surface = svg("svg", { role: "img", "aria-label": label });
  host.replaceChildren(surface);
  let units = [];
  let lines = [];
  let biases = [];
  let skips = [];
  let shown = [];
  let before = []; // the units of the data's columns, and their lines to x_1
  let links = [];
  const offset = front ? 1 : 0;
  let last = {};
  let width = 0;

  function layout() {
    width = Math.max(240, host.clientWidth);
    const nColumns = sizes.length + offset + (hasTarget ? 1.15 : 0);
    const gap = width / nColumns;
    const all = front ? [...drawn.map((indices, c) => [indices, sizes[c]]), [front.drawn, front.size]] : drawn.map((indices, c) => [indices, sizes[c]]);
    const most = Math.max(...all.map(([indices, size]) => indices.length + (indices.length < size ? 1 : 0)));
    const rowGap = Math.max(22, Math.min(46, gap * 0.62, 330 / most));
    const radius = Math.max(3, Math.min(19, gap * 0.25, rowGap * 0.42));
    const above = residual.some(Boolean) ? 16 : 0; // room for the arcs of skips
    const below = hasTarget ? 42 : 24; // room for the columns' names; in the walk, also for what the circles show
    const height = most * rowGap + 6 + below + above;
    const middle = (c) => gap * (c + offset + 0.5);
    const place = (c, row, n) => ({ x: middle(c), y: above + (height - above - below) / 2 + (row - (n - 1) / 2) * rowGap });
    surface.setAttribute("viewBox", `0 0 ${width} ${height}`);
    surface.setAttribute("height", height);
    surface.classList.toggle("small", radius < 13);

    const every = Math.ceil(26 / gap); // of many columns, some have names
    const named = (c) => c === drawn.length - 1 || (c % every === 0 && c + every <= drawn.length - 1);

    units = [];
    lines = [];
    biases = [];
    shown = [];
    const under = svg("g.lines");
    const over = svg("g.units");
    const drawUnits = (indices, size, c) => {
      const gapAt = indices.findIndex((i, place) => i !== place);
      const folds = indices.length < size;
      const n = indices.length + (folds ? 1 : 0);
      const rowOf = (position) => (folds && gapAt >= 0 && position >= gapAt ? position + 1 : position);
      const column = indices.map((index, position) => {
        const at = place(c, rowOf(position), n);
        const circle = svg("circle", { cx: at.x, cy: at.y, r: radius });
        const text = svg("text.value", { x: at.x, y: at.y });
        const element = svg("g.unit", {}, circle, text);
        over.append(element);
        return { index, ...at, circle, text, element };
      });
      if (folds) {
        const at = place(c, gapAt < 0 ? n - 1 : gapAt, n);
        over.append(svg("text.more", { x: at.x, y: at.y }, `⋮ ${size - indices.length}`));
      }
      return column;
    };
    drawn.forEach((indices, c) => {
      const column = drawUnits(indices, sizes[c], c);
      units.push(column);
      if (named(c)) over.append(columnName(columns[c], middle(c), height - below + 18));
      shown.push({ room: named(c) ? gap * every - 4 : 0, element: svg("text.shown", { x: middle(c), y: height - 8 }) });
      over.append(shown[c].element);
      if (c > 0) biases.push(column.map((unit) => biasMark(over, unit, radius)));
      if (c > 0) lines.push(...units[c - 1].flatMap((from) => column.map((to) => connect(under, c - 1, from, to, radius))));
    });
    before = front ? drawUnits(front.drawn, front.size, -1) : [];
    links = front ? front.links.flatMap(([from, to]) => link(under, from, to, radius)) : [];
    if (front) over.append(columnName(front.column, middle(-1), height - below + 18));
    skips = residual.map((skip, layer) => (skip ? skipArc(under, layer, radius) : null));
    const error = hasTarget ? targetAndError(over, gap, height - below + 18, radius) : null;
    surface.replaceChildren(under, over);
    last.error = error;
    paint(last.state);
  }

  function connect(under, layer, from, to, radius) {
    const element = svg("line.weight", { x1: from.x + radius, y1: from.y, x2: to.x - radius, y2: to.y });
    under.append(element);
    return { layer, i: from.index, j: to.index, from, to, element };
  }

  // From a column of the data to a unit of x_1 that an input layer makes of it.
  function link(under, from, to, radius) {
    const [start, end] = [before.find((unit) => unit.index === from), units[0].find((unit) => unit.index === to)];
    if (!start || !end) return [];
    const element = svg("line.link", { x1: start.x + radius, y1: start.y, x2: end.x - radius, y2: end.y });
    under.append(element);
    return [{ from, element }];
  }

  // A skip leads over the lines of its layer, from column to column.
  function skipArc(under, layer, radius) {
    const [from, to] = [units[layer][0], units[layer + 1][0]];
    const [start, end] = [from.y - radius - 3, to.y - radius - 3];
    const top = Math.min(start, end) - 16;
    const element = svg("path.skip", { d: `M${from.x} ${start}C${from.x} ${top} ${to.x} ${top} ${to.x} ${end}` });
    under.append(element);
    return element;
  }

  function biasMark(over, unit, radius) {
    const element = svg("circle.bias", { cx: unit.x - radius * 0.72, cy: unit.y - radius * 0.72, r: Math.max(2, radius * 0.2) });
    over.append(element);
    return { index: unit.index, element };
  }

  function columnName(source, x, y) {
    const [base, index] = source;
    return svg("text.column", { x, y }, base, index ? svg("tspan", { dy: 3 }, index) : null);
  }

  // The targets as squares beside the outputs, and E, which both lead to.
  function targetAndError(over, gap, named, radius) {
    const outputs = units[units.length - 1];
    const side = radius * 1.6;
    const x = gap * (sizes.length + offset + 0.06);
    const E = { x: width - gap * 0.42, y: (outputs[0].y + outputs[outputs.length - 1].y) / 2 };
    const joins = outputs.map((unit) => svg("path.join", { d: `M${x + side / 2} ${unit.y}L${E.x - radius} ${E.y}` }));
    const bridges = outputs.map((unit) => svg("path.join", { d: `M${unit.x + radius} ${unit.y}H${x - side / 2}` }));
    const squares = outputs.map((unit) => {
      const element = svg("rect", { x: x - side / 2, y: unit.y - side / 2, width: side, height: side, rx: 2 });
      return { index: unit.index, element, text: svg("text.value", { x, y: unit.y }) };
    });
    const box = svg("rect.error", { x: E.x - radius, y: E.y - radius, width: 2 * radius, height: 2 * radius, rx: 4 });
    const text = svg("text.value", { x: E.x, y: E.y }, "E");
    const target = svg("g.target", {}, squares.flatMap((square) => [square.element, square.text]));
    const loss = svg("g.loss", {}, box, text);
    over.append(...joins, ...bridges, target, loss);
    if (gap > 18) over.append(columnName(["y", ""], x, named), columnName(["E", ""], E.x, named));
    return { target, squares, loss, text };
  }

  // state: {columns: [matrix or null], names: [what each shows, or ""], weights: [matrix or null], biases: [...], target, error, sample, lit: [...], way}
  function paint(state) {
    if (!state) return;
    last.state = state;
    const isLit = (kind, at) => state.lit.some(([k, a]) => k === kind && (a === undefined || a === at));
    const isResult = (kind, at) => state.result?.[0] === kind && state.result[1] === at;
    surface.classList.toggle("walking", state.lit.length > 0);
    surface.dataset.way = state.way ?? "";
    const paintUnits = (column, matrix, kind, c) => {
      for (const unit of column) {
        const row = matrix && matrix.shape[0] > 1 ? state.sample : 0;
        const value = matrix && matrix.has(row, unit.index) ? matrix.get(row, unit.index) : null;
        tint(unit.element, value ?? 0, matrix ? matrix.scale : 0);
        write(unit.text, value, 2 * unit.circle.r.baseVal.value);
        unit.element.classList.toggle("lit", isLit(kind, c));
        unit.element.classList.toggle("result", isResult(kind, c));
        unit.element.classList.toggle("empty", value === null);
      }
    };
    units.forEach((column, c) => paintUnits(column, state.columns[c], "units", c));
    paintUnits(before, state.front, "front", undefined);
    for (const unit of before) if (isLit("column", unit.index)) unit.element.classList.add("lit");
    for (const { from, element } of links) element.classList.toggle("lit", isLit("column", from) || isLit("links"));
    shown.forEach(({ element, room }, c) => {
      const name = state.names?.[c] ?? "";
      element.textContent = name.length * 4 < room ? name : ""; // among twenty layers there is no room
      element.style.fontSize = `${Math.min(13, (13 * room) / (name.length * 6.5 || 1))}px`;
    });
    for (const line of lines) {
      const matrix = state.weights[line.layer];
      const value = matrix && matrix.has(line.i, line.j) ? matrix.get(line.i, line.j) : 0;
      tint(line.element, value, matrix ? matrix.scale : 0);
      line.value = matrix ? value : null;
      line.element.classList.toggle("lit", isLit("lines", line.layer));
      line.element.classList.toggle("path", Boolean(state.path?.has(`w${line.layer}:${line.i}:${line.j}`)));
    }
    skips.forEach((element, layer) => {
      const ends = isLit("units", layer) && isLit("units", layer + 1);
      element?.classList.toggle("lit", Boolean(state.skips && ends));
      element?.classList.toggle("path", Boolean(state.path?.has(`s${layer}`)));
    });
    biases.forEach((marks, layer) => {
      const matrix = state.biases[layer];
      for (const mark of marks) {
        const row = matrix && matrix.shape[0] > 1 ? state.sample : 0;
        tint(mark.element, matrix && matrix.has(row, mark.index) ? matrix.get(row, mark.index) : 0, matrix ? matrix.scale : 0);
        mark.element.classList.toggle("lit", isLit("biases", layer));
        mark.element.classList.toggle("result", isResult("biases", layer));
      }
    });
    if (last.error) {
      const { target, squares, loss, text } = last.error;
      for (const square of squares) {
        const row = state.target && state.target.shape[0] > 1 ? state.sample : 0;
        const value = state.target?.has(row, square.index) ? state.target.get(row, square.index) : null;
        tint(square.element, value ?? 0, state.target ? state.target.scale : 0);
        write(square.text, value, square.element.width.baseVal.value);
      }
      text.textContent = state.error ? brief(state.error.get(state.error.shape[0] > 1 ? state.sample : 0, 0)) : "";
      target.classList.toggle("lit", isLit("target"));
      loss.classList.toggle("lit", isLit("loss"));
      loss.classList.toggle("result", isResult("loss"));
    }
  }

  function write(text, value, room) {
    text.textContent = value === null ? "" : brief(value);
    text.classList.toggle("long", text.textContent.length * 7 > room - 4);
  }

  // At most four characters, to fit a circle.
  function brief(value) {
    const size = Math.abs(value);
    if (size === 0) return "0";
    const digits = size >= 9.95 ? 0 : size >= 0.995 ? 1 : size >= 0.0995 ? 2 : 3;
    const text = size >= 99.5 || size < 0.0095 ? scientific(value, 0) : signed(value.toFixed(digits));
    return text.replace("0.", ".");
  }

  // The line nearest to the pointer, within a few pixels: lines are too thin to hit.
  function nearest(event) {
    const box = surface.getBoundingClientRect();
    const x = ((event.clientX - box.left) * width) / box.width;
    const y = ((event.clientY - box.top) * width) / box.width;
    let best = null;
    let distance = 7;
    for (const line of lines) {
      const { from, to } = line;
      const t = Math.max(0, Math.min(1, ((x - from.x) * (to.x - from.x) + (y - from.y) * (to.y - from.y)) / ((to.x - from.x) ** 2 + (to.y - from.y) ** 2)));
      const d = Math.hypot(x - from.x - t * (to.x - from.x), y - from.y - t * (to.y - from.y));
      if (d < distance && t > 0.03 && t < 0.97) [best, distance] = [line, d];
    }
    return best;
  }
  function point(line) {
    for (const each of lines) each.element.classList.toggle("point", each === line);
    surface.classList.toggle("pickable", Boolean(line && onPick));
    onPoint(line);
  }
  surface.addEventListener("pointermove", (event) => point(nearest(event)));
  surface.addEventListener("pointerleave", () => point(null));
  surface.addEventListener("click", (event) => {
    const line = nearest(event);
    if (line && onPick) onPick(line.layer, line.i, line.j);
  });
  new ResizeObserver(() => {
    if (host.clientWidth && Math.max(240, host.clientWidth) !== width) layout();
  }).observe(host);
  layout();

  return {
    paint,
    // Lights a whole place up that is pointed at in a formula; null puts it out.
    pointAtPlace(place) {
      const [kind, at] = place ?? [];
      for (const line of lines) line.element.classList.toggle("point", kind === "lines" && line.layer === at);
      units.forEach((column, c) => column.forEach((unit) => unit.element.classList.toggle("point", kind === "units" && c === at)));
      for (const unit of before) unit.element.classList.toggle("point", kind === "front" || (kind === "column" && unit.index === at));
      biases.forEach((marks, layer) => marks.forEach((mark) => mark.element.classList.toggle("point", kind === "biases" && layer === at)));
    },
    // Lights one line or unit up that is pointed at elsewhere; nulls put it out.
    pointAt(kind, at, i, j) {
      for (const line of lines) line.element.classList.toggle("point", kind === "lines" && line.layer === at && line.i === i && line.j === j);
      const column = kind === "units" ? at : kind === "biases" ? at + 1 : null;
      units.forEach((each, c) => {
        for (const unit of each) unit.element.classList.toggle("point", c === column && unit.index === j);
      });
    },
  };
}
