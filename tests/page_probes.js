// What the browser tests ask of a page; see tests/browser.py.
({
  // Pixels of the map's canvases that are not transparent, counted by colour, once it is painted.
  async pixels() {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    const counts = {};
    for (const canvas of document.querySelectorAll(".leaflet-overlay-pane canvas")) {
      // Read from a copy: a canvas that is read twice says so on the console.
      const copy = document.createElement("canvas");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      const pen = copy.getContext("2d", { willReadFrequently: true });
      pen.drawImage(canvas, 0, 0);
      const data = pen.getImageData(0, 0, copy.width, copy.height).data;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 255) continue;
        const key = [data[i], data[i + 1], data[i + 2]].join();
        counts[key] = (counts[key] || 0) + 1;
      }
    }
    return counts;
  },

  // How many of the visible elements under these selectors lie on another one.
  overlaps(selectors) {
    const boxes = selectors.flatMap((selector) => [...document.querySelectorAll(selector)])
      .filter((element) => !element.classList.contains("hidden"))
      .map((element) => element.getBoundingClientRect());
    const hit = (a, b) =>
      a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return boxes.filter((a, i) => boxes.some((b, j) => j > i && hit(a, b))).length;
  },

  // Words of selects that are wider than their box lets them be read: every option of each.
  cutOff() {
    const pen = document.createElement("canvas").getContext("2d");
    const cut = [];
    for (const select of document.querySelectorAll("select")) {
      const style = getComputedStyle(select);
      pen.font = style.font;
      const arrow = 20;
      const room = select.clientWidth - parseFloat(style.paddingLeft) -
        parseFloat(style.paddingRight) - arrow;
      for (const option of select.options) {
        if (pen.measureText(option.text).width > room) cut.push(option.text);
      }
    }
    return cut;
  },

  // A colour of our styles, as `pixels` names it.
  variable(name) {
    const hex = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).join();
  },

  // Words under this selector that do not fit into their own box.
  clipped(selector) {
    return [...document.querySelectorAll(selector)]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.textContent.trim());
  },

  // The middle, on the screen, of the pixels of a picture (PNG, base64) within 30 of a colour.
  async middle([picture, [red, green, blue]]) {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [image.width, image.height];
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, copy.width, copy.height);
    let [x, y, count] = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const off = Math.max(
        Math.abs(data[i] - red), Math.abs(data[i + 1] - green), Math.abs(data[i + 2] - blue));
      if (off > 30) continue;
      x += (i / 4) % copy.width;
      y += Math.floor(i / 4 / copy.width);
      count += 1;
    }
    return [x / count, y / count, count];
  },

  // Whether the page is wider than its window.
  tooWide() {
    return document.documentElement.scrollWidth > innerWidth;
  },

  // Where a position (lng, lat) of the page's map is on the screen.
  onScreen([lng, lat]) {
    const map = window[document.querySelector(".folium-map").id];
    const point = map.latLngToContainerPoint([lat, lng]);
    const box = map.getContainer().getBoundingClientRect();
    return [box.left + point.x, box.top + point.y];
  },
})
