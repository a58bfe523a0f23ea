// The coverage page: grids by band, now or nominal, and the list of those that nobody reaches.
"use strict";

gridsvc.FIRST_ROWS = 50;
gridsvc.MORE_ROWS = 500;

gridsvc.coverage = function (map) {
  const area = gridsvc.data("area-data");
  const data = gridsvc.data("coverage-data");
  gridsvc.prepare(map, area);
  const palette = [0, 1, 2, 3].map((band) => gridsvc.colour("b" + band));
  const inputs = [...document.querySelectorAll(".switch input")];
  let state = inputs.findIndex((each) => each.checked);
  const fill = (about) => {
    const seconds = about.s[state];
    const band = data.limits.findIndex((limit) => seconds !== null && seconds <= limit);
    return palette[band < 0 ? data.limits.length : band];
  };
  const tip = (about) => gridsvc.gridTip(about, area, data, data.states.map(([, name], i) =>
    [name, gridsvc.arrival(about, i, data)]));
  const grids = gridsvc.grids(map, data.grids, { fill, tip, bare: () => false });
  gridsvc.townships(map, area);
  gridsvc.closures(map);
  gridsvc.leads(document.querySelector(".side"), grids);
  gridsvc.switched((value) => {
    const before = state;
    state = data.states.findIndex(([name]) => name === value);
    if (state !== before) grids.paint();
    gridsvc.uncovered(area, data, state);
  });
  gridsvc.paper(map);
};

// How soon the first is there, and what they are.
gridsvc.arrival = function (about, state, data) {
  const time = gridsvc.minutes(about.s[state], data.words);
  return about.s[state] === null ? time : time + " · " + data.roles[about.r[state]];
};

// An estimate is not known to the second: in the list whole minutes, rounded up.
gridsvc.about = function (seconds, words) {
  return seconds === null ? words.nobody : words.about.replace("{m}", Math.ceil(seconds / 60));
};

gridsvc.minutes = function (seconds, words) {
  if (seconds === null) return words.nobody;
  const minutes = String(Math.floor(seconds / 60));
  return words.time.replace("{m}", minutes).replace("{s}", String(seconds % 60).padStart(2, "0"));
};

// The grids beyond the limit, the worst first; the first rows at once, the others when asked for.
gridsvc.uncovered = function (area, data, state) {
  const list = document.getElementById("uncovered");
  const more = document.getElementById("more");
  const none = document.getElementById("none");
  const soon = (about) => (about.s[state] === null ? Infinity : about.s[state]);
  const beyond = data.grids.features
    .map((feature, place) => ({ about: feature.properties, place }))
    .filter(({ about }) => soon(about) > data.limit);
  // Infinity less itself is no number: those that nobody reaches at all are alike.
  beyond.sort((a, b) => soon(b.about) - soon(a.about) || a.place - b.place);
  const row = ({ about, place }, i) => {
    const item = gridsvc.element("li");
    const button = gridsvc.element("button");
    button.type = "button";
    button.dataset.place = place;
    const who = gridsvc.element("span", null, "who");
    who.append(
      gridsvc.element("span", about.n || about.c, "name"),
      gridsvc.element("span", gridsvc.where(about, area, data), "where"),
    );
    button.append(
      gridsvc.element("b", String(i + 1)), who,
      gridsvc.element("span", gridsvc.about(about.s[state], data.words), "value"),
    );
    item.append(button);
    return item;
  };
  const fillTo = (count) => {
    const from = list.children.length;
    list.append(...beyond.slice(from, count).map((each, i) => row(each, from + i)));
    const left = Math.min(gridsvc.MORE_ROWS, beyond.length - list.children.length);
    more.hidden = left <= 0;
    more.textContent = data.words.more.replace("{n}", left);
  };
  list.replaceChildren();
  fillTo(gridsvc.FIRST_ROWS);
  more.onclick = () => fillTo(list.children.length + gridsvc.MORE_ROWS);
  none.hidden = beyond.length > 0;
  none.textContent = data.words.none;
  document.getElementById("beyond").textContent =
    data.words.beyond.replace("{n}", beyond.length.toLocaleString("en"));
};
