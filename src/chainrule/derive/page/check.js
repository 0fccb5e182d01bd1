// The table of the gradient check: each step by each independent way, with the largest relative difference.

function renderCheck(host, model) {
  const check = model.check;
  if (!check) return host.replaceChildren(h("p.note", {}, say("noCheck")));
  const name = (row) => h("th", { scope: "row" }, h("a", { href: `#${row.step}` }, math(row.math)), row.equation ? h("span.equation", {}, row.equation) : null);
  const failed = check.rows.filter((row) => !row.passed);
  const worst = Math.max(...check.rows.flatMap((row) => row.differences.filter((value) => value !== null)));
  const summary = failed.length ? say("checkSome", failed.length, check.rows.length) : say("checkAll", check.rows.length, short(worst));
  const head = [say("checkStep"), ...check.ways.map(told), ""].map((text) => h("th", { scope: "col" }, text));
  const rows = check.rows.map((row) =>
    h(
      row.passed ? "tr" : "tr.failed",
      {},
      name(row),
      row.differences.map((value) => h("td", { title: value === null ? null : full(value), "data-value": value }, value === null ? "" : value === 0 ? "0" : scientific(value, 1))),
      h("td.verdict", {}, say(row.passed ? "checkPassed" : "checkFailed")),
    ),
  );
  host.replaceChildren(
    h(failed.length ? "p.verdict.failed" : "p.verdict", {}, summary, check.drawn ? ` ${say("checkDrawn")}` : null),
    h("div.scroll", { tabindex: 0 }, h("table.check", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))),
  );
}
