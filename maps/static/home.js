// The start page: click a position, report, see where it lies and who is nearest.
"use strict";

gridsvc.home = function (map) {
  const area = gridsvc.data("area-data");
  const data = gridsvc.data("home-data");
  const form = document.getElementById("report");
  gridsvc.prepare(map, area);
  gridsvc.townships(map, area);
  gridsvc.closures(map);
  gridsvc.kinds(form, data.kinds);
  gridsvc.paper(map);
  const curl = document.getElementById("curl");
  curl.textContent = curl.textContent.replace("http://127.0.0.1:8000", location.origin);

  const around = L.layerGroup().addTo(map);
  const desk = { map, form, data, around, drawn: L.layerGroup().addTo(map), asked: 0, moved: 0 };
  map.on("moveend", () => gridsvc.neighbourhood(desk));
  map.on("click", (event) => {
    const at = event.latlng.wrap();
    form.lng.value = at.lng.toFixed(6);
    form.lat.value = at.lat.toFixed(6);
    gridsvc.locate(desk);
  });
  for (const field of [form.lng, form.lat]) {
    field.addEventListener("change", () => gridsvc.locate(desk));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    gridsvc.report(desk);
  });
};

// Kinds follow the category, the urgency follows the kind.
gridsvc.kinds = function (form, kinds) {
  const urgency = () => {
    const kind = kinds[form.category.value].find((each) => each.code === form.kind.value);
    form.urgency.value = String(kind.urgency);
  };
  const refill = () => {
    form.kind.replaceChildren(...kinds[form.category.value].map((kind) => {
      const option = gridsvc.element("option", kind.name);
      option.value = kind.code;
      return option;
    }));
    urgency();
  };
  form.category.addEventListener("change", refill);
  form.kind.addEventListener("change", urgency);
  refill();
};

// An answer of the API; what it refuses becomes one Error with all its faults, a line each.
gridsvc.ask = async function (desk, path, options) {
  let response, body;
  try {
    response = await fetch(path + (path.includes("?") ? "&" : "?") + "lang=" + desk.data.lang, options);
    body = await response.json();
  } catch {
    throw new Error(desk.data.words.offline);
  }
  if (response.ok) return body;
  const faults = (body.faults || []).map((fault) => fault.message);
  throw new Error(faults.filter(Boolean).join("\n") || body.detail || body.title);
};

gridsvc.position = function (form) {
  const given = [form.lng.value.trim(), form.lat.value.trim()];
  if (given.includes("")) return null;
  return { lng: Number(given[0]), lat: Number(given[1]) };
};

gridsvc.locate = async function (desk) {
  const at = gridsvc.position(desk.form);
  const line = document.getElementById("place");
  if (!at) return;
  const turn = ++desk.asked;
  desk.drawn.clearLayers();
  if (Number.isFinite(at.lng) && Number.isFinite(at.lat)) gridsvc.mark(desk, at);
  try {
    const placement = await gridsvc.ask(desk, `/api/v1/locate?lng=${at.lng}&lat=${at.lat}`);
    if (turn !== desk.asked) return;
    line.className = "place good";
    line.textContent = gridsvc.placeText(placement, desk.data.words);
    await gridsvc.outline(desk, placement, turn);
  } catch (error) {
    if (turn !== desk.asked) return;
    line.className = "place";
    line.textContent = error.message;
  }
};

gridsvc.mark = function (desk, at) {
  L.circleMarker([at.lat, at.lng], {
    radius: 7, color: "#fff", weight: 2, fillColor: "#c0271d", fillOpacity: 1, interactive: false,
  }).addTo(desk.drawn);
};

// The grid, and the unit inside it, that the position fell into.
gridsvc.outline = async function (desk, placement, turn) {
  for (const [level, code, style] of [
    ["grids", placement.grid, { color: "#1f5fa8", weight: 2, fillColor: "#1f5fa8", fillOpacity: 0.15 }],
    ["units", placement.unit, { color: "#1f5fa8", weight: 1, dashArray: "4 3", fill: false }],
  ]) {
    if (!code) continue;
    const shape = await gridsvc.ask(desk, `/api/v1/${level}?code=${encodeURIComponent(code)}`);
    if (turn !== desk.asked) return;
    const layer = L.geoJSON(shape, { style, interactive: false }).addTo(desk.drawn);
    if (level === "grids" && desk.map.getZoom() < gridsvc.NEAR) {
      desk.map.fitBounds(layer.getBounds().pad(1.2), { maxZoom: 16, animate: false });
    }
  }
  gridsvc.mark(desk, gridsvc.position(desk.form));
};

// From this zoom on the grids in view are drawn, thinly.
gridsvc.NEAR = 13;

gridsvc.neighbourhood = async function (desk) {
  const turn = ++desk.moved;
  desk.around.clearLayers();
  if (desk.map.getZoom() < gridsvc.NEAR) return;
  try {
    const box = desk.map.getBounds().toBBoxString();
    const shapes = await gridsvc.ask(desk, `/api/v1/grids?bbox=${box}&limit=1500`);
    if (turn !== desk.moved) return;
    L.geoJSON(shapes, {
      interactive: false, style: { fill: false, color: "#9aa6b2", weight: 0.8 },
    }).addTo(desk.around);
  } catch {
    // The map is as good without them, and the report does not wait for them.
  }
};

// Names from the township down; what a name repeats of the one above it is said once.
gridsvc.placeText = function (placement, words) {
  const all = [
    placement.township_name, placement.village_name, placement.grid_name || placement.grid,
    placement.unit ? placement.unit_name || placement.unit : "",
  ].filter(Boolean);
  const names = all.map((name, i) =>
    i > 0 && name.length > all[i - 1].length && name.startsWith(all[i - 1])
      ? name.slice(all[i - 1].length) : name).join(" · ");
  if (!placement.outside) return names;
  return words.outside.replace("{}", gridsvc.distance(placement.outside_m, words)) + names;
};

gridsvc.report = async function (desk) {
  const { form } = desk;
  const words = desk.data.words;
  const answer = document.getElementById("answer");
  const at = gridsvc.position(form);
  const button = form.querySelector("button");
  button.disabled = true;
  answer.hidden = false;
  answer.replaceChildren(gridsvc.element("p", at ? words.sending : words.pick));
  try {
    if (!at) return;
    const receipt = await gridsvc.ask(desk, "/api/v1/incidents", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        position: { lng: at.lng, lat: at.lat, source: "map" },
        category: form.category.value,
        kind: form.kind.value,
        urgency: Number(form.urgency.value),
        text: form.text.value,
        drill: form.drill.checked,
      }),
    });
    answer.replaceChildren(...gridsvc.receipt(receipt, words));
    gridsvc.oneMore();
  } catch (error) {
    answer.replaceChildren(...error.message.split("\n").map((line) =>
      gridsvc.element("p", line, "fault")));
  } finally {
    button.disabled = false;
    answer.scrollIntoView({ block: "nearest" });
  }
};

// The figure above counts what has just been taken.
gridsvc.oneMore = function () {
  const figure = document.getElementById("incidents");
  figure.dataset.count = String(Number(figure.dataset.count) + 1);
  figure.textContent = Number(figure.dataset.count).toLocaleString("en");
};

// What came back: number, place, whom to call, who is nearest, who was passed over and why.
gridsvc.receipt = function (receipt, words) {
  const near = receipt.nearest;
  const title = gridsvc.element("h2", words.taken + " ");
  title.append(gridsvc.element("span", receipt.number, "number"));
  const parts = [title];
  if (receipt.placement) {
    parts.push(gridsvc.element("p", gridsvc.placeText(receipt.placement, words)));
  }
  parts.push(...receipt.notes.map((note) => gridsvc.element("p", note, "hint")));
  if (!near) {
    parts.push(gridsvc.element("p", words.unlocated, "fault"));
    return parts.concat(receipt.unplaced.map((reason) => gridsvc.element("p", reason, "fault")));
  }
  parts.push(gridsvc.element("p", near.lay.name, "hint"));
  if (near.hand_over.length) {
    parts.push(gridsvc.element("p", words.hand_over + " " + near.hand_over.join(" · "), "fault"));
  }
  if (near.missing.length) {
    const names = near.missing.map((each) => each.name).join(" · ");
    parts.push(gridsvc.element("p", words.missing + " " + names, "fault"));
  }
  if (receipt.assignments.length) {
    parts.push(gridsvc.element("h3", words.assigned));
    parts.push(gridsvc.assigned(receipt.assignments, words));
  }
  parts.push(gridsvc.element("h3", words.chosen));
  if (near.chosen.length) parts.push(gridsvc.people(near.chosen, words));
  else parts.push(gridsvc.element("p", near.required.length ? words.nobody : words.not_needed));
  if (near.refused.length) {
    const more = gridsvc.element("details");
    more.append(gridsvc.element("summary", words.refused.replace("{}", near.refused.length)));
    more.append(gridsvc.people(near.refused, words));
    parts.push(more);
  }
  return parts;
};

// Who was sent, and how far that is: assigned is not yet told.
gridsvc.assigned = function (assignments, words) {
  const list = gridsvc.element("ul", null, "people");
  for (const one of assignments) {
    const who = gridsvc.element("span", null, "who");
    const name = gridsvc.element("span", one.role_name + " " + one.name + " ");
    if (one.phone) name.append(gridsvc.element("small", one.phone, "phone"));
    const minutes = Math.max(1, Math.round(one.eta_s / 60));
    who.append(name, gridsvc.element("b", words.minutes.replace("{}", minutes)));
    const item = gridsvc.element("li");
    item.append(who);
    const said = [one.state_name, one.capability_name];
    if (one.stand_off) said.push(words.stand_off);
    item.append(gridsvc.element("small", said.join(" · ")));
    list.append(item);
  }
  return list;
};

gridsvc.people = function (people, words) {
  const list = gridsvc.element("ul", null, "people");
  for (const person of people) {
    const who = gridsvc.element("span", null, "who");
    const name = gridsvc.element("span", person.role_name + " " + person.name + " ");
    if (person.phone) name.append(gridsvc.element("small", person.phone, "phone"));
    who.append(name, gridsvc.element("b", gridsvc.distance(person.distance_m, words)));
    const item = gridsvc.element("li");
    item.append(who);
    item.append(gridsvc.element("small", person.reasons.join(" · ")));
    list.append(item);
  }
  return list;
};

gridsvc.distance = function (metres, words) {
  return metres < 999.5
    ? words.metres.replace("{}", Math.round(metres))
    : words.kilometres.replace("{}", (metres / 1000).toFixed(1));
};
