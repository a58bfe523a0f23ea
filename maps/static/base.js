// What the pages share. Names of places are only ever put in as text, never as markup.
"use strict";

var gridsvc = {};

gridsvc.data = function (id) {
  return JSON.parse(document.getElementById(id).textContent);
};

gridsvc.element = function (tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
};

gridsvc.colour = function (name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
};

// Scale bar and no advertisement; the whole county in view, on the base map where there is one.
gridsvc.prepare = function (map, area) {
  map.attributionControl.setPrefix(false);
  if (area.tiles) {
    // Leaflet takes the attribution as markup; whose map it is comes from a setting, as text.
    const attribution = gridsvc.element("span", area.tiles.by).innerHTML;
    L.tileLayer(area.tiles.url, { attribution, maxZoom: map.getMaxZoom() }).addTo(map);
    map.getPane("overlayPane").style.opacity = gridsvc.OVER_TILES;
  }
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  map.fitBounds(area.bounds, { padding: [12, 12], animate: false });
};

gridsvc.OVER_TILES = 0.7;

// Outlines and names of the townships, above everything else and deaf to the pointer.
gridsvc.townships = function (map, area) {
  const pane = map.createPane("townships");
  pane.style.zIndex = 450;
  pane.style.pointerEvents = "none";
  const renderer = L.canvas({ pane: "townships", padding: 0.2 });
  const features = area.townships.map((each) => ({
    type: "Feature", properties: {}, geometry: each.g,
  }));
  L.geoJSON({ type: "FeatureCollection", features }, {
    pane: "townships",
    renderer,
    interactive: false,
    smoothFactor: 0,
    style: { fill: false, color: "#2b3947", weight: 1.4, opacity: 0.85 },
  }).addTo(map);
  const labels = area.townships.map((each) =>
    L.tooltip({
      permanent: true, direction: "center", className: "township", interactive: false, opacity: 1,
    }).setLatLng(each.at).setContent(gridsvc.label(each.n)).addTo(map));
  const spread = () => gridsvc.spread(labels);
  map.on("zoomend viewreset resize", spread);
  spread();
};

// Roads that are closed, dashed in red, with the reason under the pointer.
gridsvc.closures = function (map) {
  const closed = gridsvc.data("closure-data");
  if (!closed.features.length) return;
  const pane = map.createPane("closures");
  pane.style.zIndex = 460;
  const renderer = L.svg({ pane: "closures" });
  const line = { pane: "closures", renderer, color: "#c0271d", fill: false };
  L.geoJSON(closed, {
    ...line, interactive: false, style: { ...line, color: "#fff", weight: 7, opacity: 0.9 },
  }).addTo(map);
  L.geoJSON(closed, {
    ...line,
    style: { ...line, weight: 4, dashArray: "9 6", lineCap: "butt", className: "closure" },
    onEachFeature: (feature, layer) => {
      const label = gridsvc.element("div", null, "closed");
      feature.properties.lines.forEach((each) => label.append(gridsvc.element("div", each)));
      layer.bindTooltip(label, { sticky: true });
    },
  }).addTo(map);
};

// A long name in two lines.
gridsvc.label = function (name) {
  const box = gridsvc.element("span");
  if (/^[\u4e00-\u9fff]{7,}$/.test(name)) {
    const half = Math.ceil(name.length / 2);
    box.append(name.slice(0, half), gridsvc.element("br"), name.slice(half));
  } else {
    box.textContent = name;
  }
  return box;
};

// Of labels that would lie on each other the later one waits until the map is nearer.
gridsvc.spread = function (labels) {
  const taken = [];
  for (const label of labels) {
    const element = label.getElement();
    const box = element.getBoundingClientRect();
    const hit = taken.some((other) =>
      box.left < other.right && other.left < box.right &&
      box.top < other.bottom && other.top < box.bottom);
    element.classList.toggle("hidden", hit);
    if (!hit) taken.push(box);
  }
};

// On paper: give the page its paper size first, then fit the map to it; and back again.
gridsvc.paper = function (map) {
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = [map.getCenter(), map.getZoom()];
    const seen = map.getBounds();
    document.documentElement.classList.add("paper");
    map.invalidateSize({ animate: false });
    map.fitBounds(seen, { animate: false });
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("paper");
    map.invalidateSize({ animate: false });
    if (before) map.setView(...before, { animate: false });
  });
};
