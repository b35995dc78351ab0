// The frontier: quality against latency, the area of a disc is the capacity.

// Metrics of errors are better when smaller.
function isErrorMetric(metric) {
  return (metric || "").includes("error");
}

function frontierPlot(box, variants) {
  const metric = variants[0].quality_metric;
  const isError = isErrorMetric(metric);
  const entries = variants.map((variant) => ({
    variant, x: number((variant.latency_unloaded || {}).p99), y: number(variant.quality),
    low: number(variant.quality_low), high: number(variant.quality_high),
    capacity: number(variant.capacity_per_second),
  })).filter((entry) => entry.x > 0 && entry.capacity > 0);
  const most = Math.max(...entries.map((entry) => entry.capacity));
  drawOnWidth(box, (width) => {
    const area = {left: 66, right: width - 24, top: 30, bottom: 352};
    const values = entries.flatMap((entry) => [entry.y, entry.low, entry.high])
        .filter((value) => value > 0);
    const air = (Math.max(...values) - Math.min(...values)) * 0.3 || 0.02;
    let low = Math.max(0, Math.min(...values) - air);
    let high = Math.max(...values) + air;
    if (metric === "accuracy") high = Math.min(1, high);
    const times = logBounds(entries.map((entry) => entry.x));
    const x = logScale(times[0] / 1.5, times[1] * 1.8, area.left, area.right);
    if (isError) [low, high] = [high, low];
    const y = linearScale(low, high, area.bottom, area.top);
    const [from, to] = [Math.min(low, high), Math.max(low, high)];
    const axes = drawAxes({
      ySteps: () => roundSteps(from, to, 7), yText: (value) => showShare(value, 1),
      xSteps: (length) => logSteps(x.low, x.high, length * 0.7), xText: showRoundTime,
      xTitle: "p99 unloaded \u2192 slower", hasVerticalGrid: true,
    }, x, y, area);
    const best = entries.filter((entry) => !entry.variant.dominated).sort((a, b) => a.x - b.x);
    const line = best.map((entry) => `${x.at(entry.x)} ${y.at(entry.y)}`).join("L");
    const largest = Math.min(44, width / 14);
    const radius = (entry) => Math.max(6, largest * Math.sqrt(entry.capacity / most));
    box.replaceChildren(shape("svg", {
      viewBox: `0 0 ${width} 392`, role: "img",
      "aria-label": "Quality against unloaded latency; the table below holds the numbers",
    }, axes,
    shape("text", {class: "axis-title", x: 4, y: 14},
        metricName(metric) + (isError ? " \u2191 smaller is better" : " \u2191 better")),
    best.length > 1 ? shape("path", {class: "frontier-line", d: "M" + line}) : null,
    [...entries].sort((a, b) => b.capacity - a.capacity)
        .map((entry) => frontierDisc(entry, x.at(entry.x), y, radius(entry), area))));
  });
}

function frontierDisc(entry, x, y, radius, area) {
  const {variant} = entry;
  const name = variant.variant || variant.model;
  const isLeft = x > (area.left + area.right) / 2;
  const textX = isLeft ? x - radius - 8 : x + radius + 8;
  const anchor = isLeft ? "end" : "start";
  const place = y.at(entry.y);
  // The line of the frontier comes from below on the left and leaves upwards on the right.
  const textY = place + (variant.dominated ? 0 : isLeft ? -16 : 16);
  return shape("g", {class: variant.dominated ? "disc dominated" : "disc"},
      shape("circle", {
        cx: x, cy: place, r: radius,
        style: `fill: ${variant.look.color}; stroke: ${variant.look.color}`,
      }, shape("title", {}, `${variant.model}: ${capacityText(variant)} requests/s`)),
      entry.high > entry.low ? shape("line", {
        class: "whisker", x1: x, x2: x, y1: y.at(entry.low), y2: y.at(entry.high),
      }) : null,
      shape("circle", {cx: x, cy: place, r: 2.5, class: "dot"}),
      shape("text", {class: "disc-name", x: textX, y: textY - 2, "text-anchor": anchor}, name),
      shape("text", {class: "disc-note", x: textX, y: textY + 14, "text-anchor": anchor},
          variant.dominated ? `dominated by ${variant.dominated_by}` :
            `${capacityText(variant)} requests/s`));
}
