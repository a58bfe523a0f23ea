// The risk page: grids in their colours, a figure under the pointer, the list that leads to them.
"use strict";

gridsvc.risk = function (map) {
  const area = gridsvc.data("area-data");
  const data = gridsvc.data("risk-data");
  gridsvc.prepare(map, area);
  const palette = {};
  for (const name of ["k0", "k1", "k2", "k3", "k4", "k5", "few", "nobody"]) {
    palette[name] = gridsvc.colour(name);
  }
  const renderer = L.canvas({ padding: 0.2 });
  const fill = (about) =>
    palette[about.k !== undefined ? "k" + about.k : about.x ? "nobody" : "few"];
  // From afar a grid is a few pixels: its own colour closes the seams. Near, it gets a line.
  const near = () => map.getZoom() >= 12.5;
  const style = (feature) => ({
    fillColor: fill(feature.properties),
    fillOpacity: 1,
    color: near() ? "#8a97a3" : fill(feature.properties),
    weight: near() ? 0.8 : 0.7,
  });
  const layers = [];
  const grids = L.geoJSON(data.grids, {
    renderer,
    smoothFactor: 0,
    style,
    onEachFeature: (feature, layer) => layers.push(layer),
  }).addTo(map);
  const tip = (layer) => gridsvc.riskTip(layer.feature.properties, area, data);
  grids.bindTooltip(tip, { sticky: true, direction: "auto", opacity: 0.97 });
  let drawnNear = near();
  map.on("zoomend", () => {
    if (near() !== drawnNear) {
      drawnNear = near();
      grids.setStyle(style);
    }
  });
  gridsvc.townships(map, area);
  gridsvc.riskTop(map, layers, grids, tip);
  gridsvc.paper(map);
};

gridsvc.riskTip = function (about, area, data) {
  const words = data.words;
  const box = gridsvc.element("div", null, "tip");
  box.append(gridsvc.element("b", about.n || about.c));
  const township = about.t < 0 ? "" : area.townships[about.t].n + " · ";
  box.append(gridsvc.element("div", township + data.villages[about.v], "soft"));
  box.append(gridsvc.element("div", words.code + " " + about.c, "soft"));
  if (about.k === undefined) {
    box.append(gridsvc.element("div", about.x ? words.nobody : words.few));
    return box;
  }
  const table = gridsvc.element("table");
  for (const [name, value] of [
    [words.count, about.i], [words.weighted, about.w], [words.raw, about.q], [words.rate, about.r],
  ]) {
    const row = gridsvc.element("tr");
    row.append(gridsvc.element("td", name), gridsvc.element("td", value));
    table.append(row);
  }
  box.append(table);
  return box;
};

gridsvc.riskTop = function (map, layers, grids, tip) {
  let marked = null;
  const pinned = L.tooltip({ direction: "top", opacity: 0.97 });
  const buttons = document.querySelectorAll(".top button");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const layer = layers[Number(button.dataset.place)];
      buttons.forEach((each) => each.classList.toggle("chosen", each === button));
      if (marked) map.removeLayer(marked);
      map.fitBounds(layer.getBounds(), { maxZoom: 14.5, padding: [80, 80], animate: false });
      marked = L.polygon(layer.getLatLngs(), {
        renderer: layer.options.renderer,
        interactive: false, fill: false, color: "#0b3d91", weight: 3, smoothFactor: 0,
      }).addTo(map);
      const top = L.latLng(layer.getBounds().getNorth(), layer.getBounds().getCenter().lng);
      pinned.setLatLng(top).setContent(tip(layer)).openOn(map);
    });
  }
  const unpin = () => map.closeTooltip(pinned);
  map.on("click zoomstart", unpin);
  grids.on("mouseover", unpin);
};
