// The page's tables and lists.

function table(className, heads, rows) {
  const cell = (tag, content, i, scope) => {
    const isText = heads[i].isText;
    return element(tag, {class: isText ? "" : "number", scope}, content);
  };
  return element("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Table"},
      element("table", {class: className},
          element("thead", {}, element("tr", {}, heads.map((head, i) =>
            cell("th", [head.name, head.unit ? small(head.unit) : null], i, "col")))),
          element("tbody", {}, rows.map((row) => element("tr", {class: row.kind || ""},
              row.cells.map((content, i) => i === 0 ? cell("th", content, i, "row") :
                cell("td", content, i)))))));
}

function small(text, kind) {
  return element("small", {class: kind || ""}, text);
}

function modelName(model, look) {
  const about = [model.family, model.variant].filter(Boolean);
  const isSaid = model.model === about.join("-") || !model.family;
  return [element("span", {class: "model"}, look ? swatch(look.color, look.dash) : null,
      element("span", {}, model.model)), isSaid ? null : small(about.join(" / "))];
}

function failuresCell(model) {
  const failed = failuresOf(model);
  if (failed === 0) return "0";
  return [element("span", {class: "bad-text"}, showCount(failed)),
    small(showShare(failed / endedOf(model)))];
}

// A percentile that too few answers stand behind is the slowest of them, and shown faintly.
function latencyCell(model, field, unit) {
  const text = showTimeIn(unit, number(model.latency?.[field]));
  if (field !== "p999" || number(model.answered) >= 1000) return text;
  const title = "Of fewer than 1,000 answers: the slowest one";
  return element("span", {class: "soft", title}, text);
}

function p99Cell(model, unit) {
  const p99 = number(model.latency?.p99);
  const slo = number(model.slo_latency_seconds);
  if (!(slo > 0) || !(p99 > 0)) return showTimeIn(unit, p99);
  const isWithin = p99 <= slo;
  return [showTimeIn(unit, p99),
    small(`${isWithin ? "\u2713" : "\u2715"} SLO ${showRoundTime(slo)}`,
        isWithin ? "good-text" : "bad-text")];
}

// `isNamed`: the column's head tells the metric.
function qualityCell(quality, isNamed) {
  if (!quality) return DASH;
  const interval = showShare(number(quality.low), 1).replace(/\u00a0%$/, "") + DASH +
      showShare(number(quality.high), 1);
  return [showShare(number(quality.value)),
    small(isNamed ? interval : `${metricName(quality.metric)} ${interval}`)];
}

function qualityHead(metrics) {
  const names = [...new Set(metrics)].map(metricName);
  const name = names.length === 1 ? names[0] : "quality";
  return {
    name: name[0].toUpperCase() + name.slice(1), unit: "95 % interval",
    isNamed: names.length === 1,
  };
}

const LATENCIES = [
  ["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p99.9", "p999"], ["max", "max"],
];

// `all` is what the last row shows, or null.
function modelTable(models, all) {
  const rows = all === null ? models : [...models, all];
  const times = rows.flatMap((model) =>
    LATENCIES.map(([, field]) => number(model.latency?.[field])));
  const unit = commonTimeUnit(times);
  const metrics = models.filter((model) => model.quality).map((model) => model.quality.metric);
  const quality = metrics.length > 0 ? qualityHead(metrics) : null;
  const heads = [{name: "Model", isText: true}, {name: "Sent"}, {name: "Answered", unit: "OK"},
    {name: "Failed"}, {name: "Rate", unit: "OK/s"},
    ...LATENCIES.map(([name]) => ({name, unit: unit.name})),
    ...(quality ? [quality] : [])];
  return table("models", heads, rows.map((model) => ({
    kind: model === all ? "total" : "",
    cells: [model === all ? "all together" : modelName(model, model.look),
      showCount(number(model.sent)), showCount(number(model.answered)), failuresCell(model),
      showRate(number(model.answered_per_second)),
      ...LATENCIES.map(([, field]) => field === "p99" ? p99Cell(model, unit) :
        latencyCell(model, field, unit)),
      ...(quality ? [model === all ? "" : qualityCell(model.quality, quality.isNamed)] : [])],
  })));
}

function codesTable(models) {
  const codes = [...new Set(models.flatMap((model) => (model.codes || []).map((c) => c.code)))]
      .filter((code) => code !== "OK");
  const total = (code) => models.reduce((sum, model) => sum + countOf(model, code), 0);
  codes.sort((a, b) => total(b) - total(a));
  return table("codes", [{name: "Model", isText: true}, {name: "OK"},
    ...codes.map((code) => ({name: code.replaceAll("_", "_\u200b")}))],
  models.map((model) => ({
    cells: [modelName(model, model.look), ...["OK", ...codes].map((code) => {
      const count = countOf(model, code);
      return count === 0 ? "0" : [showCount(count), small(showShare(count / endedOf(model), 1))];
    })],
  })));
}

function countOf(model, code) {
  return number((model.codes || []).find((entry) => entry.code === code)?.count);
}

function phaseTable(phases, lookByName) {
  const times = phases.flatMap((phase) => (phase.models || []).map((m) => number(m.latency?.p99)));
  const unit = commonTimeUnit(times);
  const heads = [{name: "Phase", isText: true}, {name: "Sent"}, {name: "Answered", unit: "OK"},
    {name: "Failed"}, {name: "Rate", unit: "OK/s"}, {name: "p50", unit: unit.name},
    {name: "p99", unit: unit.name}, {name: "max", unit: unit.name}];
  const metrics = phases.flatMap((phase) => phase.models || [])
      .filter((model) => model.quality).map((model) => model.quality.metric);
  const quality = metrics.length > 0 ? qualityHead(metrics) : null;
  if (quality) heads.push(quality);
  const blanks = new Array(heads.length - 1).fill("");
  return table("phases", heads, phases.flatMap((phase, i) => [
    {
      kind: "group",
      cells: [[phase.name || `phase ${i + 1}`, element("small", {class: "inline"},
          showDuration(number(phase.seconds)) + (phase.warm_up ? ", warm-up, not counted" : ""))],
      ...blanks],
    },
    ...(phase.models || []).map((model) => ({
      cells: [modelName({model: model.model}, lookByName.get(model.model)),
      showCount(number(model.sent)), showCount(number(model.answered)), failuresCell(model),
      showRate(number(model.answered_per_second)),
      ...["p50", "p99", "max"].map((field) => showTimeIn(unit, number(model.latency?.[field]))),
      ...(quality ? [qualityCell(model.quality, quality.isNamed)] : [])],
    })),
  ]));
}

function showMeasured(requirement) {
  if (requirement.problem) return requirement.problem;
  const metric = (requirement.text || "").match(/(?:^|\.)(\w+)\s*[<>]/)?.[1];
  const value = number(requirement.value);
  if (["p50", "p90", "p95", "p99", "p999", "max", "mean"].includes(metric)) return showTime(value);
  if (["error_ratio", "quality"].includes(metric)) return showShare(value);
  return metric === "rate" ? showRate(value) + "/s" : threeDigits(value);
}

function requirementList(requirements) {
  return element("ul", {class: "requirements"}, requirements.map((requirement) =>
    element("li", {class: requirement.met ? "met" : "failed"},
        element("span", {class: "sign"}, requirement.met ? "\u2713" : "\u2715"),
        element("code", {}, requirement.text),
        element("span", {},
            `${requirement.met ? "met" : "failed"}: ${showMeasured(requirement)}`))));
}

// At a higher rate it may have been the generator that could not keep up.
function capacityText(variant) {
  const capacity = showRate(number(variant.capacity_per_second));
  return variant.capacity_is_at_least ? `at least ${capacity}` : capacity;
}

function frontierTable(variants) {
  const unit = commonTimeUnit(variants.flatMap((variant) =>
    [number(variant.latency_at_capacity?.p99), number(variant.latency_unloaded?.p99)]));
  const quality = qualityHead(variants.map((variant) => variant.quality_metric).filter(Boolean));
  return table("models", [{name: "Model", isText: true}, quality,
    {name: "Capacity", unit: "requests/s"}, {name: "p99 at capacity", unit: unit.name},
    {name: "p99 unloaded", unit: unit.name}, {name: "SLO"}, {name: "Dominated by", isText: true}],
  variants.map((variant) => ({
    kind: variant.dominated ? "faded" : "",
    cells: [modelName(variant, variant.look),
      qualityCell(variant.quality_metric ? {
        metric: variant.quality_metric, value: variant.quality, low: variant.quality_low,
        high: variant.quality_high,
      } : null, quality.isNamed),
      number(variant.capacity_per_second) > 0 ? capacityText(variant) : "none",
      showTimeIn(unit, number(variant.latency_at_capacity?.p99)),
      showTimeIn(unit, number(variant.latency_unloaded?.p99)),
      showRoundTime(number(variant.slo_latency_seconds)),
      variant.dominated ? variant.dominated_by : ""],
  })));
}

function generatorFacts(report) {
  const generator = report.generator || {};
  const lag = generator.send_lag || {};
  const late = ["p50", "p99", "max"].map((name) => `${showTime(number(lag[name]))} ${name}`);
  const unsent = number(generator.unsent);
  const facts = [
    ["Sent late by", number(lag.max) > 0 ? late.join(", ") : "closed loop: nothing was due"],
    ["Due but never sent", unsent > 0 ? plural(unsent, "request", "requests") : "none"],
    ["Processor time", showDuration(number(generator.cpu_seconds))],
    ["Memory", showBytes(number(generator.peak_resident_bytes)) + " at most"],
  ];
  return element("dl", {class: "facts-list"}, facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}
