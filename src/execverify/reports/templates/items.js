"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 200;
const form = document.getElementById("filters");
const list = document.getElementById("list");
const panel = document.getElementById("item");
let found = [];
let shown = 0;
let current = null;

const text = (numbers) => numbers.map((number) => data.lines[number]).join("\n");

// Characters that a reader cannot see, or that change the direction of the text, are shown as escapes.
const visible = (plain) =>
  plain.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (char) =>
    char === "\n" || char === "\t" ? char : "\\u{" + char.codePointAt(0).toString(16) + "}");

function make(name, inside, attributes = {}) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const part of Array.isArray(inside) ? inside : [inside]) {
    if (part !== null && part !== undefined) element.append(typeof part === "string" ? visible(part) : part);
  }
  return element;
}

const parts = (item, task) => item.tasks.map((_, at) => at).filter((at) => task === "" || item.tasks[at] === Number(task));

function has(item, task, test) {
  const places = parts(item, task);
  return item.samples.some((sample) => places.some((at) => test(sample, at)));
}

const TESTS = {
  "": () => true,
  wrong: (item, task) => has(item, task, (s, at) => s.official[at] === "0" || s.official[at] === "x" || s.strict[at] === "0"),
  official: (item, task) => has(item, task, (s, at) => s.official[at] === "0" || s.official[at] === "x"),
  strict: (item, task) => has(item, task, (s, at) => s.strict[at] === "0"),
  right: (item, task) => item.samples.length > 0 && !has(item, task, (s, at) => s.official[at] !== "1" || s.strict[at] !== "1"),
  differs: (item, task) => has(item, task, (s, at) => Boolean(s.differs) && (s.official[at] === "1") !== (s.strict[at] === "1")),
  none: (item) => item.samples.some((sample) => !("extracted" in sample)),
  failed: (item, task) => "error" in item || has(item, task, (s, at) => s.official[at] === "?" || s.strict[at] === "?"),
};

function contains(item, wanted) {
  if (item.id.toLowerCase().includes(wanted) || item.call.toLowerCase().includes(wanted)) return true;
  if (text(item.program).toLowerCase().includes(wanted)) return true;
  return item.samples.some((sample) => "extracted" in sample && text(sample.extracted).toLowerCase().includes(wanted));
}

function share(item, task) {
  let right = 0;
  let all = 0;
  for (const sample of item.samples) {
    for (const at of parts(item, task)) {
      if (sample.official[at] === "?") continue;
      all += sample.count;
      if (sample.official[at] === "1") right += sample.count;
    }
  }
  return all ? right + "/" + all : "-";
}

function filter() {
  const wanted = form.elements.text.value.trim().toLowerCase();
  const task = form.elements.task.value;
  const property = form.elements.property.value;
  const value = form.elements.value.value;
  const test = TESTS[form.elements.verdict.value];
  found = data.items.filter(
    (item) =>
      (task === "" || item.tasks.includes(Number(task))) &&
      (property === "" || (property in item.slices && (value === "" || item.slices[property] === value))) &&
      test(item, task) &&
      (wanted === "" || contains(item, wanted)));
  document.getElementById("count").textContent = found.length + " of " + data.items.length + (data.items.length === 1 ? " item" : " items");
  list.replaceChildren();
  shown = 0;
  more();
  if (!found.includes(current)) show(found[0] ?? null);
}

function more() {
  list.querySelector(".more")?.remove();
  const task = form.elements.task.value;
  for (const item of found.slice(shown, shown + PAGE)) {
    const mark = make("span", share(item, task), { class: "mark dim" });
    const button = make("button", [make("span", item.id, { class: "name" }), mark], { type: "button" });
    button.addEventListener("click", () => { show(item); panel.focus({ preventScroll: true }); });
    if (item === current) button.setAttribute("aria-current", "true");
    button.item = item;
    list.append(make("li", button));
  }
  shown += PAGE;
  if (shown < found.length) {
    const button = make("button", "show " + Math.min(PAGE, found.length - shown) + " more", { type: "button" });
    button.addEventListener("click", more);
    list.append(make("li", button, { class: "more" }));
  }
}

const WORDS = { 1: "right", 0: "wrong", x: "not counted", "?": "not graded" };
const verdict = (letter) => make("span", WORDS[letter], { class: letter === "1" ? "yes" : letter === "0" ? "no" : "dim" });

function code(numbers, name = "code") {
  return make("pre", make("code", text(numbers)), { class: name, tabindex: "0" });
}

// Source with line numbers, which questions name.
function numbered(numbers) {
  const lines = numbers.map((number, at) => make("span", [make("span", String(at + 1), { class: "at" }), data.lines[number] + "\n"]));
  return make("pre", make("code", lines), { class: "code listing", tabindex: "0" });
}

// A sentence in which the text between backticks is code.
const sentence = (plain) => plain.split("`").map((part, at) => (at % 2 ? make("code", part) : part));

// What the completion answers to a question; with one question, it is the extracted text.
function given(item, sample, at) {
  const own = "given" in sample ? sample.given[at] : item.tasks.length === 1 && "extracted" in sample ? sample.extracted : null;
  return own === null || own === undefined ? make("span", "nothing", { class: "dim" }) : make("code", text(own).replace(/^\n+|\n+$/g, ""));
}

function sampleOf(item, sample, number) {
  const times = sample.count > 1 ? ", " + sample.count + " times" : "";
  const title = make("h4", "Completion " + number + times + (sample.cut ? ", cut off at the maximum of tokens" : ""));
  const verdicts = (at) => (data.one_rule ? [sample.official[at]] : [sample.official[at], sample.strict[at]]);
  const rows = item.tasks.map((task, at) =>
    make("tr", [
      make("th", sentence(text(item.questions[at])), { scope: "row" }),
      make("td", make("code", text(item.expected[at]))),
      make("td", given(item, sample, at)),
      ...verdicts(at).map((letter) => make("td", verdict(letter))),
      make("td", sample.why[at]),
    ]));
  const heads = ["question", "expected", "given", ...(data.one_rule ? ["verdict"] : ["official", "strict"]), "why"];
  const head = make("tr", heads.map((name) => make("th", name, { scope: "col" })));
  const inside = [title, make("div", make("table", [make("thead", head), make("tbody", rows)]), { class: "scroll", tabindex: "0" })];
  if ("strictly" in sample) {
    inside.push(make("h4", "Read strictly"));
    inside.push(sample.strictly === null ? make("p", "not in the required form", { class: "no" }) : code(sample.strictly, ""));
  }
  if (!("extracted" in sample)) inside.push(make("p", "No answer was found in the completion.", { class: "no" }));
  else if (item.tasks.length > 1) inside.push(make("details", [make("summary", "The extracted answer"), code(sample.extracted, "")]));
  if ("text" in sample) {
    inside.push(make("details", [make("summary", "The whole completion"), code(sample.text, "")]));
  }
  return make("div", inside, { class: "sample" });
}

function show(item) {
  current = item;
  panel.replaceChildren();
  for (const button of list.querySelectorAll("button")) {
    if (button.item === item) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  if (item === null) {
    panel.append(make("p", "No item matches these filters.", { class: "dim" }));
    return;
  }
  const known = Object.entries(item.slices).map(([name, value]) => make("div", [make("dt", name), make("dd", value)]));
  panel.append(
    make("h3", item.id),
    make("dl", known, { class: "facts" }),
    numbered(item.program),
    make("p", make("code", item.call)));
  if ("error" in item) panel.append(make("p", "Failed on our side: " + item.error, { class: "no" }));
  item.samples.forEach((sample, at) => panel.append(sampleOf(item, sample, at + 1)));
  const prompt = item.prompt.flatMap(([role, numbers]) => [make("h4", role), code(numbers, "")]);
  panel.append(make("details", [make("summary", "The prompt"), ...prompt]));
}

function options(select, values) {
  select.replaceChildren(make("option", "any", { value: "" }), ...values.map(([value, name]) => make("option", name, { value })));
}

function values() {
  const property = form.elements.property.value;
  const seen = new Set(data.items.map((item) => item.slices[property]).filter((value) => value !== undefined));
  const sorted = [...seen].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  options(form.elements.value, sorted.map((value) => [value, value]));
}

const used = new Set(data.items.flatMap((item) => item.tasks));
options(form.elements.task, [...used].map((task) => [String(task), data.tasks[task]]));
options(form.elements.property, [...new Set(data.items.flatMap((item) => Object.keys(item.slices)))].map((name) => [name, name]));
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  if (event.target === form.elements.property) values();
  filter();
});
filter();
