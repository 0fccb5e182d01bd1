// Elements: the few lines that stand in for a framework.

// h("p.note", {title: "..."}, "text", child): an element with class, attributes and children; null is skipped.
function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElement(name), classes, attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), classes, attributes, children);
}

function fill(element, classes, attributes, children) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// MathML that Python or this page wrote, as an element.
function math(source, block = false) {
  const holder = document.createElement("span");
  holder.innerHTML = source.startsWith("<math") ? source : `<math>${source}</math>`;
  const element = holder.firstElementChild;
  if (block) element.setAttribute("display", "block");
  return element;
}

function byId(id) {
  return document.getElementById(id);
}
