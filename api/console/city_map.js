// The city on a canvas, without tiles: water, roads, ward names, and one mark per device.
//
// Colour and shape say the state, the pictogram says the kind. Python sends only what changed; positions
// and names once. Leaflet does panning, hit testing and touch.
import { leaflet as L } from "nicegui-leaflet";
import { loadResource } from "../../static/utils/resources.js";

const NAMES_FROM_ZOOM = { rivers: 11, canals: 13.5, wards: 13, roads: 14.5 };
const RIVER_DEGREES = 0.12; // how far a water reaches to be named from afar
const PICTOGRAMS_FROM_ZOOM = 13;
const RANK = ["ok", "silent", "offline", "low", "medium", "high", "critical"];

// Outlines around (0, 0) with radius 1, one for each state: no two alike without colour.
const OUTLINES = {
  critical: polygon(8, Math.PI / 8, 1.15),
  high: polygon(3, -Math.PI / 2, 1.45),
  medium: polygon(4, 0, 1.3),
  low: polygon(4, Math.PI / 4, 1.2),
};

function polygon(corners, turn, radius) {
  return Array.from({ length: corners }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / corners;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

function trace(ctx, x, y, r, state) {
  ctx.beginPath();
  const outline = OUTLINES[state];
  if (!outline) {
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    return;
  }
  outline.forEach(([dx, dy], i) => ctx[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
  ctx.closePath();
}

L.Canvas.include({
  _drawDevice(mark) {
    if (!this._drawing || mark._empty()) return;
    const ctx = this._ctx;
    const { x, y } = mark._point;
    const { state, colour, glyph, chosen, detailed } = mark.options;
    const r = mark._radius;
    const hollow = state === "offline" || state === "silent";
    ctx.save();
    trace(ctx, x, y, r, state);
    ctx.fillStyle = hollow ? "#0d141c" : colour;
    ctx.fill();
    ctx.lineWidth = hollow ? 1.8 : 1;
    ctx.strokeStyle = hollow ? colour : "rgba(0,0,0,0.65)";
    if (state === "silent") ctx.setLineDash([2, 2]);
    ctx.stroke();
    ctx.setLineDash([]);
    if (state === "offline") {
      ctx.beginPath();
      ctx.moveTo(x - r * 0.7, y + r * 0.7);
      ctx.lineTo(x + r * 0.7, y - r * 0.7);
      ctx.stroke();
    }
    if (detailed) {
      ctx.font = `${Math.round(r * 1.35)}px "Material Icons"`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillStyle = hollow ? colour : "#0b1016";
      ctx.fillText(glyph, x, y + (state === "high" ? r * 0.22 : 0));
    }
    if (chosen) {
      ctx.beginPath();
      ctx.arc(x, y, r + 6, 0, 2 * Math.PI);
      ctx.lineWidth = 2.5;
      ctx.strokeStyle = "#ffffff";
      ctx.stroke();
    }
    ctx.restore();
  },
});

const Mark = L.CircleMarker.extend({
  _updatePath() {
    this._renderer._drawDevice(this);
  },
});

export default {
  template: `<div class="city-map" role="application" :aria-label="texts.map_label"></div>`,
  props: {
    texts: Object,
    centre: Array,
    bounds: Array,
    basemap: Object,
    glyphs: Object,
    colours: Object,
    resourcePath: String,
  },
  async mounted() {
    this.marks = new Map();
    this.waiting = [];
    this.hidden = new Set();
    await this.$nextTick();
    await loadResource(window.path_prefix + `${this.resourcePath}/leaflet/leaflet.css`);
    // Pictograms are letters of a font: draw when it is there.
    await document.fonts.load('14px "Material Icons"').catch(() => {});
    this.draw();
    this.ready = true;
    this.waiting.splice(0).forEach((call) => call());
    this.observer = new ResizeObserver(() => this.map.invalidateSize());
    this.observer.observe(this.$el);
  },
  beforeUnmount() {
    this.observer?.disconnect();
    this.map?.remove();
  },
  methods: {
    draw() {
      this.map = L.map(this.$el, {
        center: this.centre,
        zoom: 12,
        minZoom: 9,
        maxZoom: 18,
        zoomSnap: 0.5,
        preferCanvas: true,
        zoomControl: false,
        attributionControl: false,
        maxBounds: L.latLngBounds(this.bounds).pad(0.3),
      });
      L.control
        .zoom({ zoomInTitle: this.texts.zoom_in, zoomOutTitle: this.texts.zoom_out })
        .addTo(this.map);
      L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.map);
      const note = L.control.attribution({ prefix: false, position: "bottomright" });
      note.addAttribution(this.texts.map_note).addTo(this.map);
      this.drawBasemap();
      const pane = this.map.createPane("devices");
      pane.style.zIndex = 450;
      this.renderer = L.canvas({ pane: "devices", tolerance: 6, padding: 0.3 });
      this.map.on("zoomend", () => this.rescale());
    },
    drawBasemap() {
      const base = L.canvas({ padding: 0.5 });
      const common = { renderer: base, interactive: false, smoothFactor: 1.2, lineJoin: "round" };
      this.lines = [];
      for (const [kind, width, color] of [
        ["water", 5, "#1b3a52"],
        ["roads", 1.4, "#2d3a49"],
      ]) {
        for (const { points } of this.basemap[kind]) {
          const line = L.polyline(points, { ...common, color, weight: width }).addTo(this.map);
          this.lines.push([line, width]);
        }
      }
      const middle = ({ name, points }) => [name, points[Math.floor(points.length / 2)]];
      const long = ({ points: [first, ...rest] }) => {
        const last = rest[rest.length - 1];
        return Math.hypot(last[0] - first[0], last[1] - first[1]) >= RIVER_DEGREES;
      };
      this.map.createPane("names").style.zIndex = 420; // under the devices
      this.names = {
        rivers: this.nameLayer("water-name", this.basemap.water.filter(long).map(middle)),
        canals: this.nameLayer("water-name", this.basemap.water.filter((w) => !long(w)).map(middle)),
        roads: this.nameLayer("road-name", this.basemap.roads.map(middle)),
        wards: this.nameLayer(
          "ward-name",
          this.basemap.wards.map(({ name, lat, lon }) => [name, [lat, lon]]),
        ),
      };
      this.showNames();
    },
    nameLayer(className, places) {
      const layer = L.layerGroup();
      for (const [name, place] of places) {
        const text = document.createElement("span");
        text.textContent = name;
        const icon = L.divIcon({ className, html: text, iconSize: [0, 0] });
        const options = { icon, pane: "names", interactive: false, keyboard: false };
        L.marker(place, options).addTo(layer);
      }
      return layer;
    },
    showNames() {
      for (const [kind, layer] of Object.entries(this.names)) {
        const wanted = this.map.getZoom() >= NAMES_FROM_ZOOM[kind];
        if (wanted !== this.map.hasLayer(layer)) wanted ? layer.addTo(this.map) : layer.remove();
      }
    },
    rescale() {
      const grow = Math.pow(1.35, Math.max(0, this.map.getZoom() - 12));
      for (const [line, width] of this.lines) line.setStyle({ weight: width * grow });
      this.showNames();
      for (const mark of this.marks.values()) this.dress(mark);
    },
    // [[id, lat, lon, kind, state, title, lines], …]: new devices, and those that changed.
    put(devices) {
      if (!this.ready) {
        this.waiting.push(() => this.put(devices));
        return;
      }
      for (const [id, lat, lon, kind, state, title, note] of devices) {
        let mark = this.marks.get(id);
        if (!mark) {
          mark = new Mark([lat, lon], { renderer: this.renderer, pane: "devices" });
          mark.on("click", () => this.$emit("choose", { device: id }));
          mark.bindTooltip(() => this.tooltip(mark), { direction: "top", offset: [0, -8] });
          this.marks.set(id, mark);
        }
        Object.assign(mark.options, { id, kind, state, title, note });
        this.dress(mark);
        this.place(mark);
      }
      this.raise();
    },
    tooltip(mark) {
      const box = document.createElement("div");
      for (const [tag, text] of [
        ["strong", mark.options.title],
        ["div", mark.options.note],
      ]) {
        box.appendChild(document.createElement(tag)).textContent = text;
      }
      return box;
    },
    dress(mark) {
      const { state, kind, id } = mark.options;
      const zoom = this.map.getZoom();
      const alarming = RANK.indexOf(state) >= RANK.indexOf("low");
      const detailed = alarming || zoom >= PICTOGRAMS_FROM_ZOOM || id === this.chosen;
      const radius = (alarming ? 9 : detailed ? 8 : 4) + Math.max(0, zoom - 13) * 0.8;
      mark.setRadius(radius);
      mark.setStyle({
        colour: this.colours[state],
        glyph: this.glyphs[kind],
        chosen: id === this.chosen,
        detailed,
      });
    },
    place(mark) {
      const wanted = !this.hidden.has(mark.options.kind);
      if (wanted !== this.map.hasLayer(mark)) wanted ? mark.addTo(this.map) : mark.remove();
    },
    raise() {
      // What alarms most lies on top.
      for (const state of RANK.slice(1)) {
        for (const mark of this.marks.values()) {
          if (mark.options.state === state && this.map.hasLayer(mark)) mark.bringToFront();
        }
      }
      const chosen = this.marks.get(this.chosen);
      if (chosen && this.map.hasLayer(chosen)) chosen.bringToFront();
    },
    hide(kinds) {
      if (!this.ready) {
        this.waiting.push(() => this.hide(kinds));
        return;
      }
      this.hidden = new Set(kinds);
      for (const mark of this.marks.values()) this.place(mark);
      this.raise();
    },
    choose(id, travel) {
      if (!this.ready) {
        this.waiting.push(() => this.choose(id, travel));
        return;
      }
      const before = this.marks.get(this.chosen);
      this.chosen = id;
      const mark = this.marks.get(id);
      for (const each of [before, mark]) if (each) this.dress(each);
      this.raise();
      if (mark && travel) {
        this.map.setView(mark.getLatLng(), Math.max(this.map.getZoom(), 14), { animate: false });
      }
    },
  },
};
