// The page of an alert: what changes is fetched anew when the stream tells of it.
"use strict";

gridsvc.ALERT_PARTS = ["figures", "gaps", "villages", "waiting", "waiting-total", "legend", "as-of", "until"];
gridsvc.ALERT_WAIT_MS = 2000;
gridsvc.ALERT_POLL_MS = 60000;

gridsvc.alert = function (map) {
  const area = gridsvc.data("area-data");
  const shapes = gridsvc.data("alert-shapes");
  gridsvc.prepare(map, area);
  let states = gridsvc.data("alert-states").states;
  shapes.areas.features.forEach((feature, place) => { feature.properties.i = place; });
  const style = (feature) => ({
    color: "#ffffff", weight: 0.6, opacity: 0.9, fillOpacity: 1,
    fillColor: gridsvc.colour("s-" + states[feature.properties.i]),
  });
  const names = () => [...document.querySelectorAll("#legend tr")].reduce((found, row) => {
    found[row.querySelector("i").className.replace("swatch s-", "")] = row.cells[1].textContent;
    return found;
  }, {});
  const areas = L.geoJSON(shapes.areas, { style, smoothFactor: 0.5 }).addTo(map);
  areas.bindTooltip((layer) => {
    const about = layer.feature.properties;
    const box = gridsvc.element("span");
    box.append(
      gridsvc.element("b", about.n), gridsvc.element("br"),
      about.w + " " + about.c, gridsvc.element("br"), names()[states[about.i]],
    );
    return box;
  }, { sticky: true });
  const edge = L.geoJSON({ type: "Feature", properties: {}, geometry: shapes.polygon }, {
    interactive: false,
    style: { fill: false, color: "#1d2733", weight: 3, dashArray: "8 5" },
  }).addTo(map);
  gridsvc.townships(map, area);
  const whole = areas.getLayers().length ? areas.getBounds().extend(edge.getBounds()) : edge.getBounds();
  map.fitBounds(whole, { padding: [24, 24], animate: false });
  gridsvc.paper(map);
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details")) each.open = true;
  });
  gridsvc.follow(shapes.id, (page) => {
    states = JSON.parse(page.getElementById("alert-states").textContent).states;
    areas.setStyle(style);
  });
};

// Take the parts that change out of the page as it is now; the map stays where it is.
gridsvc.follow = function (id, painted) {
  let due = null;
  const renew = async () => {
    due = null;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("details")].map((each) => each.open);
      for (const part of gridsvc.ALERT_PARTS) {
        const [here, there] = [document.getElementById(part), page.getElementById(part)];
        if (here && there) here.replaceWith(document.adoptNode(there));
      }
      document.querySelectorAll("details").forEach((each, i) => { each.open = open[i] || each.open; });
      painted(page);
    } catch {
      // No server for a moment: the stream comes back by itself, and the next minute asks again.
    }
  };
  const soon = () => { if (due === null) due = setTimeout(renew, gridsvc.ALERT_WAIT_MS); };
  const source = new EventSource("/api/v1/stream?name=alert_calls_recorded&name=alert_ended");
  for (const name of ["alert_calls_recorded", "alert_ended"]) {
    source.addEventListener(name, (told) => { if (JSON.parse(told.data).alert === id) soon(); });
  }
  setInterval(soon, gridsvc.ALERT_POLL_MS);
};
