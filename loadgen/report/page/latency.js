// Latency: by percentile, and where answers lie.

// The objectives of the models that are drawn, one line where several share one.
function objectives(models) {
  const names = new Map();
  for (const model of models) {
    const slo = number(model.slo_latency_seconds);
    if (slo > 0) names.set(slo, [...(names.get(slo) || []), model.variant || model.model]);
  }
  return [...names].map(([slo, who]) => ({
    y: slo,
    text: `SLO ${showRoundTime(slo)} ` +
        (models.length > 1 && who.length <= 2 ? who.join(", ") : ""),
  }));
}

// --- Latency by percentile. x is 1 / (1 - q): each nine takes as much room as the one before. ---

function percentileName(x) {
  const percent = 100 - 100 / x;
  return Number(percent.toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 2))) + "\u00a0%";
}

function bucketsOf(model) {
  return (model.distribution || []).map((bucket) => ({
    from: number(bucket.from), to: number(bucket.to), count: number(bucket.count),
  })).filter((bucket) => bucket.count > 0 && bucket.to > 0);
}

// The time that a share of 1 - 1/x of the answers did not exceed, as in the tables.
function quantileAt(buckets, total, x) {
  let left = Math.max(1, Math.ceil(total * (1 - 1 / x) - 1e-6));
  for (const bucket of buckets) {
    left -= bucket.count;
    if (left <= 0) return (bucket.from + bucket.to) / 2;
  }
  return NaN;
}

function percentileLine(model) {
  const buckets = bucketsOf(model);
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const points = [];
  let below = 0;
  for (const bucket of buckets) {
    const middle = (bucket.from + bucket.to) / 2;
    if (points.length === 0) points.push({x: 1, y: middle});
    below += bucket.count;
    points.push({x: total / (total - below + 0.5), y: middle});
  }
  const max = number((model.latency || {}).max);
  const end = points.at(-1);
  if (end && max > 0 && Math.abs(max / end.y - 1) < 0.05) end.y = max;
  return {buckets, total, points};
}

const NINES = [1, 2, 4, 10, 20, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

function percentilePlot(box, models) {
  const data = models.map((model) => ({model, ...percentileLine(model)}));
  shown.add(box, (width) => {
    const drawn = data.filter((entry) => entry.total > 0 && shown.has(entry.model));
    const end = Math.max(10, ...drawn.map((entry) => entry.total * 2));
    const times = drawn.flatMap((entry) => entry.points.map((point) => point.y));
    const slos = drawn.length > MANY_MODELS ? [] : objectives(drawn.map((entry) => entry.model));
    const bounds = logBounds(times.concat(slos.map((rule) => rule.y)));
    const stops = [];
    for (let x = 1; x < end / 2; x *= 1.08) stops.push(x);
    for (const x of NINES) if (x < end / 2) stops.push(x);
    return {
      height: width < 520 ? 300 : 380,
      label: "Latency by percentile",
      x: (from, to) => logScale(1, end, from, to),
      y: (from, to) => logScale(...bounds, from, to),
      xSteps: () => NINES.filter((x) => x <= end && (width >= 520 || (x !== 4 && x !== 20))),
      ySteps: (length) => logSteps(...bounds, length),
      xText: percentileName,
      yText: showRoundTime,
      xTitle: "share of answers that took no longer",
      hasVerticalGrid: true,
      rules: slos,
      lines: drawn.map((entry) => ({
        key: entry.model.model, ...entry.model.look, points: entry.points, endsWithDot: true,
      })),
      stops: drawn.length > 0 ? [...new Set(stops)].sort((a, b) => a - b) : [],
      readout: (x) => ({
        title: x === 1 ? "the fastest answer" : percentileName(x) + " within",
        rows: byValue(drawn.filter((entry) => x <= entry.total).map((entry) => {
          const y = quantileAt(entry.buckets, entry.total, x);
          const {model} = entry;
          return {key: model.model, ...model.look, name: model.model, text: showTime(y), y};
        })),
      }),
    };
  });
}

// --- Where answers lie: a histogram a model on one log scale. ---

// Heights of equal steps on the log scale, wide enough for the number of answers there are.
function histogramOf(model, x) {
  const buckets = bucketsOf(model);
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (total === 0) return [];
  const spread = (share) => Math.log(quantileAt(buckets, total, 1 / share) /
      quantileAt(buckets, total, 1 / (1 - share)));
  // By Freedman and Diaconis, or by Rice where there are several heaps far apart.
  const wanted = Math.min(2 * spread(0.25), spread(0.005) / 2) / Math.cbrt(total);
  const step = Math.max(wanted, Math.log(1 + 1 / 20));
  const low = Math.log(x.low);
  const bins = new Array(Math.ceil((Math.log(x.high) - low) / step)).fill(0);
  for (const bucket of buckets) {
    const start = (Math.log(Math.max(bucket.from, x.low)) - low) / step;
    const end = Math.max((Math.log(bucket.to) - low) / step, start + 1e-9);
    for (let bin = Math.floor(start); bin < end && bin < bins.length; ++bin) {
      const part = Math.min(end, bin + 1) - Math.max(start, bin);
      bins[bin] += bucket.count * part / (end - start);
    }
  }
  return bins.map((count, bin) => ({
    from: Math.exp(low + bin * step), to: Math.exp(low + (bin + 1) * step), count,
  }));
}

function ridge(model, x, top, height) {
  const bins = histogramOf(model, x);
  const highest = Math.max(...bins.map((bin) => bin.count), 1e-9);
  const base = top + height;
  let path = "";
  for (const bin of bins) {
    const y = (base - (height - 4) * bin.count / highest).toFixed(1);
    const [from, to] = [bin.from, bin.to].map((value) => x.at(Math.min(value, x.high)).toFixed(1));
    path += (path === "" ? `M${from} ${base}` : "") + `L${from} ${y}L${to} ${y}`;
  }
  const latency = model.latency || {};
  const mark = (value, name, kind, size) => !(value >= x.low && value <= x.high) ? null :
    shape("line", {class: kind, x1: x.at(value), x2: x.at(value), y1: base - size, y2: base + 4},
        shape("title", {}, `${model.model}: ${name} ${showTime(value)}`));
  return shape("g", {"data-key": model.model},
      path === "" ? null : shape("path", {
        class: "ridge", d: path + `L${x.at(x.high)} ${base}Z`,
        style: `fill: ${model.look.color}; stroke: ${model.look.color}`,
      }),
      shape("line", {class: "base", x1: x.at(x.low), x2: x.at(x.high), y1: base, y2: base}),
      mark(number(latency.p50), "p50", "mark", height - 4),
      mark(number(latency.p99), "p99", "mark", 14),
      mark(number(model.slo_latency_seconds), "SLO", "mark slo", height));
}

function ridgePlot(box, models) {
  drawOnWidth(box, (width) => {
    const isNarrow = width < 620;
    const longest = Math.max(...models.map((model) => model.model.length));
    const left = isNarrow ? 8 : Math.min(220, 24 + 7 * longest);
    const row = isNarrow ? 74 : 56;
    const gap = isNarrow ? 26 : 10;
    const all = models.flatMap((model) =>
      bucketsOf(model).flatMap((bucket) => [bucket.from || bucket.to / 2, bucket.to]));
    const slos = models.map((model) => number(model.slo_latency_seconds));
    const bounds = logBounds(all.concat(slos));
    const x = logScale(...bounds, left, width - 16);
    const height = models.length * row + 34;
    const steps = logSteps(...bounds, (width - 16 - left) * 0.7);
    box.replaceChildren(shape("svg", {
      viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Where answers lie",
    },
    shape("g", {class: "axes"}, steps.flatMap((value) => [
      shape("line", {class: "grid", x1: x.at(value), x2: x.at(value), y1: 0, y2: height - 28}),
      shape("text", {x: x.at(value), y: height - 10, "text-anchor": "middle"},
          showRoundTime(value)),
    ])),
    models.map((model, i) => shape("g", {},
        ridge(model, x, i * row + gap, row - gap),
        shape("text", isNarrow ? {class: "row-name", x: left, y: i * row + 17} :
          {class: "row-name", x: left - 12, y: (i + 1) * row - 4, "text-anchor": "end"},
        model.model.length > 28 ? model.model.slice(0, 27) + "\u2026" : model.model)))));
  });
}

function drawOnWidth(box, draw) {
  let drawnWidth = 0;
  onResize(box, () => {
    const width = Math.round(box.clientWidth);
    if (width > 0 && width !== drawnWidth) draw(drawnWidth = width);
  });
}
