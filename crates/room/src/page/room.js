// Draws the room, or one machine, from what the onlooker tells. All that machines say is set as text, never as markup.
"use strict";

const KINDS = [["share", "from_share", "share"], ["mirror", "from_mirror", "mirrors"],
  ["peer", "from_peers", "other machines"], ["reuse", "reused", "there already"]];
const STATES = ["stuck", "silent", "expected", "checking", "waiting", "copying", "done", "left", "other"];
const URGENT = new Set(["stuck", "silent", "expected"]);
const URGENT_SHOWN = 20;
const SAY_EVERY_MS = 10000;
const SECONDS_DRAWN = 300;
// more lines than these are a blot; the first in the chosen order are drawn
const LINES_DRAWN = 200;
// answers that are remembered of a machine, as the onlooker does
const HISTORY_MAX = 60;
// bars of more machines than these jump: to let each slide costs every frame
const MANY = 100;
const NO_RATE = new Set(["done", "left", "expected", "silent", "other"]);

const machines = new Map(), rows = new Map();
let room = null, lit = null, saidAt = 0;

const $ = (id) => document.getElementById(id);
function set(node, text) { if (node.textContent !== text) node.textContent = text; }
function make(name, kind, text) {
  const node = document.createElement(name);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) { n /= 1000; at += 1; }
  // a number stays with its unit
  return (at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)) + "\u00a0" + units[at];
}
const rate = (n) => bytes(n) + "/s";
function time(s) {
  if (s === null || s === undefined) return "–";
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  return Math.floor(s / 3600) + " h " + Math.floor(s / 60 % 60) + " min";
}
function part(m) { return m.bytes > 0 ? m.verified / m.bytes : (m.state === "done" ? 1 : 0); }
function percent(m) {
  if (m.state === "expected") return "–";
  const p = part(m) * 100;
  return (p === 0 || p >= 100 ? p.toFixed(0) : Math.min(p, 99.9).toFixed(1)) + " %";
}
const some = (n, one) => n + " " + one + (n === 1 ? "" : "s");

// the parts of a bar: what is verified, divided by where bytes came from
function drawBar(bar, m, whole) {
  const got = KINDS.map(([, field]) => m[field] || 0);
  const all = got.reduce((a, b) => a + b, 0);
  while (bar.children.length < KINDS.length) bar.append(make("i"));
  KINDS.forEach(([kind], at) => {
    const piece = bar.children[at];
    if (piece.className !== kind) piece.className = kind;
    const share = all > 0 ? got[at] / all : (kind === "reuse" ? 1 : 0);
    const width = (share * whole * 100).toFixed(2) + "%";
    if (piece.style.width !== width) piece.style.width = width;
  });
}
function drawLegend(list, m) {
  list.replaceChildren(...KINDS.filter(([, field]) => m[field] > 0).map(([kind, field, name]) => {
    const item = make("li");
    item.append(make("i", kind), name + " " + bytes(m[field]));
    return item;
  }));
}

function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
// drawn with the next frame: to ask for a width now would lay the whole table out at once
const drawings = new Map();
function drawRates(canvas, list, chosen) {
  if (!drawings.has(canvas)) requestAnimationFrame(() => { const draw = drawings.get(canvas); drawings.delete(canvas); draw(); });
  drawings.set(canvas, () => drawLines(canvas, list, chosen));
}
function drawLines(canvas, list, chosen) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (width === 0) return;
  if (canvas.width !== Math.round(width * scale)) { canvas.width = width * scale; canvas.height = height * scale; }
  const to = canvas.getContext("2d");
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  const top = list.reduce((most, m) => m.history.reduce((max, [, value]) => Math.max(max, value), most), 1);
  const ends = list.reduce((last, m) => Math.max(last, m.history.at(-1)?.[0] ?? 0), 1);
  const begins = Math.max(ends - SECONDS_DRAWN, list.reduce((first, m) => Math.min(first, m.history[0]?.[0] ?? ends), ends));
  const x = (second) => 8 + (width - 16) * (second - begins) / Math.max(1, ends - begins);
  const y = (value) => height - 20 - (height - 34) * value / top;
  to.strokeStyle = color("--line"); to.fillStyle = color("--soft"); to.font = "12px system-ui, sans-serif"; to.lineWidth = 1;
  for (const value of [0, top / 2, top]) {
    to.beginPath(); to.moveTo(8, y(value)); to.lineTo(width - 8, y(value)); to.stroke();
    to.fillText(rate(value), 10, y(value) - 3);
  }
  to.textAlign = "right"; to.fillText("now", width - 10, height - 5); to.textAlign = "left";
  to.fillText(time(ends - begins) + " ago", 10, height - 5);
  const [alarm, done, other] = ["--alarm", "--peer", "--share"].map(color);
  for (const m of list.slice(0, LINES_DRAWN)) {
    if (m.history.length === 0) continue;
    const near = m.key === chosen;
    to.strokeStyle = URGENT.has(m.state) ? alarm : m.state === "done" ? done : other;
    to.globalAlpha = near ? 1 : chosen ? .15 : list.length > 50 ? .35 : .8;
    to.lineWidth = near ? 3 : 1.3;
    to.setLineDash(URGENT.has(m.state) ? [4, 3] : []);
    to.beginPath();
    m.history.filter(([second]) => second >= begins)
      .forEach(([second, value], at) => to[at ? "lineTo" : "moveTo"](x(second), y(value)));
    to.stroke();
  }
  to.globalAlpha = 1; to.setLineDash([]);
  canvas.setAttribute("aria-label", "rates of " + some(Math.min(list.length, LINES_DRAWN), "machine") + ", at most " + rate(top));
}

function says(m) {
  if (m.why) return m.waits > 0 ? "for " + time(m.waits) + ", " + m.why : m.why;
  if (m.slots.length) return "reads the origin (" + some(m.slots.length, "slot") + ")";
  if (m.error && m.state !== "done") return "last trouble: " + m.error;
  if (m.state === "other") return m.client + (m.bytes ? ", shows " + bytes(m.verified) + " of " + bytes(m.bytes) : "");
  return m.uploaded > 0 ? "gave " + bytes(m.uploaded) : "";
}

function rowOf(m) {
  let row = rows.get(m.key);
  if (row) return row;
  row = make("tr");
  row.dataset.key = m.key;
  const name = make("td", "name"), link = make("a");
  link.href = "/machine/" + m.key;
  name.append(link);
  const bar = make("td", "wide"), inner = make("div", "bar");
  inner.setAttribute("role", "progressbar");
  inner.setAttribute("aria-valuemin", "0"); inner.setAttribute("aria-valuemax", "100");
  bar.append(inner);
  row.append(name, make("td", "state"), bar, make("td", "n part"), make("td", "n rate"), make("td", "n left"),
    make("td", "group"), make("td", "says"));
  row.setAttribute("role", "row");
  for (const cell of row.children) cell.setAttribute("role", "cell");
  const light = (key) => () => { lit = key; drawRates($("rates"), shown(), lit); };
  row.addEventListener("mouseenter", light(m.key)); row.addEventListener("mouseleave", light(null));
  link.addEventListener("focus", light(m.key)); link.addEventListener("blur", light(null));
  rows.set(m.key, row);
  return row;
}
function drawRow(m) {
  const row = rowOf(m);
  row.dataset.state = m.state;
  const [name, state, bar, done, speed, left, group, words] = row.children;
  set(name.firstChild, m.name || "unnamed");
  if (m.addr) name.firstChild.title = m.addr;
  set(state, m.state);
  const inner = bar.firstChild;
  inner.setAttribute("aria-valuenow", Math.floor(part(m) * 100));
  inner.setAttribute("aria-label", (m.name || "unnamed") + ", " + m.state);
  drawBar(inner, m, part(m));
  set(done, percent(m)); set(speed, NO_RATE.has(m.state) ? "" : rate(m.rate));
  set(left, NO_RATE.has(m.state) ? "" : time(m.seconds_left));
  set(group, m.group); set(words, says(m));
}

const orders = {
  urgency: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.waits - a.waits || byName(a, b),
  name: (a, b) => byName(a, b),
  part: (a, b) => part(a) - part(b) || byName(a, b),
  rate: (a, b) => b.rate - a.rate || byName(a, b),
  left: (a, b) => (b.seconds_left ?? Infinity) - (a.seconds_left ?? Infinity) || byName(a, b),
  group: (a, b) => a.group.localeCompare(b.group) || byName(a, b),
};
// one collator for all: making it costs more than a thousand comparisons
const collator = new Intl.Collator(undefined, { numeric: true });
function byName(a, b) { return collator.compare(a.name, b.name) || a.key - b.key; }
function shown() {
  const name = $("f-name").value.trim().toLowerCase(), state = $("f-state").value, group = $("f-group").value;
  const list = [...machines.values()].filter((m) => (!state || m.state === state) && (!group || m.group === group) &&
    (!name || m.name.toLowerCase().includes(name) || (m.addr || "").includes(name)));
  return list.sort(orders[$("f-sort").value]);
}

function options(select, values) {
  const have = [...select.options].slice(1).map((option) => option.value);
  if (have.join("\n") === values.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...values.map((value) => {
    const option = make("option", "", value);
    option.value = value;
    return option;
  }));
  select.value = values.includes(chosen) ? chosen : "";
}

function drawList() {
  const list = shown(), body = $("rows");
  list.forEach((m, at) => {
    const row = rowOf(m);
    if (body.children[at] !== row) body.insertBefore(row, body.children[at] || null);
  });
  while (body.children.length > list.length) body.lastChild.remove();
  set($("f-count"), list.length === machines.size ? some(list.length, "machine")
    : list.length + " of " + some(machines.size, "machine"));
  drawRates($("rates"), list, lit);
}

function drawUrgent() {
  const list = [...machines.values()].filter((m) => URGENT.has(m.state)).sort(orders.urgency);
  $("urgent").hidden = list.length === 0;
  const items = list.slice(0, URGENT_SHOWN).map((m) => {
    const item = make("li"), link = make("a", "", m.name || "unnamed");
    link.href = "/machine/" + m.key;
    item.append(link, ": " + says(m));
    return item;
  });
  if (list.length > URGENT_SHOWN) items.push(make("li", "", "and " + (list.length - URGENT_SHOWN) + " more, see below"));
  const text = (nodes) => nodes.map((node) => node.textContent).join("\n");
  if (text(items) !== text([...$("urgent-list").children])) $("urgent-list").replaceChildren(...items);
}

function drawRoom() {
  const { totals, origin } = room, states = totals.states;
  const done = states.done + states.left;
  const ours = machines.size - states.other;
  document.title = done + "/" + ours + " " + room.name;
  set($("title"), room.name + ", " + bytes(room.bytes));
  set($("t-done"), done + " of " + ours + " done");
  set($("t-states"), STATES.filter((s) => states[s] && s !== "done").map((s) => states[s] + " " + s).join(", ") || "all of them");
  // one that stands still hides how long the others take
  const partly = totals.seconds_left === null && totals.seconds_left_moving > 0;
  const left = partly ? totals.seconds_left_moving : totals.seconds_left;
  set($("t-left"), left === null ? "unknown" : left === 0 ? "none" : time(left));
  set($("t-rate"), (partly ? "of those that move; " : "") + "all together " + rate(totals.rate) + ", " + bytes(totals.verified) + " of " + bytes(totals.wanted));
  set($("t-readers"), origin.readers_max ? some(origin.readers, "reader") + " of " + origin.readers_max : some(origin.readers, "reader"));
  set($("t-copies"), origin.copies.toFixed(2) + " copies sent (" + bytes(origin.bytes) + "), now " + rate(origin.rate));
  const sums = { from_share: totals.from_share, from_mirror: totals.from_mirror, from_peers: totals.from_peers };
  drawBar($("t-bar"), sums, sums.from_share + sums.from_mirror + sums.from_peers > 0 ? 1 : 0);
  drawLegend($("t-from"), sums);
  options($("f-state"), STATES.filter((s) => states[s] > 0));
  options($("f-group"), [...new Set([...machines.values()].map((m) => m.group).filter(Boolean))].sort());
  $("trackers").hidden = room.trackers.length === 0;
  $("tracker-list").replaceChildren(...room.trackers.map((t) => make("li", "", t.name + ": " + t.said)));
  const now = Date.now();
  if (now - saidAt >= SAY_EVERY_MS) {
    saidAt = now;
    const urgent = STATES.filter((s) => URGENT.has(s) && states[s]).map((s) => states[s] + " " + s);
    set($("said"), [done + " of " + some(ours, "machine") + " done", ...urgent,
      ...(totals.unreached ? [some(totals.unreached, "address").replace("addresss", "addresses") + " without an answer"] : [])].join(", "));
  }
}

function take(update) {
  if (update.all) { machines.clear(); rows.clear(); $("rows").replaceChildren(); }
  for (const key of update.dropped) { machines.delete(key); rows.get(key)?.remove(); rows.delete(key); }
  for (const m of update.machines) {
    // only what is new of its last answers is told again
    if (!update.all) m.history = [...(machines.get(m.key)?.history || []), ...m.history].slice(-HISTORY_MAX);
    machines.set(m.key, m);
    drawRow(m);
  }
  document.body.classList.toggle("many", machines.size > MANY);
  room = update.room;
  drawRoom(); drawUrgent(); drawList();
  document.body.dataset.version = update.version;
}

function fact(list, name, value) {
  if (value === null || value === undefined || value === "") return;
  list.push(make("dt", "", name), make("dd", "", String(value)));
}
function drawMachine(m) {
  document.title = m.name + ": " + m.state;
  set($("title"), m.name || "unnamed");
  set($("said"), m.state + ", " + percent(m) + (m.seconds_left ? ", " + time(m.seconds_left) + " left" : ""));
  drawBar($("m-bar"), m, part(m));
  $("m-bar").setAttribute("role", "progressbar");
  $("m-bar").setAttribute("aria-valuenow", Math.floor(part(m) * 100));
  $("m-bar").setAttribute("aria-label", "part of the content that is verified");
  drawLegend($("m-from"), m);
  set($("m-why"), m.why ? says(m) : "");
  drawRates($("m-rates"), [m], null);
  const facts = [];
  fact(facts, m.state === "other" ? "Shows" : "Verified", m.state === "expected" ? "" : bytes(m.verified) + " of " + bytes(m.bytes));
  fact(facts, "Rate", rate(m.rate));
  fact(facts, "Now from", "share " + rate(m.rates.share) + ", mirrors " + rate(m.rates.mirror) + ", other machines " + rate(m.rates.peer));
  fact(facts, "Given to others", bytes(m.uploaded));
  fact(facts, "Slots", m.slots.join(", "));
  fact(facts, "Group", m.group); fact(facts, "Connected", m.class);
  fact(facts, "Peers", m.peers); fact(facts, "Address", m.addr);
  fact(facts, "Program", m.client); fact(facts, "System", m.system);
  fact(facts, "Free on its disk", m.free === null ? "" : bytes(m.free));
  fact(facts, "Thrown away", bytes(m.wasted) + ", " + some(m.bad_pieces, "bad piece"));
  fact(facts, "Last error", m.error); fact(facts, "Runs since", time(m.seconds));
  fact(facts, "Heard", m.heard === null ? "never" : time(m.heard) + " ago");
  $("m-facts").replaceChildren(...facts);
  table("m-sources", (m.sources || []).map((s) => [s.kind, s.name, s.state, rate(s.rate), bytes(s.bytes), s.why]), [3, 4]);
  table("m-decisions", (m.decisions || []).map((d) => [d.code, String(d.count)]), [1]);
}
function table(id, lines, numbers) {
  $(id).tBodies[0].replaceChildren(...lines.map((cells) => {
    const row = make("tr");
    row.append(...cells.map((cell, at) => make("td", numbers.includes(at) ? "n" : "", cell)));
    // as a grid on a narrow page it would be no row any more
    row.setAttribute("role", "row");
    for (const cell of row.children) cell.setAttribute("role", "cell");
    return row;
  }));
}

function listen(path, take) {
  const source = new EventSource(path);
  source.onmessage = (event) => { $("link").hidden = true; const told = JSON.parse(event.data); if (told) take(told); };
  source.onerror = () => { $("link").hidden = false; };
}

const one = location.pathname.match(/^\/machine\/(\d+)$/);
if (one) {
  $("one").hidden = false; $("home").hidden = false;
  listen(location.pathname + "/events", drawMachine);
} else {
  $("room").hidden = false;
  for (const id of ["f-name", "f-state", "f-group", "f-sort"]) $(id).addEventListener("input", drawList);
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
    if (event.key === "/" && !typing) { event.preventDefault(); $("f-name").focus(); }
    if (event.key === "Escape" && document.activeElement === $("f-name")) { $("f-name").value = ""; drawList(); }
  });
  window.addEventListener("resize", drawList);
  listen("/events", take);
}
