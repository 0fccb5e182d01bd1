// Matrices with their numbers: colored by sign and size, folded where large, full values on hover and focus.

const MOST_SHOWN = 10;
const MOST_UNFOLDED = 40;

// A symbol's matrix. `result` marks what the step computes; `sample` is the row of a batch that the drawing shows;
// `onPoint(i, j)` hears which cell the reader points at, `onPick(i, j)` which one was chosen.
function matrixFigure(symbol, { result = false, sample = null, onPoint = () => {}, onPick = null } = {}) {
  const matrix = symbol.matrix;
  const [nRows, nColumns] = matrix.shape;
  const exact = h("output.exact");
  const body = h("tbody");
  const table = h("table", { "aria-label": `${symbol.name}, ${nRows} × ${nColumns}` }, body);
  const caption = h("figcaption", {}, math(symbol.math), symbol.isScalar ? null : h("span.shape", {}, symbol.shapeText), h("span.role", {}, told(symbol.meaning)));
  const figure = h("figure.matrix", {}, caption, h("div.scroll", {}, table), exact);
  figure.classList.toggle("result", result);
  figure.classList.toggle("scalar", symbol.isScalar); // one number needs no brackets
  figure.dataset.symbol = symbol.key;

  let open = false;
  const foldable = matrix.whole && Math.max(nRows, nColumns) > MOST_SHOWN;
  if (foldable && Math.max(nRows, nColumns) <= 4 * MOST_UNFOLDED) {
    const button = h("button.unfold", { type: "button" });
    button.addEventListener("click", () => {
      open = !open;
      build();
    });
    caption.append(button);
  }

  function build() {
    const most = open ? 4 * MOST_UNFOLDED : MOST_SHOWN;
    const rows = folded(matrix.rows, nRows, most);
    const columns = folded(matrix.columns, nColumns, most);
    const unfold = caption.querySelector(".unfold");
    if (unfold) {
      unfold.textContent = say(open ? "fold" : "unfold");
      unfold.setAttribute("aria-expanded", open);
    }
    body.replaceChildren(
      ...rows.map((i) =>
        h(
          i !== null && i === sample && nRows > 1 ? "tr.current" : "tr",
          {},
          columns.map((j) => cell(i, j)),
        ),
      ),
    );
    body.querySelector("td[data-i]")?.setAttribute("tabindex", 0);
  }

  function cell(i, j) {
    if (i === null || j === null) return h("td.gap", { "aria-hidden": true }, i === null && j === null ? "⋱" : i === null ? "⋮" : "⋯");
    const value = matrix.get(i, j);
    const name = `${symbol.name}[${nRows > 1 ? `${i + 1}, ${j + 1}` : j + 1}] = ${full(value)}`;
    const td = h("td", { "data-i": i, "data-j": j, tabindex: -1, title: name, "aria-label": name }, short(value));
    tint(td, value, matrix.scale);
    return td;
  }

  function point(td) {
    exact.textContent = td ? td.title : "";
    onPoint(...(td ? [Number(td.dataset.i), Number(td.dataset.j)] : [null, null]));
  }
  body.addEventListener("pointerover", (event) => point(event.target.closest("td[data-i]")));
  body.addEventListener("pointerleave", () => point(null));
  body.addEventListener("focusin", (event) => point(event.target.closest("td[data-i]")));
  body.addEventListener("focusout", () => point(null));
  body.addEventListener("click", (event) => pick(event.target.closest("td[data-i]")));
  body.addEventListener("keydown", (event) => {
    const td = event.target.closest("td[data-i]");
    const cells = [...body.querySelectorAll("td[data-i]")];
    const place = cells.indexOf(td);
    const perRow = body.querySelector("tr").querySelectorAll("td[data-i]").length;
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow }[event.key];
    if (event.key === "Enter") pick(td);
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // the arrows move among the cells here, not among the steps
    const next = cells[place + move];
    if (!next) return;
    td.setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  });
  function pick(td) {
    if (td && onPick) onPick(Number(td.dataset.i), Number(td.dataset.j));
  }

  figure.classList.toggle("pickable", Boolean(onPick));
  build();
  return figure;
}
