// Elements, scales, and a plot of lines with a cursor for pointer and keyboard. Texts become text
// nodes, never markup.

function element(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

// --- Scales: at(value) is a place, from(place) a value. ---

function linearScale(low, high, start, end) {
  const factor = (end - start) / (high - low || 1);
  return {
    low, high,
    at: (value) => start + (value - low) * factor,
    from: (place) => low + (place - start) / factor,
  };
}

function logScale(low, high, start, end) {
  const inner = linearScale(Math.log(low), Math.log(high), start, end);
  return {
    low, high,
    at: (value) => inner.at(Math.log(value)),
    from: (place) => Math.exp(inner.from(place)),
  };
}

// About `count` round values from `low` to `high`, one step apart.
function roundSteps(low, high, count) {
  const rough = (high - low) / Math.max(count, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const steps = [];
  const first = Math.ceil(low / step - 1e-9) || 0;
  for (let i = first; i * step <= high * (1 + 1e-9); ++i) steps.push(i * step);
  return steps;
}

// Times on a log scale: powers of ten, and what is between them where there is room.
function logSteps(low, high, length) {
  const perDecade = length / Math.log10(high / low);
  const factors = perDecade > 350 ? [1, 1.5, 2, 3, 5, 7] :
    perDecade > 110 ? [1, 2, 5] : perDecade > 60 ? [1, 3] : [1];
  const every = perDecade < 22 ? 2 : 1;
  const steps = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) steps.push(value);
    }
  }
  return steps;
}

const TIME_STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200,
];

function clockSteps(high, count) {
  const step = TIME_STEPS.find((candidate) => high / candidate <= count) ||
      Math.ceil(high / count / 86400) * 86400;
  return Array.from({length: Math.floor(high / step + 1e-9) + 1}, (_, i) => i * step);
}

// Bounds of a log scale that holds `values` with some air, at least a factor of four apart.
function logBounds(values) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return [1e-4, 1];
  let low = Math.min(...positive) / 1.25;
  let high = Math.max(...positive) * 1.25;
  if (high / low < 4) {
    const middle = Math.sqrt(low * high);
    [low, high] = [middle / 2, middle * 2];
  }
  return [low, high];
}

// --- Lines. ---

function linePath(points, x, y) {
  let path = "";
  let isDrawing = false;
  for (const point of points) {
    if (point === null || !Number.isFinite(point.y)) {
      isDrawing = false;
      continue;
    }
    path += (isDrawing ? "L" : "M") + x.at(point.x).toFixed(1) + " " + y.at(point.y).toFixed(1);
    isDrawing = true;
  }
  return path;
}

// A point with nothing on either side, which a line would not show.
function lonePoints(points) {
  const has = (i) => Boolean(points[i]) && Number.isFinite(points[i].y);
  return points.filter((point, i) => has(i) && !has(i - 1) && !has(i + 1));
}

// Draws into `box`, again whenever its width changes. `make(width)` returns what is to be drawn:
//   height, label       the height in pixels, what a screen reader calls the plot
//   x(start, end), y(start, end)      scales
//   xSteps, ySteps, xText, yText      functions of the scale's length, and of a value
//   xTitle, yTitle
//   bands               [{from, to, kind, name}] along x; names only if `showsBandNames`
//   rules               [{y, key, text}]: dashed levels
//   lines               [{key, color, dash, kind, points}]
//   stops               ascending x values that the cursor stops at
//   readout(stop)       {title, rows: [{key, color, name, text, y}]}
// Plots with the same `group` (an array) move their cursors together.
function drawPlot(box, make, group) {
  const tip = element("div", {class: "tip", "aria-live": "polite"});
  const self = {clear: () => {}, mark: () => {}};
  if (group) group.push(self);
  let drawnWidth = 0;

  function draw() {
    const width = Math.round(box.clientWidth);
    if (width === 0 || width === drawnWidth) return;
    drawnWidth = width;
    const plot = make(width);
    const area = {left: 58, right: width - 14, top: 24, bottom: plot.height - 38};
    const x = plot.x(area.left, area.right);
    const y = plot.y(area.bottom, area.top);
    const cursor = shape("g", {class: "cursor"});
    const svg = shape("svg", {
      viewBox: `0 0 ${width} ${plot.height}`, tabindex: 0, role: "img",
      "aria-label": plot.label + ". Arrow keys read the values.",
    }, drawBands(plot, x, area), drawAxes(plot, x, y, area), drawRules(plot, y, area),
    drawLines(plot, x, y), cursor);

    function show(stop, withTip) {
      cursor.replaceChildren();
      const rows = plot.readout(stop);
      const place = x.at(stop);
      cursor.append(shape("line", {x1: place, x2: place, y1: area.top, y2: area.bottom}));
      for (const row of rows.rows) {
        if (!Number.isFinite(row.y)) continue;
        cursor.append(shape("circle", {
          cx: place, cy: y.at(row.y), r: 4, style: `fill: ${row.color}`, "data-key": row.key,
        }));
      }
      tip.classList.toggle("shown", withTip);
      if (!withTip) return;
      fillTip(tip, rows);
      const isRight = place > width / 2;
      tip.style.left = isRight ? "" : place + 14 + "px";
      tip.style.right = isRight ? width - place + 14 + "px" : "";
      tip.style.top = area.top + "px";
    }

    let current = -1;
    self.mark = (stop) => plot.stops.length > 0 && show(nearest(plot.stops, stop), false);
    self.clear = () => {
      current = -1;
      cursor.replaceChildren();
      tip.classList.remove("shown");
    };
    function go(index) {
      current = Math.max(0, Math.min(plot.stops.length - 1, index));
      const stop = plot.stops[current];
      show(stop, true);
      for (const other of group || []) if (other !== self) other.mark(stop);
    }
    function leave() {
      self.clear();
      for (const other of group || []) other.clear();
    }
    if (plot.stops.length > 0) {
      svg.addEventListener("pointermove", (event) => {
        const bounds = svg.getBoundingClientRect();
        const place = (event.clientX - bounds.left) * (width / bounds.width);
        go(nearestIndex(plot.stops, x.from(place), x));
      });
      svg.addEventListener("pointerleave", leave);
      svg.addEventListener("blur", leave);
      svg.addEventListener("keydown", (event) => {
        const big = Math.max(1, Math.round(plot.stops.length / 20));
        const moves = {ArrowLeft: -1, ArrowRight: 1, PageDown: -big, PageUp: big};
        if (event.key in moves) go(current < 0 ? 0 : current + moves[event.key]);
        else if (event.key === "Home") go(0);
        else if (event.key === "End") go(plot.stops.length - 1);
        else if (event.key === "Escape") leave();
        else return;
        event.preventDefault();
      });
    }
    box.replaceChildren(svg, tip);
  }

  onResize(box, draw);
  return {redraw: () => { drawnWidth = 0; draw(); }};
}

// Calls `draw` when the box has come onto the page, and again when its width has changed.
function onResize(box, draw) {
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(box);
}

function nearestIndex(stops, value, scale) {
  let low = 0;
  let high = stops.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stops[middle] < value) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  const distance = (i) => Math.abs(scale.at(stops[i]) - scale.at(value));
  return distance(low - 1) < distance(low) ? low - 1 : low;
}

function nearest(stops, value) {
  return stops[nearestIndex(stops, value, {at: (stop) => stop})];
}

function fillTip(tip, content) {
  const rows = content.rows.filter((row) => row.text !== undefined);
  tip.replaceChildren(
      element("div", {class: "tip-title"}, content.title),
      element("table", {}, rows.map((row) => element("tr", {},
          element("td", {}, swatch(row.color, row.dash)), element("td", {}, row.name),
          element("td", {class: "number"}, row.text)))));
  if (rows.length === 0) tip.append("nothing ended here");
}

function swatch(color, dash) {
  return shape("svg", {class: "swatch", viewBox: "0 0 18 8", "aria-hidden": "true"},
      shape("line", {
        x1: 1, x2: 17, y1: 4, y2: 4, style: `stroke: ${color}`, "stroke-dasharray": dash,
      }));
}

function drawBands(plot, x, area) {
  return (plot.bands || []).map((band) => {
    const from = x.at(band.from);
    const width = Math.max(0, x.at(Math.min(band.to, x.high)) - from);
    const parts = [shape("rect", {
      class: "band " + band.kind, x: from, width, y: area.top, height: area.bottom - area.top,
    })];
    const room = Math.floor((width - 8) / 6.6);
    if (plot.showsBandNames && room >= 3) {
      const isLong = band.name.length > room;
      const name = isLong ? band.name.slice(0, room - 1) + "\u2026" : band.name;
      parts.push(shape("text", {class: "band-name", x: from + 4, y: area.top - 8}, name));
    }
    return shape("g", {}, parts);
  });
}

function drawAxes(plot, x, y, area) {
  const axes = shape("g", {class: "axes"});
  for (const value of plot.ySteps(area.bottom - area.top)) {
    const place = y.at(value);
    axes.append(
        shape("line", {class: "grid", x1: area.left, x2: area.right, y1: place, y2: place}),
        shape("text", {x: area.left - 8, y: place + 4, "text-anchor": "end"}, plot.yText(value)));
  }
  let last = -Infinity;
  for (const value of plot.xSteps(area.right - area.left)) {
    const place = x.at(value);
    axes.append(shape("line", {
      class: plot.hasVerticalGrid ? "grid" : "tick", x1: place, x2: place,
      y1: plot.hasVerticalGrid ? area.top : area.bottom, y2: area.bottom + 4,
    }));
    const text = plot.xText(value);
    const half = text.length * 3.4;
    if (place - half < last + 8) continue;
    const isAtEnd = place + half > area.right + 14;
    axes.append(shape("text", {
      x: isAtEnd ? area.right + 14 : place, y: area.bottom + 18,
      "text-anchor": isAtEnd ? "end" : "middle",
    }, text));
    last = place + half;
  }
  axes.append(
      shape("line", {
        class: "base", x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom,
      }),
      shape("text", {class: "axis-title", x: area.right, y: area.bottom + 34, "text-anchor": "end"},
          plot.xTitle));
  return axes;
}

function drawRules(plot, y, area) {
  return (plot.rules || []).filter((rule) => rule.y >= y.low && rule.y <= y.high).map((rule) => {
    const place = y.at(rule.y);
    return shape("g", {class: "rule"},
        shape("line", {x1: area.left, x2: area.right, y1: place, y2: place}),
        shape("text", {x: area.left + 6, y: place - 5}, rule.text));
  });
}

function drawLines(plot, x, y) {
  return plot.lines.map((line) => {
    const path = linePath(line.points, x, y);
    const kind = line.kind || "main";
    const style = `stroke: ${line.color}`;
    return shape("g", {"data-key": line.key, class: "line " + kind},
        shape("path", {d: path, style, "stroke-dasharray": kind === "main" ? line.dash : null}),
        lonePoints(line.points).map((point) => shape("circle", {
          cx: x.at(point.x), cy: y.at(point.y), r: kind === "main" ? 3 : 2,
          style: `fill: ${line.color}; stroke: none`,
        })),
        line.endsWithDot && line.points.length > 0 ? shape("circle", {
          cx: x.at(line.points.at(-1).x), cy: y.at(line.points.at(-1).y), r: 3,
          style: `fill: ${line.color}; stroke: none`,
        }) : null);
  });
}
