"use strict";
// Data are texts of programs and models. They reach the page as text nodes and attributes alone, never as HTML.

const read = (name) => JSON.parse(document.getElementById(name).textContent);
const index = read("index");
const blocks = new Map();

// Items and runs lie in blocks, which are parsed when one of their entries is needed.
function entry(kind, number) {
  const name = kind + "-" + Math.floor(number / index.block);
  if (!blocks.has(name)) blocks.set(name, read(name));
  return blocks.get(name)[number % index.block];
}

const itemAt = (number) => entry("items", number);
const byId = (name) => document.getElementById(name);

// Characters that a reader cannot see, or that change the direction of the text, are shown as escapes.
const visible = (plain) =>
  String(plain).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) =>
    char === "\n" || char === "\t" ? char : "\\u{" + char.codePointAt(0).toString(16) + "}");

function make(name, inside, attributes = {}) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  for (const part of Array.isArray(inside) ? inside : [inside]) {
    if (part !== null && part !== undefined) element.append(part instanceof Node ? part : visible(part));
  }
  return element;
}

const hidden = (text) => make("span", text, { class: "unseen" });
const plural = (count, noun, more = noun + "s") => count.toLocaleString("en") + " " + (count === 1 ? noun : more);
const words = (text) => String(text).replaceAll("_", " ");

// A sentence in which the text between backticks is code.
const sentence = (text) => text.split("`").map((part, at) => (at % 2 ? make("code", part) : part));

// ------------------------------------------------------------------------------------------------------------ Python

const KEYWORDS = new Set(("False None True and as assert async await break class continue def del elif else except finally for from "
  + "global if import in is lambda match case nonlocal not or pass raise return try while with yield").split(" "));
const CONSTANTS = new Set(["False", "None", "True"]);
const TOKENS = /("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(#[^\n]*)|\b(\d[\w.]*)|\b([A-Za-z_]\w*)/g;

// The source's lines, each a list of [text, class].
function tokens(source) {
  const lines = [[]];
  const add = (text, name) => {
    text.split("\n").forEach((part, at) => {
      if (at) lines.push([]);
      if (part) lines[lines.length - 1].push([part, name]);
    });
  };
  let last = 0;
  for (const found of source.matchAll(TOKENS)) {
    add(source.slice(last, found.index), "");
    last = found.index + found[0].length;
    const word = found[4];
    add(found[0], found[1] ? "t-str" : found[2] ? "t-com" : found[3] || CONSTANTS.has(word) ? "t-num" : KEYWORDS.has(word) ? "t-kw" : "");
  }
  add(source.slice(last), "");
  return lines;
}

// ------------------------------------------------------------------------------------------------------------- a run

const prepared = new Map();

// A run with what follows from its columns: visits, the steps of each line and frame.
function runAt(number) {
  if (prepared.has(number)) return prepared.get(number);
  const run = entry("runs", number);
  const seen = new Map(), frames = new Map();
  run.visits = run.lines.map((line, at) => {
    if (!seen.has(line)) seen.set(line, []);
    return seen.get(line).push(at);
  });
  run.place = run.of.map((frame, at) => {
    if (!frames.has(frame)) frames.set(frame, []);
    return frames.get(frame).push(at) - 1;
  });
  run.byLine = seen;
  run.byFrame = frames;
  run.code = tokens(run.source);
  if (prepared.size > 200) prepared.clear();
  prepared.set(number, run);
  return run;
}

const stepOf = (run, line, visit) => {
  const steps = run.byLine.get(line) || [];
  return visit ? steps[visit - 1] : steps[0];
};

// The frames under way at a step, the innermost first, each with its variables when the step has run.
function stateAt(run, at) {
  const stack = [];
  for (let frame = run.of[at]; ; frame = run.of[run.frames[frame].caller]) {
    stack.push(frame);
    if (run.frames[frame].caller < 0) break;
  }
  const states = new Map(stack.map((frame) => {
    const names = new Map();
    const given = run.frames[frame].state;
    for (let k = 0; k < given.length; k += 2) names.set(given[k], { value: given[k + 1], mark: "" });
    return [frame, names];
  }));
  for (let step = 0; step <= at; step++) {
    const names = states.get(run.of[step]);
    if (!names || run.ends[step] < 0 || run.ends[step] > at + 1) continue;
    const isNow = step === at || run.ends[step] === at + 1;
    const changes = run.changes[step];
    for (let k = 0; k < changes.length; k += 2) {
      const before = names.get(changes[k]);
      if (changes[k + 1] < 0) {
        if (isNow && before) names.set(changes[k], { value: before.value, mark: "gone" });
        else names.delete(changes[k]);
      } else {
        names.set(changes[k], { value: changes[k + 1], before: before && before.mark !== "gone" ? before.value : -1, mark: isNow ? (before || run.texts[changes[k]].includes(".") ? "changed" : "new") : "" });
      }
    }
  }
  return stack.map((frame) => [frame, states.get(frame)]);
}

// The loops around a step: the header's line, the round that the step is in, and how many rounds there are.
function roundsAt(run, at) {
  const line = run.lines[at], steps = run.byFrame.get(run.of[at]), here = run.place[at];
  const found = [];
  for (const [header, first, last] of run.loops) {
    const inside = (step) => run.lines[step] >= first && run.lines[step] <= last;
    const within = (step) => step !== undefined && (run.lines[step] === header || inside(step));
    if (line !== header && !(line >= first && line <= last)) continue;
    let begin = here, end = here;
    while (within(steps[begin - 1])) begin--;
    while (within(steps[end + 1])) end++;
    let round = 0, all = 0;
    for (let k = begin; k <= end; k++) {
      if (run.lines[steps[k]] !== header || steps[k + 1] === undefined || !inside(steps[k + 1])) continue;
      all++;
      if (k <= here) round++;
    }
    const ends = line === header && !(steps[here + 1] !== undefined && inside(steps[here + 1]));
    found.push({ header, round, all, ends });
  }
  return found;
}

function valueText(run, number) {
  const [type, text, why, length] = run.values[number];
  if (text === null) return why === "object" ? "<" + type + " object>" : "<" + type + ": " + why + ">";
  return length ? text + "… (" + length.toLocaleString("en") + " characters)" : text;
}

const callText = (run, frame) => {
  const { name, given, state } = run.frames[frame];
  const values = new Map();
  for (let k = 0; k < state.length; k += 2) values.set(state[k], state[k + 1]);
  const shown = given.map((text) => {
    const value = valueText(run, values.get(text));
    return run.texts[text] + "=" + (value.length > 60 ? value.slice(0, 59) + "…" : value);
  });
  return name + "(" + shown.join(", ") + ")";
};

// ----------------------------------------------------------------------------------------------------- what is shown

const view = { number: -1, item: null, sample: 0, run: null, step: 0 };
const side = byId("side"), detail = byId("detail");
const parts = {};

function sampleRun() {
  const { item, sample } = view;
  const chosen = item.samples[sample];
  const number = chosen && chosen.run !== undefined ? chosen.run : item.run;
  return number === undefined ? null : runAt(number);
}

const VERDICTS = { wrong_answer: "wrong", no_answer: "no answer", grader_error: "not graded", bad_row: "row cannot be used" };
const NEUTRAL = new Set(["unsupported", "grader_error", "bad_row", "not graded", "no completion", "not_run"]);
const tone = (verdict) => (verdict === "right" ? "good" : NEUTRAL.has(verdict) ? "dim" : verdict === "mixed" || verdict === "partly right" ? "mixed" : "bad");
const SIGNS = { good: "✓", bad: "✗", mixed: "◐", dim: "–" };
const badge = (verdict) => make("span", [make("span", SIGNS[tone(verdict)], { "aria-hidden": "true" }), " " + (VERDICTS[verdict] || words(verdict))], { class: "badge " + tone(verdict) });

function verdictOf(part) {
  const [, verdict, , , official, strict] = part;
  if (official === strict || official === null || strict === null) return badge(verdict);
  const say = (right) => (right ? "right" : "wrong");
  return make("span", [badge(official ? "right" : "wrong_answer"), make("small", " official " + say(official) + ", strict " + say(strict))]);
}

function showItem(number, step = null) {
  const item = itemAt(number), listed = index.items[number];
  Object.assign(view, { number, item, sample: 0 });
  view.run = sampleRun();
  const many = index.items.length > 1;
  document.title = (many ? item.id + " · " : "") + index.title;
  const facts = [];
  const fact = (name, value) => facts.push(make("div", [make("dt", name), make("dd", value)]));
  fact("kind", words(listed.kind));
  if (listed.level !== undefined) fact("level", String(listed.level));
  if (listed.steps !== undefined) fact("steps", listed.steps.toLocaleString("en"));
  if (item.samples.length) fact(item.samples.length > 1 ? "completions" : "completion", badge(listed.verdict));
  for (const [name, value] of item.facts) fact(name, value);
  const navigation = many ? make("nav", [
    make("button", "‹ All items", { class: "back", type: "button", onclick: () => showList() }),
    make("button", "Previous", { type: "button", title: "Previous item (k)", onclick: () => move(-1) }),
    make("button", "Next", { type: "button", title: "Next item (j)", onclick: () => move(1) }),
  ], { "aria-label": "Items", class: "between" }) : null;
  const link = make("a", "#", { href: "#" + encodeURIComponent(item.id), title: "Link to this item", "aria-label": "Link to this item" });
  detail.replaceChildren(...[
    navigation,
    many ? make("h2", [item.id, " ", link], { class: "name", tabindex: "-1", id: "name" }) : null,
    make("dl", facts, { class: "facts" }),
    make("div", [], { id: "stepper" }),
    make("div", [], { id: "asked" }),
    make("div", [], { id: "samples" }),
    ...promptOf(item),
  ].filter(Boolean));
  buildStepper();
  buildAsked();
  buildSamples();
  if (view.run && view.run.lines.length) showStep(step === null ? 0 : step - 1, false);
  markCurrent();
}

function promptOf(item) {
  if (!item.prompt.length) return [];
  const texts = item.prompt.flatMap(([role, text]) => [make("h4", role), make("pre", text, { tabindex: "0", class: "text" })]);
  return [make("details", [make("summary", "The prompt"), ...texts], { class: "card" })];
}

// The address follows when nothing has changed for a moment: browsers slow down pages that change it often.
let linking = 0;
function setLink(step) {
  clearTimeout(linking);
  linking = setTimeout(() => {
    const one = index.items.length === 1 && step === null;
    const hash = one ? "" : "#" + encodeURIComponent(view.item.id) + (step === null ? "" : "@" + (step + 1));
    try {
      history.replaceState(null, "", hash || " ");
    } catch { /* a page inside a notebook has no address of its own */ }
  }, 200);
}

// -------------------------------------------------------------------------------------------------------- the stepper

function questionsOf(run) {
  const found = new Map();
  if (view.item.samples[view.sample] && view.item.samples[view.sample].run !== undefined) return found;
  view.item.asked.forEach((asked, at) => {
    const step = asked.line ? stepOf(run, asked.line, asked.visit) : undefined;
    if (step !== undefined) found.set(step, [...(found.get(step) || []), at]);
  });
  return found;
}

function chainOf(sample) {
  const lines = sample ? sample.text.filter((piece) => piece.length > 1) : [];
  const isRead = lines.some(([, verdict]) => verdict !== "unreadable" && verdict !== "missing");
  return isRead ? lines : [];
}

const codeOf = (line) => make("code", line.map(([text, name]) => (name ? make("span", text, { class: name }) : text)));

/** A program's lines with their numbers, for an item without a run. */
const numbered = (source) => tokens(source).map((line, at) => make("li", [make("span", String(at + 1), { class: "gutter" }), codeOf(line)]));

function buildStepper() {
  const box = byId("stepper"), { run, item } = view;
  if (!run) {
    if (item.source) box.replaceChildren(make("section", [make("h3", "Code"), item.call ? make("p", make("code", item.call)) : null, make("ol", numbered(item.source), { class: "code", tabindex: "0", "aria-label": "Code of the program" })], { class: "card" }));
    else box.replaceChildren();
    return;
  }
  const count = run.lines.length, asked = questionsOf(run);
  parts.questions = asked;
  const lineQuestions = new Set([...asked.keys()].map((step) => run.lines[step]));
  parts.rows = run.code.map((line, at) => {
    const number = at + 1, visits = (run.byLine.get(number) || []).length;
    const label = visits ? "Line " + number + ", " + plural(visits, "visit") + ": go to the next one" : null;
    const gutter = visits
      ? make("button", String(number), { type: "button", class: "gutter", "aria-label": label, title: label, onclick: () => nextVisit(number) })
      : make("span", String(number), { class: "gutter" });
    const code = codeOf(line);
    const info = make("span", visits > 1 ? visits + "×" : "", { class: "visits" });
    const question = make("span", lineQuestions.has(number) ? make("span", "?", { title: "A question is about this line" }) : null, { class: "has" });
    return make("li", [gutter, question, code, info], { class: visits ? "" : "idle" });
  });
  parts.code = make("ol", parts.rows, { class: "code", tabindex: "0", "aria-label": "Code of the program" });
  const button = (text, label, to) => make("button", text, { type: "button", "aria-label": label, title: label, onclick: () => showStep(to()) });
  parts.range = make("input", [], { type: "range", min: 1, max: Math.max(1, count), value: 1, step: 1, "aria-label": "Step", oninput: () => showStep(Number(parts.range.value) - 1) });
  parts.ticks = make("div", [], { class: "ticks", "aria-hidden": "true" });
  parts.status = make("p", "", { class: "status", role: "status", "aria-live": "polite" });
  const controls = make("div", [
    button("«", "First step", () => 0), button("‹ Back", "One step back (left arrow)", () => view.step - 1),
    button("Forward ›", "One step forward (right arrow)", () => view.step + 1), button("»", "Last step", () => count - 1),
  ], { class: "controls", role: "group", "aria-label": "Steps" });
  parts.state = make("div", [], { class: "state" });
  const end = run.outcome === "returned" ? null : make("p", [badge(words(run.outcome)), " " + (run.detail || "")], { class: "outcome" });
  const more = run.total > count ? make("p", "The first " + count.toLocaleString("en") + " of " + plural(run.total, "step") + " are kept here.", { class: "dim" }) : null;
  const other = item.run !== undefined && runAt(item.run) !== run
    ? make("p", "This is the run with the arguments of the selected completion.", { class: "dim" }) : null;
  box.replaceChildren(make("section", [
    make("div", [make("h3", "Run"), make("p", [make("code", run.call), ...(run.result === null || run.result === undefined ? [] : [make("span", " returns ", { class: "dim" }), make("code", valueText(run, run.result))])], { class: "call" })], { class: "title" }),
    end, other, more,
    count ? make("div", [controls, make("div", [parts.ticks, parts.range], { class: "scrub" })], { class: "bar" }) : make("p", "The run has no steps.", { class: "dim" }),
    count ? parts.status : null,
    make("div", [make("div", [parts.code, make("p", [make("span", "", { class: "key now" }), "ran just now ", make("span", "", { class: "key next" }), "runs next"], { class: "legend" })]), parts.state], { class: "pair" }),
    run.printed ? make("details", [make("summary", "Printed"), make("pre", run.printed, { class: "text", tabindex: "0" })]) : null,
  ], { class: "card stepper", "aria-label": "Run, step by step" }));
  drawTicks();
}

function drawTicks() {
  const { run } = view, count = run.lines.length;
  if (!parts.ticks) return;
  const place = (step) => "calc(.5rem + (100% - 1rem) * " + (count > 1 ? step / (count - 1) : 0).toFixed(5) + ")";
  const marks = [...parts.questions.keys()].map((step) => [step, "q"]);
  let first = true;
  for (const [, verdict, , step] of chainOf(view.item.samples[view.sample])) {
    if (verdict === "right") continue;
    if (step < count && marks.length < 400) marks.push([step, first ? "b first" : "b"]);
    first = false;
  }
  parts.ticks.replaceChildren(...marks.map(([step, name]) => {
    const tick = make("span", [], { class: name });
    tick.style.left = place(step);
    return tick;
  }));
}

function nextVisit(line) {
  const steps = view.run.byLine.get(line);
  showStep(steps.find((step) => step > view.step) ?? steps[0]);
}

function showStep(wanted, says = true) {
  const { run } = view;
  if (!run || !run.lines.length) return;
  const at = Math.max(0, Math.min(run.lines.length - 1, wanted));
  view.step = at;
  const line = run.lines[at], following = run.lines[at + 1];
  const total = run.byLine.get(line).length;
  parts.rows.forEach((row, number) => {
    const isNow = number + 1 === line;
    row.classList.toggle("now", isNow);
    row.classList.toggle("next", number + 1 === following);
    if (isNow) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
    const visits = (run.byLine.get(number + 1) || []).length;
    row.lastChild.textContent = isNow ? "visit " + run.visits[at] + (total > 1 ? " of " + total : "") : visits > 1 ? visits + "×" : "";
  });
  const row = parts.rows[line - 1], box = parts.code;
  if (row && (row.offsetTop < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight)) {
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
  parts.range.value = at + 1;
  const states = stateAt(run, at);
  const happened = events(run, at, states);
  const text = "Step " + (at + 1) + " of " + run.lines.length + ": line " + line + ", visit " + run.visits[at] + ", in " + run.frames[run.of[at]].name;
  parts.range.setAttribute("aria-valuetext", text);
  parts.status.replaceChildren(make("strong", text), hidden(". " + happened.map(([plain]) => plain).join(". ")));
  parts.state.replaceChildren(...[happenedCard(run, at, happened), questionCard(at), modelCard(at), ...framesCards(run, at, states)].filter(Boolean));
  markAsked(at);
  if (says) setLink(at);
}

// What a step does, as [plain text, element].
function events(run, at, states) {
  const found = [], frame = run.of[at];
  const say = (text) => found.push([text.replaceAll("`", ""), make("li", sentence(text))]);
  const quoted = (text) => "`" + text.replaceAll("`", "'") + "`";
  if (run.place[at] === 0) say((run.frames[frame].caller < 0 ? "The call begins: " : "The function begins: ") + quoted(callText(run, frame)));
  for (const { header, round, all, ends } of roundsAt(run, at)) {
    say(ends ? "The loop at line " + header + " ends after " + plural(all, "round") : "Loop at line " + header + ": round " + round + " of " + all);
  }
  const next = run.of[at + 1];
  if (next !== undefined && next !== frame && run.frames[next].caller === at && run.place[at + 1] === 0) say("Calls " + quoted(callText(run, next)));
  for (const [one, names] of states) {
    for (const [name, { value, before, mark }] of names) {
      if (!mark) continue;
      const where = one === frame ? "" : " in " + run.frames[one].name;
      const from = mark === "changed" && before >= 0 ? ", was " + quoted(short(valueText(run, before))) : "";
      say(mark === "gone" ? quoted(run.texts[name]) + " is gone" + where : quoted(run.texts[name] + " = " + short(valueText(run, value))) + from + where);
    }
  }
  if (run.ends[at] < 0) say("The statement does not finish: an exception, or the end of the recording");
  for (let step = at; ;) {
    const { last, returned, name, caller } = run.frames[run.of[step]];
    if (last !== step || (run.ends[step] > at + 1)) break;
    say(quoted(name) + " returns" + (returned === undefined ? "" : " " + quoted(short(returned))));
    if (caller < 0 || run.ends[caller] !== at + 1) break;
    step = caller;
  }
  return found;
}

const collator = new Intl.Collator("en", { numeric: true });
const short = (text) => (text.length > 80 ? text.slice(0, 79) + "…" : text);

function happenedCard(run, at, happened) {
  const rows = [];
  for (let step = 0; step <= at; step++) {
    if (step !== at && run.ends[step] !== at + 1) continue;
    const notes = (run.notes && run.notes[step]) || [];
    for (let k = 0; k < notes.length; k += 3) {
      if (notes[k + 2] === at + 1) rows.push(make("tr", [make("th", make("code", run.texts[notes[k]]), { scope: "row" }), make("td", make("code", short(valueText(run, notes[k + 1]))))]));
    }
  }
  const values = rows.length ? make("details", [make("summary", "Values of its expressions (" + rows.length + ")"), make("table", make("tbody", rows.slice(0, 40)), { class: "values" })], { open: true }) : null;
  if (!happened.length && !values) return null;
  return make("section", [make("h4", "At this step"), make("ul", happened.map(([, element]) => element), { class: "events" }), values], { class: "box" });
}

function framesCards(run, at, states) {
  return states.map(([frame, names], depth) => {
    const shown = [...names].filter(([name]) => !run.texts[name].includes(".") || run.texts[name].startsWith("."));
    const dotted = [...names].filter(([name]) => run.texts[name].includes("."));
    const row = ([name, { value, mark }]) => {
      const text = run.texts[name], of = text.lastIndexOf(".");
      return make("tr", [
        make("th", make("code", of > 0 ? text.slice(of) : text), { scope: "row", class: of > 0 ? "attribute" : "" }),
        make("td", [make("code", valueText(run, value)), mark ? " " : null, mark ? make("span", mark, { class: "mark" }) : null]),
        make("td", run.values[value][0], { class: "type" }),
      ], { class: mark });
    };
    const rows = shown.flatMap((pair) => [row(pair), ...dotted.filter(([name]) => run.texts[name].startsWith(run.texts[pair[0]] + ".")).map(row)]);
    const table = rows.length
      ? make("table", [make("caption", "Variables", { class: "unseen" }), make("thead", make("tr", ["name", "value", "type"].map((text) => make("th", text, { scope: "col" }))), { class: "unseen" }), make("tbody", rows)])
      : make("p", "no variables", { class: "dim" });
    const note = depth ? "waits at line " + run.lines[run.frames[states[depth - 1][0]].caller] : states.length > 1 ? "runs now" : "";
    return make("section", [make("h4", [make("code", callText(run, frame)), note ? make("span", note, { class: "dim" }) : null]), table], { class: "box frame" + (depth ? " outer" : "") });
  });
}

function questionCard(at) {
  const asked = parts.questions.get(at);
  if (!asked) return null;
  const sample = view.item.samples[view.sample];
  return make("section", [make("h4", "Asked here"), ...asked.map((number) => {
    const { text, answers } = view.item.asked[number], part = sample && sample.parts[number];
    return make("div", [
      make("p", sentence(text)),
      make("dl", [
        make("div", [make("dt", "accepted"), make("dd", answersOf(answers))]),
        part ? make("div", [make("dt", "the model"), make("dd", [givenOf(part), " ", verdictOf(part), part[3] ? make("small", " " + part[3]) : null])]) : null,
      ], { class: "facts" }),
    ], { class: "question" });
  })], { class: "box asks" });
}

function modelCard(at) {
  const lines = chainOf(view.item.samples[view.sample]);
  const first = lines.find(([, verdict]) => verdict !== "right");
  const here = lines.filter(([, , , step]) => step === at);
  if (!here.length) return null;
  return make("section", [make("h4", "The model's reasoning here"), ...here.map((piece) => chainLine(piece, piece === first, null))], { class: "box" });
}

// ------------------------------------------------------------------------------------------------ answers and samples

const answersOf = (answers) => answers.flatMap((answer, at) => [at ? make("span", " or ", { class: "dim" }) : null, make("code", answer)]);
const givenOf = (part) => (part[2] === null ? make("span", "nothing", { class: "dim" }) : make("code", part[2] === "" ? "(empty)" : part[2]));

function buildAsked() {
  const box = byId("asked"), { item, run } = view, sample = item.samples[view.sample];
  parts.asked = [];
  if (!item.asked.length && !(sample && sample.parts.length)) return box.replaceChildren();
  const count = Math.max(item.asked.length, sample ? sample.parts.length : 0);
  const known = item.samples.some((each) => each.parts.length);
  const rows = Array.from({ length: count }, (_, at) => {
    const part = sample && sample.parts[at];
    const asked = item.asked[at] || { text: words(part[0]), answers: part[6], kind: part[0] };
    const step = run && asked.line ? stepOf(run, asked.line, asked.visit) : undefined;
    const own = !(sample && sample.run !== undefined);
    const where = step !== undefined && own
      ? make("button", "step " + (step + 1), { type: "button", class: "jump", onclick: () => { showStep(step); byId("stepper").scrollIntoView({ block: "nearest" }); } })
      : asked.line && run && asked.visit ? make("span", "not reached", { class: "dim" }) : null;
    const expected = asked.answers.length ? asked.answers : part ? part[6] : [];
    const row = make("tr", [
      make("th", String(at + 1), { scope: "row" }), make("td", asked.kind === "unit_test" || asked.kind === "json_test" ? make("code", asked.text) : sentence(asked.text), { class: "text" }), make("td", where),
      make("td", answersOf(expected), { "data-label": "accepted" }),
      ...(known ? [make("td", part ? givenOf(part) : "", { "data-label": "the model" }), make("td", part ? [verdictOf(part), part[3] ? make("div", part[3], { class: "why" }) : null] : "")] : []),
    ]);
    parts.asked.push([step, row]);
    return row;
  });
  const heads = ["", "question", "at", "accepted", ...(known ? ["the model's answer", "verdict"] : [])];
  const which = item.samples.length > 1 ? " of completion " + (view.sample + 1) : "";
  box.replaceChildren(make("section", [
    make("h3", (index.items[view.number].kind === "code_generation" ? "Tests" : "Questions") + (known ? " and answers" + which : "")),
    sample && sample.form && sample.form[1] !== "right" ? make("p", [verdictOf(sample.form), " form: ", sample.form[3]]) : null,
    make("div", make("table", [make("thead", make("tr", heads.map((text) => make("th", text, { scope: "col" })))), make("tbody", rows)]), { class: "scroll", tabindex: "0" }),
  ], { class: "card answers" }));
}

function markAsked(at) {
  for (const [step, row] of parts.asked || []) row.classList.toggle("here", step === at);
  for (const line of document.querySelectorAll(".chain .line")) line.classList.toggle("here", line.dataset.sample === String(view.sample) && line.dataset.step === String(at));
}

const CHAIN_SIGNS = { right: "✓", wrong: "✗", unreadable: "?", out_of_order: "⇅", missing: "…" };

function chainLine([text, verdict, why, step], isFirst, sample) {
  const inside = [
    make("span", CHAIN_SIGNS[verdict] || "?", { class: "sign", "aria-hidden": "true" }), hidden(words(verdict) + ": "),
    make("span", [make("code", text || "(lines are missing here)"), isFirst ? make("strong", "first divergence", { class: "divergence" }) : null, why ? make("span", why, { class: "why" }) : null], { class: "said" }),
  ];
  const name = "line " + verdict + (isFirst ? " first" : "");
  if (sample === null) return make("div", inside, { class: name });
  return make("button", inside, { type: "button", class: name, "data-step": step, "data-sample": sample, onclick: () => { choose(sample); showStep(step); } });
}

function textOf(sample, number) {
  const lines = chainOf(sample);
  const graded = sample.text.some((piece) => piece.length > 1);
  if (!lines.length) {
    const note = graded ? make("p", "No line of the reasoning is in a form that can be graded.", { class: "dim" }) : null;
    return [note, make("pre", sample.text.map(([text]) => text).join(""), { class: "text", tabindex: "0" })];
  }
  const first = lines.find(([, verdict]) => verdict !== "right");
  const chain = sample.text.map((piece) => {
    if (piece.length > 1) return chainLine(piece, piece === first, number);
    return piece[0].trim() ? make("pre", piece[0].replace(/^\n+|\n+$/g, ""), { class: "text plain" }) : null;
  });
  const share = sample.total ? make("p", [first ? "Right up to step " + sample.covered + " of " + sample.total : "The whole chain is right (" + plural(sample.total, "step") + ")"], { class: "dim" }) : null;
  return [share, make("div", chain, { class: "chain" })];
}

function buildSamples() {
  const box = byId("samples"), { samples } = view.item;
  if (!samples.length) return box.replaceChildren();
  const rewards = samples.map((sample) => sample.reward).filter((reward) => reward !== undefined);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const spread = Math.sqrt(rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length);
  const varied = Math.max(...rewards) - Math.min(...rewards) > 1e-9; // a mean of equal rewards may differ from them in its last digit
  const several = samples.length > 1;
  const cards = samples.map((sample, number) => {
    const counts = sample.parts.length ? sample.parts.filter(([, verdict, , , official]) => (official === null ? verdict === "right" : official)).length + " of " + plural(sample.parts.length, "part") + " right" : "";
    const advantage = several && varied && sample.reward !== undefined ? "advantage " + ((sample.reward - mean) / spread >= 0 ? "+" : "−") + Math.abs((sample.reward - mean) / spread).toFixed(2) : "";
    const dots = make("ul", sample.parts.slice(0, 60).map((part) => {
      const verdict = part[4] === null || part[4] === part[5] ? part[1] : "mixed";
      const label = words(part[0]) + ": " + (VERDICTS[part[1]] || words(part[1]));
      return make("li", make("span", SIGNS[tone(verdict)], { "aria-hidden": "true" }), { class: tone(verdict), title: label + (part[3] ? " (" + part[3] + ")" : ""), "aria-label": label });
    }), { class: "dots", "aria-label": "Parts" });
    return make("article", [
      make("header", [
        make("h4", several ? "Completion " + (number + 1) : "Completion"),
        sample.reward === undefined ? null : make("span", [make("strong", String(sample.reward)), " reward"], { class: "reward" }),
        badge(sample.verdict),
      ]),
      make("p", [counts, advantage, sample.count ? plural(sample.count, "equal completion") : ""].filter(Boolean).join(" · "), { class: "dim" }),
      sample.parts.length ? dots : null,
      earnsNothing(sample) ? make("p", "Reward 0: the output is wrong, so the other parts earn nothing, right or not.", { class: "dim" }) : null,
      sample.notes ? make("dl", sample.notes.map(([name, value]) => make("div", [make("dt", name), make("dd", value)])), { class: "facts" }) : null,
      several ? make("button", "Follow this completion", { type: "button", class: "follow", "aria-pressed": String(number === view.sample), onclick: () => choose(number) }) : null,
      make("div", textOf(sample, number), { class: "said-all" }),
    ], { class: "sample" + (number === view.sample && several ? " chosen" : ""), "aria-label": "Completion " + (number + 1) });
  });
  const title = several ? plural(samples.length, "completion") + (rewards.length ? ", mean reward " + mean.toFixed(3) + ", standard deviation " + spread.toFixed(3) : "") : "What the model wrote";
  parts.samples = cards;
  const group = make("div", cards, { class: "group" + (several ? " several" : ""), tabindex: several ? "0" : null });
  const hint = make("p", "", { class: "dim hint" });
  box.replaceChildren(make("section", [make("h3", title), hint, group], { class: "card" }));
  const update = () => { hint.textContent = inView(group, cards) ?? hint.textContent; };
  group.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(group);
}

// Whether right parts earned nothing because the output, which comes first, is wrong.
function earnsNothing({ reward, parts: graded }) {
  return reward === 0 && graded.length > 1 && graded[0][0] === "output" && graded[0][1] !== "right" && graded.some(([, verdict]) => verdict === "right");
}

// Which cards of a group that scrolls sideways are in view; empty where all are, null where none is whole.
function inView(group, cards) {
  const box = group.getBoundingClientRect();
  const whole = cards.map((card) => card.getBoundingClientRect()).map(({ left, right }) => left > box.left - 4 && right < box.right + 4);
  if (whole.every(Boolean)) return "";
  const first = whole.indexOf(true) + 1, last = whole.lastIndexOf(true) + 1;
  if (!first) return null;
  return (first === last ? "Completion " + first : "Completions " + first + " to " + last) + " of " + cards.length + " in view: scroll sideways for the others.";
}

// Follows another completion: its answers, its reasoning at the steps, and the run that it describes.
function choose(number) {
  if (number === view.sample) return;
  view.sample = number;
  const run = sampleRun();
  const step = run === view.run ? view.step : 0;
  view.run = run;
  buildStepper();
  buildAsked();
  parts.samples.forEach((card, at) => {
    card.classList.toggle("chosen", at === number);
    const button = card.querySelector(".follow");
    if (button) button.setAttribute("aria-pressed", String(at === number));
  });
  showStep(step);
}

// ------------------------------------------------------------------------------------------------------------ the list

const ROW = 58;
const form = byId("filters"), list = byId("list"), space = byId("space");
const FACETS = [
  ["stage", "Stage", (item) => (item.stage === undefined ? [] : [words(item.stage)])],
  ["kind", "Kind", (item) => [words(item.kind)]],
  ["level", "Level", (item) => (item.level === undefined ? [] : [String(item.level)])],
  ["verdict", "Verdict", (item) => [item.verdict]],
  ["has", "Construct", (item) => item.has],
  ["asks", "Question", (item) => item.asks.map(words)],
  ["chain", "Reasoning", (item) => (item.chain ? [item.chain === "right" ? "all right" : "not all right"] : [])],
  ["rule", "Rules", (item) => ruleValues(item)],
];
const SORTS = [
  ["", "as given", null], ["id", "id", (item) => item.id], ["level", "level", (item) => item.level], ["steps", "steps", (item) => item.steps],
  ["reward", "reward, low first", (item) => item.reward], ["reward-", "reward, high first", (item) => (item.reward === undefined ? undefined : -item.reward)],
  ["official", "official score, low first", (item) => item.official], ["strict", "strict score, low first", (item) => item.strict],
];
let found = [], bins = [], picked = new Map(), texts = null;

function ruleValues(item) {
  if (item.official === undefined) return [];
  const all = (share) => (share === 1 ? "right" : "not all right");
  return ["official: " + all(item.official), "strict: " + all(item.strict), item.differs ? "they disagree" : "they agree"];
}

function buildFilters() {
  const selects = [];
  for (const [name, label, of] of FACETS) {
    const counts = new Map();
    for (const item of index.items) for (const value of of(item)) counts.set(value, (counts.get(value) || 0) + 1);
    if (counts.size < 2 && !(name === "has" && counts.size)) continue;
    if (name === "rule" && !index.items.some((item) => item.differs)) continue;
    const sorted = [...counts].sort(([one], [other]) => collator.compare(one, other));
    const options = [make("option", "any", { value: "" }), ...sorted.map(([value, count]) => make("option", value + " (" + count.toLocaleString("en") + ")", { value }))];
    selects.push(make("label", [label + " ", make("select", options, { name })]));
  }
  const usable = SORTS.filter(([, , of]) => !of || new Set(index.items.map(of)).size > 1);
  selects.push(make("label", ["Sort ", make("select", usable.map(([value, label]) => make("option", label, { value })), { name: "sort" })]));
  byId("selects").replaceChildren(...selects, make("button", "Clear", { type: "button", onclick: clear }));
}

// What the signs of the list mean, of those that it has.
function drawLegend() {
  const meanings = { good: "right", bad: "wrong or no answer", mixed: "some right", dim: "not graded" };
  const present = new Set(index.items.filter((item) => item.n).map((item) => tone(item.verdict)));
  byId("legend").replaceChildren(...Object.keys(meanings).filter((name) => present.has(name)).map((name) => make("span", [make("span", SIGNS[name], { class: "sign " + name, "aria-hidden": "true" }), " " + meanings[name]])));
}

function clear() {
  form.reset();
  picked.clear();
  filter();
}

// Everything of an item that a search looks at; made when somebody searches.
function searchTexts() {
  texts = texts || index.items.map((listed, number) => {
    const item = itemAt(number);
    const run = item.run === undefined ? null : entry("runs", item.run);
    const said = item.samples.flatMap((sample) => sample.parts.map((part) => part[2] || ""));
    return [item.id, run ? run.source + "\n" + run.call : (item.source || "") + "\n" + (item.call || ""), ...item.asked.flatMap(({ text, answers }) => [text, ...answers]), ...said].join("\n").toLowerCase();
  });
  return texts;
}

function chooseBins() {
  const numeric = (name, of, label) => {
    const values = index.items.map(of).filter((value) => value !== undefined);
    if (new Set(values).size < 2) return;
    if (name === "steps") {
      const least = Math.min(...values), most = Math.max(...values);
      const edges = [];
      for (let edge = 2 ** Math.floor(Math.log2(Math.max(1, least))); edge <= most; edge *= 2) edges.push(edge);
      bins.push({ name, label, bin: (item) => (of(item) === undefined ? -1 : Math.max(0, Math.floor(Math.log2(Math.max(1, of(item)) / edges[0])))), names: edges.map((edge) => (edge === 1 ? "1" : edge + "–" + (2 * edge - 1))), ends: [edges[0], 2 * edges[edges.length - 1] - 1] });
    } else if (name === "level") {
      const levels = [...new Set(values)].sort((a, b) => a - b);
      bins.push({ name, label, bin: (item) => levels.indexOf(of(item)), names: levels.map(String), ends: [levels[0], levels[levels.length - 1]] });
    } else {
      const least = Math.min(0, ...values), most = Math.max(...values), width = (most - least) / 10 || 1;
      bins.push({ name, label, bin: (item) => (of(item) === undefined ? -1 : Math.min(9, Math.floor((of(item) - least) / width + 1e-9))), names: Array.from({ length: 10 }, (_, k) => (least + k * width).toFixed(2) + "–" + (least + (k + 1) * width).toFixed(2)), ends: [least, most].map((value) => String(Math.round(100 * value) / 100)) });
    }
  };
  numeric("level", (item) => item.level, "Level");
  numeric("steps", (item) => item.steps, "Steps of the run");
  if (index.items.some((item) => item.reward !== undefined)) numeric("reward", (item) => item.reward, "Mean reward");
  else numeric("official", (item) => item.official, "Share of parts right");
}

function filter() {
  const wanted = form.elements.text.value.trim().toLowerCase();
  const chosen = FACETS.map(([name, , of]) => [form.elements[name] ? form.elements[name].value : "", of]).filter(([value]) => value);
  const searched = wanted ? searchTexts() : null;
  const base = [];
  index.items.forEach((item, number) => {
    if (searched && !searched[number].includes(wanted)) return;
    if (chosen.every(([value, of]) => of(item).includes(value))) base.push(number);
  });
  const fits = (number, except) => bins.every((each) => each === except || !picked.has(each.name) || each.bin(index.items[number]) === picked.get(each.name));
  found = base.filter((number) => fits(number, null));
  const sort = SORTS.find(([name]) => name === form.elements.sort.value);
  if (sort && sort[2]) {
    const keys = new Map(found.map((number) => [number, sort[2](index.items[number])]));
    const compare = (one, other) => (one === other ? 0 : one === undefined ? 1 : other === undefined ? -1 : typeof one === "string" ? collator.compare(one, other) : one - other);
    found.sort((one, other) => compare(keys.get(one), keys.get(other)) || one - other);
  }
  drawBins(base, fits);
  byId("count").textContent = plural(found.length, "item") + (found.length === index.items.length ? "" : " of " + index.items.length.toLocaleString("en"));
  space.style.height = found.length * ROW + "px";
  list.scrollTop = 0;
  drawList();
}

function drawBins(base, fits) {
  const charts = bins.map((each) => {
    const counts = each.names.map(() => 0);
    for (const number of base) if (fits(number, each)) { const at = each.bin(index.items[number]); if (at >= 0) counts[at]++; }
    const most = Math.max(1, ...counts);
    const bars = counts.map((count, at) => {
      const bar = make("span", [], { class: "fill" });
      bar.style.height = (count ? Math.max(6, (100 * count) / most) : 0) + "%";
      const label = each.label + " " + each.names[at] + ": " + plural(count, "item");
      return make("button", [bar], { type: "button", "aria-pressed": String(picked.get(each.name) === at), "aria-label": label, title: label, onclick: () => {
        if (picked.get(each.name) === at) picked.delete(each.name); else picked.set(each.name, at);
        filter();
        const again = document.querySelectorAll('[data-bins="' + each.name + '"] button')[at];
        if (again) again.focus();
      } });
    });
    return make("div", [make("p", each.label), make("div", bars, { class: "bars", role: "group", "aria-label": each.label, "data-bins": each.name }), make("div", each.ends.map((text) => make("span", text)), { class: "ends", "aria-hidden": "true" })], { class: "histogram" });
  });
  byId("histograms").replaceChildren(...charts);
}

function drawList() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(found.length, first + Math.ceil((list.clientHeight || 600) / ROW) + 8);
  const rows = [];
  for (let place = first; place < last; place++) {
    const number = found[place], item = index.items[number];
    const score = item.reward !== undefined ? item.reward.toFixed(2) : item.official !== undefined ? Math.round(100 * item.official) + "%" : "";
    const facts = [words(item.kind), item.level === undefined ? "" : "level " + item.level, item.steps === undefined ? "" : plural(item.steps, "step")].filter(Boolean).join(" · ");
    const row = make("div", [
      make("span", item.n ? SIGNS[tone(item.verdict)] : "", { class: "sign " + tone(item.verdict), "aria-hidden": "true" }),
      make("span", [make("span", item.id, { class: "id" }), make("span", facts, { class: "dim" }), item.n ? hidden(", " + item.verdict) : null], { class: "text" }),
      score ? make("span", [hidden(item.reward !== undefined ? "reward " : "right: "), score], { class: "score" }) : null,
    ], { role: "option", id: "option-" + number, class: "row", "aria-selected": String(number === view.number), "aria-setsize": found.length, "aria-posinset": place + 1, onclick: () => open(number) });
    row.style.top = place * ROW + "px";
    rows.push(row);
  }
  space.replaceChildren(...rows);
  markCurrent();
}

function markCurrent() {
  for (const row of space.children) row.setAttribute("aria-selected", String(row.id === "option-" + view.number));
  list.setAttribute("aria-activedescendant", byId("option-" + view.number) ? "option-" + view.number : "");
}

const isNarrow = () => matchMedia("(max-width: 52rem)").matches;

function open(number, step = null, focus = true) {
  showItem(number, step);
  setLink(step === null ? null : step - 1);
  document.body.classList.add("item-shown");
  if (isNarrow() && focus) {
    scrollTo(0, 0);
    const name = byId("name");
    if (name) name.focus({ preventScroll: true });
  }
}

function showList() {
  document.body.classList.remove("item-shown");
  drawList();
  list.focus({ preventScroll: true });
}

function move(by) {
  const place = found.indexOf(view.number);
  const next = found[place < 0 ? 0 : Math.max(0, Math.min(found.length - 1, place + by))];
  if (next === undefined || next === view.number) return;
  reveal(found.indexOf(next));
  open(next, null, false);
}

function reveal(place) {
  const top = place * ROW;
  if (top < list.scrollTop || top + ROW > list.scrollTop + list.clientHeight) {
    list.scrollTop = Math.max(0, top - list.clientHeight / 2);
    drawList();
  }
}

list.addEventListener("keydown", (event) => {
  const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -found.length, End: found.length }[event.key];
  if (by) {
    event.preventDefault();
    move(by);
  } else if (event.key === "Enter" && view.number >= 0) {
    open(view.number);
    (byId("name") || detail).focus();
  }
});
list.addEventListener("scroll", () => requestAnimationFrame(drawList), { passive: true });
form.addEventListener("submit", (event) => event.preventDefault());
let waiting = 0;
form.addEventListener("input", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(filter);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target.matches("select, input, textarea")) return;
  const scrolls = target.closest(".scroll, pre, .group") !== null;
  if (event.key === "ArrowRight" && !scrolls) showStep(view.step + 1);
  else if (event.key === "ArrowLeft" && !scrolls) showStep(view.step - 1);
  else if (event.key === "Home" && target.closest(".stepper")) showStep(0);
  else if (event.key === "End" && target.closest(".stepper")) showStep(Infinity);
  else if (event.key === "j" && index.items.length > 1) move(1);
  else if (event.key === "k" && index.items.length > 1) move(-1);
  else if (event.key === "/" && index.items.length > 1) form.elements.text.focus();
  else return;
  event.preventDefault();
});

// ------------------------------------------------------------------------------------------------------------- address

const places = new Map(index.items.map((item, number) => [item.id, number]).reverse());

function follow() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch { /* it is no address of ours */ }
  if (name === "detail") return true;
  const at = name.lastIndexOf("@"), step = Number(name.slice(at + 1));
  const isStep = at > 0 && Number.isInteger(step) && step > 0;
  const number = places.get(name) ?? (isStep ? places.get(name.slice(0, at)) : undefined);
  if (number === undefined) return false;
  if (!places.has(name) && number === view.number) showStep(step - 1);
  else open(number, places.has(name) ? null : step);
  reveal(Math.max(0, found.indexOf(number)));
  return true;
}

addEventListener("hashchange", follow);
addEventListener("resize", () => requestAnimationFrame(drawList));
if (index.items.length > 1) {
  document.body.classList.add("many");
  side.hidden = false;
  buildFilters();
  drawLegend();
  chooseBins();
  filter();
}
if (!follow()) {
  showItem(found.length ? found[0] : 0);
}
document.body.dataset.ready = "1";
