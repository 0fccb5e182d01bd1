// The page: which step, which row, which language and theme; and what keys, buttons, slider and address do to them.

const model = readModel(await inflate(byId("data").textContent));
const steps = model.steps;
let current = 0;
let sample = 0;
let player = null;

const network = createNetwork(byId("network"), {
  sizes: model.sizes, drawn: model.drawn, columns: model.columns, residual: model.residual, hasTarget: true, front: model.front, label: model.title, onPick: pickWeight,
});
const paths = createPaths(byId("paths-body"), model);

function pickWeight(layer, i, j) {
  paths.pick(layer, i, j);
  byId("paths").scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "start" });
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// --- steps ---------------------------------------------------------------------------------------------------------

function go(place, { keepAddress = false } = {}) {
  current = Math.max(0, Math.min(steps.length - 1, place));
  const step = steps[current];
  network.paint(drawingState(model, current, sample));
  byId("step").replaceChildren(
    ...stepArticle(model, current, sample, {
      onPoint: (at, i, j) => network.pointAt(at?.[0], at?.[1], i, j),
      onPickWeight: pickWeight,
    }),
  );
  byId("position").textContent = say("position", current + 1, steps.length);
  const slider = byId("slider");
  slider.value = current;
  slider.setAttribute("aria-valuetext", `${say("stepOf", current + 1, steps.length)}: ${told(step.title)}`);
  byId("jump").value = step.key;
  mark("#parts button", (button) => button.dataset.begin <= current && current < button.dataset.end);
  mark("#equations button", (button) => button.textContent === step.equation);
  mark("#derivation-body li", (item) => item.dataset.step === step.key);
  if (!keepAddress) history.replaceState(null, "", `#${step.key}`);
}

// Pointing at a symbol in a formula lights up where it stands in the drawing, and its matrix.
byId("step").addEventListener("pointerover", (event) => {
  if (!event.target.closest(".matrix")) pointAtSymbol(event.target.closest(".formula [data-symbol]")?.dataset.symbol);
});
byId("step").addEventListener("pointerleave", () => pointAtSymbol(undefined));
function pointAtSymbol(key) {
  network.pointAtPlace(model.symbols.get(key)?.place);
  for (const figure of document.querySelectorAll("#step .matrix")) figure.classList.toggle("point", figure.dataset.symbol === key);
}

function mark(selector, isCurrent) {
  for (const element of document.querySelectorAll(selector)) {
    if (isCurrent(element)) element.setAttribute("aria-current", "step");
    else element.removeAttribute("aria-current");
  }
}

function play(on) {
  clearInterval(player);
  player = null;
  if (on) {
    if (current === steps.length - 1) go(0);
    player = setInterval(() => (current === steps.length - 1 ? play(false) : go(current + 1)), 1800);
  }
  document.querySelector("[data-go=play]").setAttribute("aria-pressed", Boolean(player));
}

const MOVES = {
  first: () => go(0),
  back: () => go(current - 1),
  next: () => go(current + 1),
  last: () => go(steps.length - 1),
};

for (const button of document.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => {
    if (button.dataset.go === "play") return play(!player);
    play(false);
    MOVES[button.dataset.go]();
  });
}

byId("slider").max = steps.length - 1;
byId("slider").addEventListener("input", (event) => {
  play(false);
  go(Number(event.target.value));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const move = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" }[event.key];
  if (move) {
    play(false);
    MOVES[move]();
  } else if (event.key === " " && !event.target.closest("button, a, summary")) {
    play(!player);
  } else {
    return;
  }
  event.preventDefault();
});

// --- address: #delta.2 is a step, #E5 the first step of an equation ------------------------------------------------

function followAddress() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const place = model.stepOf.get(wanted) ?? steps.findIndex((step) => step.equation === wanted);
  if (wanted && place >= 0) go(place, { keepAddress: true });
  return Boolean(wanted) && place >= 0;
}
addEventListener("hashchange", () => {
  play(false);
  if (followAddress()) byId("walk").scrollIntoView({ behavior: calm() ? "auto" : "smooth" });
});

function nextOfEquation(equation) {
  const places = steps.flatMap((step, place) => (step.equation === equation ? [place] : []));
  play(false);
  go(places.find((place) => place > current) ?? places[0]);
}

// --- language, theme, sample ---------------------------------------------------------------------------------------

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  document.title = `${model.title} · chainrule`;
  byId("title").textContent = (model.front ? `${model.front.size} → ` : "") + shortened(model.sizes);
  byId("title").title = model.title;
  byId("subtitle").textContent = told(model.subtitle);
  byId("origin").textContent = told(model.origin);
  byId("origin").hidden = !model.origin;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll("[data-say-label]")) {
    element.setAttribute("aria-label", say(element.dataset.sayLabel));
    if (element.tagName === "BUTTON") element.title = say(element.dataset.sayLabel);
  }
  const button = byId("language");
  button.textContent = say("otherLanguage");
  button.setAttribute("aria-label", say("otherLanguageLabel"));
  button.lang = chosen === "zh" ? "en" : "zh-CN";
  fillControls();
  renderAll();
}

// The widths; of very many the first and the last.
function shortened(sizes) {
  return (sizes.length > 9 ? [...sizes.slice(0, 4), "…", ...sizes.slice(-3)] : sizes).join("-");
}

function fillControls() {
  const name = ({ phase, layer }) => (layer === null ? say("phases")[phase] : say("backLayer", layer));
  const brief = ({ phase, layer }) => [say("phases")[phase], layer].filter((part) => part !== null).join(" ");
  byId("parts").replaceChildren(
    ...stretches(model).map((stretch) => {
      const { begin, end } = stretch;
      const share = (end - begin) / steps.length;
      const text = share > 0.1 ? brief(stretch) : share > 0.03 && stretch.layer !== null ? String(stretch.layer) : share > 0.055 ? brief(stretch) : "";
      const button = h("button", { type: "button", "data-begin": begin, "data-end": end, style: `flex-grow:${end - begin}`, title: name(stretch), "aria-label": name(stretch) }, text ? h("span", {}, text) : null);
      button.addEventListener("click", () => (play(false), go(begin)));
      return button;
    }),
  );
  const option = (step) => h("option", { value: step.key }, step.equation ? `${step.equation}  ${told(step.title)}` : told(step.title));
  byId("jump").replaceChildren(
    ...stretches(model).map((stretch) => h("optgroup", { label: name(stretch) }, steps.slice(stretch.begin, stretch.end).map(option))),
  );
  const equations = [...new Set(steps.map((step) => step.equation).filter(Boolean))].sort((a, b) => a.slice(1) - b.slice(1));
  byId("equations").replaceChildren(
    ...equations.map((equation) => h("button", { type: "button", onclick: () => nextOfEquation(equation) }, equation)),
  );
  const rows = byId("sample");
  rows.replaceChildren(...range(model.nSamples).map((i) => h("option", { value: i, selected: i === sample }, say("ofRow", i + 1, model.nSamples))));
  rows.closest("label").hidden = model.nSamples < 2;
}
byId("jump").addEventListener("change", (event) => (play(false), go(model.stepOf.get(event.target.value))));
byId("sample").addEventListener("change", (event) => {
  sample = Number(event.target.value);
  renderAll();
});

function renderAll() {
  paths.render(sample);
  renderNorms(byId("norms-body"), model);
  renderCheck(byId("check-body"), model);
  byId("derivation-body").replaceChildren(
    h("ol", {}, steps.map((step) => h("li", { "data-step": step.key }, h("a", { href: `#${step.key}` }, step.equation ? h("span.equation", {}, step.equation) : null, told(step.title)), statement(step)))),
  );
  paintTheme();
  go(current, { keepAddress: true });
}

const themes = matchMedia("(prefers-color-scheme: dark)");
function paintTheme() {
  const dark = (document.documentElement.dataset.theme ?? (themes.matches ? "dark" : "light")) === "dark";
  byId("theme").textContent = say(dark ? "themeLight" : "themeDark");
}
themes.addEventListener("change", paintTheme);
byId("theme").addEventListener("click", () => {
  const dark = (document.documentElement.dataset.theme ?? (themes.matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  paintTheme();
});
byId("language").addEventListener("click", () => speak(language === "en" ? "zh" : "en"));

speak(model.language);
followAddress();
document.body.removeAttribute("aria-busy"); // all is drawn, and every key and button works
