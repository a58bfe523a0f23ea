// The risk page: grids in their colours or the heat surface, and the list that leads to grids.
"use strict";

gridsvc.risk = function (map) {
  const area = gridsvc.data("area-data");
  const data = gridsvc.data("risk-data");
  const heat = gridsvc.data("heat-data");
  gridsvc.prepare(map, area);
  const palette = {};
  for (const name of ["k0", "k1", "k2", "k3", "k4", "k5", "few", "nobody"]) {
    palette[name] = gridsvc.colour(name);
  }
  const main = document.getElementById("risk");
  const surface = L.imageOverlay(heat.url, heat.bounds, { className: "heat" });
  const asked = () => document.querySelector(".switch input:checked").value;
  main.classList.toggle("surface", asked() === "surface");
  const grids = gridsvc.grids(map, data.grids, {
    fill: (about) => palette[about.k !== undefined ? "k" + about.k : about.x ? "nobody" : "few"],
    bare: () => main.classList.contains("surface"),
    tip: (about) => gridsvc.riskTip(about, area, data),
  });
  gridsvc.townships(map, area);
  gridsvc.leads(document.querySelector(".side"), grids);
  gridsvc.switched((view) => {
    const before = main.classList.contains("surface");
    main.classList.toggle("surface", view === "surface");
    if (view === "surface") surface.addTo(map);
    else surface.remove();
    if (before !== (view === "surface")) grids.paint();
  });
  gridsvc.paper(map);
};

gridsvc.riskTip = function (about, area, data) {
  const { words } = data;
  if (about.k === undefined) {
    return gridsvc.gridTip(about, area, data, [], about.x ? words.nobody : words.few);
  }
  return gridsvc.gridTip(about, area, data, [
    [words.count, about.i], [words.weighted, about.w], [words.raw, about.q], [words.rate, about.r],
  ]);
};
