// The grids of a county page: in their colours, a tip under the pointer, one brought into view.
"use strict";

// look.fill(about) is the colour of a grid, look.bare() whether the grids are seen through,
// look.tip(about) what is said of one.
gridsvc.grids = function (map, collection, look) {
  const renderer = L.canvas({ padding: 0.2 });
  // From afar a grid is a few pixels: its own colour closes the seams. Near, it gets a line.
  const near = () => map.getZoom() >= 12.5;
  const style = (feature) => {
    const fillColor = look.fill(feature.properties);
    const bare = look.bare();
    return {
      fillColor,
      fillOpacity: bare ? 0 : 1,
      color: near() ? "#8a97a3" : fillColor,
      weight: near() ? 0.8 : 0.7,
      opacity: bare && !near() ? 0 : 1,
    };
  };
  const layers = [];
  const grids = L.geoJSON(collection, {
    renderer,
    smoothFactor: 0,
    style,
    onEachFeature: (feature, layer) => layers.push(layer),
  }).addTo(map);
  const tip = (layer) => look.tip(layer.feature.properties);
  grids.bindTooltip(tip, { sticky: true, direction: "auto", opacity: 0.97 });
  let drawnNear = near();
  map.on("zoomend", () => {
    if (near() !== drawnNear) {
      drawnNear = near();
      grids.setStyle(style);
    }
  });

  let marked = null;
  const pinned = L.tooltip({ direction: "top", opacity: 0.97 });
  const show = (place) => {
    const layer = layers[place];
    if (marked) map.removeLayer(marked);
    map.fitBounds(layer.getBounds(), { maxZoom: 14.5, padding: [80, 80], animate: false });
    marked = L.polygon(layer.getLatLngs(), {
      renderer, interactive: false, fill: false, color: "#0b3d91", weight: 3, smoothFactor: 0,
    }).addTo(map);
    const top = L.latLng(layer.getBounds().getNorth(), layer.getBounds().getCenter().lng);
    pinned.setLatLng(top).setContent(tip(layer)).openOn(map);
  };
  const unpin = () => map.closeTooltip(pinned);
  map.on("click zoomstart", unpin);
  grids.on("mouseover", unpin);
  return { show, paint: () => grids.setStyle(style) };
};

// Name, place and code of a grid, then its figures as rows of a table, or a sentence.
gridsvc.gridTip = function (about, area, data, rows, sentence) {
  const box = gridsvc.element("div", null, "tip");
  box.append(gridsvc.element("b", about.n || about.c));
  box.append(gridsvc.element("div", gridsvc.where(about, area, data), "soft"));
  box.append(gridsvc.element("div", data.words.code + " " + about.c, "soft"));
  if (sentence) box.append(gridsvc.element("div", sentence));
  const table = gridsvc.element("table");
  for (const [name, value] of rows) {
    const row = gridsvc.element("tr");
    row.append(gridsvc.element("td", name), gridsvc.element("td", value));
    table.append(row);
  }
  box.append(table);
  return box;
};

// Township and village of a grid.
gridsvc.where = function (about, area, data) {
  const township = about.t < 0 ? "" : area.townships[about.t].n + " · ";
  return township + data.villages[about.v];
};

// The buttons of the list under `list` lead to their grids.
gridsvc.leads = function (list, grids) {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-place]");
    if (!button) return;
    list.querySelectorAll("button.chosen").forEach((each) => each.classList.remove("chosen"));
    button.classList.add("chosen");
    grids.show(Number(button.dataset.place));
  });
};

// The switch over the map: change(value) at the start and each time; the address and the link to
// the other language keep the choice.
gridsvc.switched = function (change) {
  const inputs = [...document.querySelectorAll(".switch input")];
  const other = document.getElementById("other-language");
  const turn = () => {
    const { name, value } = inputs.find((each) => each.checked);
    change(value);
    if (!other) return;
    for (const [address, keep] of [
      [new URL(location.href), (url) => history.replaceState(null, "", url)],
      [new URL(other.href), (url) => { other.href = url; }],
    ]) {
      if ((address.searchParams.get(name) || inputs[0].value) === value) continue;
      address.searchParams.set(name, value);
      keep(address);
    }
  };
  inputs.forEach((input) => input.addEventListener("change", turn));
  turn();
};
