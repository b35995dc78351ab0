// The page: sections from top to bottom, each only if there is something to say.

function readData(id) {
  const source = document.getElementById(id);
  return source ? JSON.parse(source.textContent) : null;
}

function metricName(metric) {
  return (metric || "quality").replaceAll("_", " ");
}

function failuresOf(model) {
  return (model.codes || []).filter((entry) => entry.code !== "OK")
      .reduce((sum, entry) => sum + number(entry.count), 0);
}

function endedOf(model) {
  return (model.codes || []).reduce((sum, entry) => sum + number(entry.count), 0);
}

function section(title, note, ...content) {
  return element("section", {}, element("h2", {}, title),
      note ? element("p", {class: "note"}, note) : null, content);
}

function plotBox(title, note) {
  const box = element("div", {class: "plot"});
  const caption = element("figcaption", {}, element("strong", {}, title), note ? " " + note : "");
  return {box, figure: element("figure", {}, caption, box)};
}

// --- Header. ---

// The one sentence that somebody who reads no further should take along.
function verdictOf(report, frontier) {
  const required = report.requirements || [];
  const failed = required.filter((requirement) => !requirement.met).length;
  const isLoad = !frontier && number(report.all_models?.sent) > 0;
  if (isLoad && !report.generator?.kept_up) {
    return ["bad",
      "The generator could not keep up: these latencies are not the servers\u2019 alone"];
  }
  if (frontier && !report.generator?.kept_up) {
    return ["bad", "The generator could not keep up: some capacities are at least what is stated"];
  }
  if (failed > 0) {
    if (required.length === 1) return ["bad", "The requirement failed"];
    return ["bad", `${failed} of ${plural(required.length, "requirement", "requirements")} failed`];
  }
  if (report.interrupted) {
    return ["fair", frontier ? "Interrupted before all variants had been measured" :
      "Interrupted before the last phase had ended"];
  }
  if (required.length > 0) {
    return ["good", required.length === 1 ? "The requirement is met" :
      `All ${required.length} requirements are met`];
  }
  return null;
}

function verdictBadge(report, frontier) {
  const verdict = verdictOf(report, frontier);
  if (verdict === null) return null;
  const signs = {good: "\u2713", fair: "!", bad: "\u2715"};
  return element("p", {class: "verdict " + verdict[0]},
      element("span", {"aria-hidden": "true"}, signs[verdict[0]]), verdict[1]);
}

function header(report, frontier) {
  const date = report.started || (frontier && frontier.measured);
  const phases = frontier ? 0 : (report.phases || []).length;
  const models = (report.models || []).length;
  const facts = [
    date ? element("time", {datetime: date, title: date}, showDate(date)) : null,
    number(report.seconds) > 0 && !frontier ?
      showDuration(number(report.seconds)) + " measured" : null,
    models > 0 ? plural(models, "model", "models") : null,
    phases > 1 ? plural(phases, "phase", "phases") : null,
  ].filter((fact) => fact !== null);
  const title = report.scenario || (frontier ? `frontier of ${frontier.family}` : "no name");
  document.title = `${title} \u00b7 weir load report`;
  const save = element("a", {class: "button", download: "report.json"}, "Save JSON");
  save.addEventListener("click", () => {
    const data = frontier ? {report, frontier} : report;
    const text = JSON.stringify(data, (key, value) => key === "look" ? undefined : value, 1);
    save.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  });
  return element("header", {},
      element("div", {class: "top"}, element("span", {class: "brand"}, "weir load report"),
          element("span", {class: "tools"}, save, themeButton())),
      element("h1", {}, title),
      report.description ? element("p", {class: "lead"}, report.description) : null,
      element("p", {class: "facts"},
          facts.flatMap((fact, i) => i === 0 ? [fact] : [" \u00b7 ", fact])),
      verdictBadge(report, frontier),
      (report.warnings || []).length > 0 ? element("ul", {class: "warnings"},
          report.warnings.map((warning) => element("li", {}, warning))) : null);
}

// The system's theme until somebody chooses one; always light on paper.
function themeButton() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const button = element("button", {type: "button", class: "button"});
  let chosen = "auto";
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${chosen}`;
  };
  const applyChosen = () => apply(chosen !== "auto" ? chosen : dark.matches ? "dark" : "light");
  button.addEventListener("click", () => {
    chosen = {auto: "light", light: "dark", dark: "auto"}[chosen];
    applyChosen();
  });
  dark.addEventListener("change", applyChosen);
  window.addEventListener("beforeprint", () => apply("light"));
  window.addEventListener("afterprint", applyChosen);
  applyChosen();
  return button;
}

// --- Tiles. ---

function tile(name, value, note, kind) {
  return element("div", {class: "tile " + (kind || "")}, element("div", {class: "tile-name"}, name),
      element("div", {class: "tile-value"}, value), element("div", {class: "tile-note"}, note));
}

function objectiveTile(models) {
  const bound = models.filter((model) =>
    number(model.slo_latency_seconds) > 0 && number(model.latency?.p99) > 0);
  if (bound.length === 0) return null;
  const within = bound.filter((model) => model.latency.p99 <= model.slo_latency_seconds);
  const share = (model) => model.latency.p99 / model.slo_latency_seconds;
  const worst = bound.reduce((a, b) => share(a) >= share(b) ? a : b);
  return tile("p99 within the SLO", `${within.length} of ${bound.length}`,
      bound.length === 1 ? `${showShare(share(worst), 0)} of it` :
        `at most ${showShare(share(worst), 0)} of it, by ${worst.model}`,
      within.length < bound.length ? "bad" : "");
}

function tiles(report, all) {
  const ended = endedOf(all);
  const answered = number(all.answered);
  const latency = all.latency || {};
  const failed = failuresOf(all);
  const required = report.requirements || [];
  const met = required.filter((requirement) => requirement.met).length;
  const generator = report.generator || {};
  const lag = generator.send_lag || {};
  return element("div", {class: "tiles"},
      tile("Answered with OK", ended > 0 ? showShare(answered / ended) : DASH,
          failed > 0 ? `${plural(failed, "failure", "failures")} of ${showCount(ended)} requests` :
            `all of ${plural(ended, "request", "requests")}`, answered > 0 ? "" : "bad"),
      tile("Answers a second", showRate(number(all.answered_per_second)),
          `${showRate(number(all.sent_per_second))} sent a second`),
      tile(report.models.length > 1 ? "p99 of all together" : "Latency p99",
          showTime(number(latency.p99)),
          `p50 ${showTime(number(latency.p50))} \u00b7 max ${showTime(number(latency.max))}`),
      objectiveTile(report.models),
      required.length > 0 ? tile("Requirements met", `${met} of ${required.length}`,
          met === required.length ? "each one" : "see below which failed",
          met < required.length ? "bad" : "") : null,
      tile("Generator", generator.kept_up ? "kept up" : "too slow",
          number(lag.p99) > 0 ? `99 % sent less than ${showTime(number(lag.p99))} late` :
            generator.kept_up ? "closed loop: nothing was due" : "see the warnings",
          generator.kept_up ? "" : "bad"));
}

// --- All of it. ---

// What marks phases that do not count, for all plots.
function hatch() {
  return shape("svg", {class: "defs", width: 0, height: 0, "aria-hidden": "true"},
      shape("defs", {}, shape("pattern", {
        id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse",
        patternTransform: "rotate(45)",
      }, shape("line", {x1: 0, x2: 0, y1: 0, y2: 7}))));
}

function latencySection(models, title) {
  const answered = models.filter((model) => bucketsOf(model).length > 0);
  if (answered.length === 0) return null;
  const percentiles = plotBox("By percentile",
      "both axes are logarithmic; each line ends at its slowest answer");
  const ridges = plotBox("Where answers lie",
      "each scaled to its own height; tall mark p50, short mark p99, dashed SLO");
  percentilePlot(percentiles.box, models);
  ridgePlot(ridges.box, answered);
  return section(title, "Of answers with OK and requests that timed out, from when a request " +
    "was due, whether or not the generator could send it then.",
  models.length > 1 ? legend(models) : null,
  percentiles.figure, ridges.figure);
}

function timeSection(report) {
  const {models, phases = []} = report;
  if (!models.some((model) => (model.timeline || []).length > 0)) return null;
  const group = [];
  const figures = [];
  const faint = (what) => models.length > MANY_MODELS ? "" : `; faint: ${what}`;
  const add = (title, note, options) => {
    const {box, figure} = plotBox(title, note);
    timePlot(box, models, phases, group, options);
    figures.push(figure);
  };
  add("Answers a second", "with OK" + faint("requests sent"), {
    label: "Answers a second over time", kinds: ["answered", "sent"], height: 250, named: true,
    yText: showRoundNumber, text: (m) => `${showRate(m.answered)}/s of ${showRate(m.sent)}/s sent`,
  });
  const isAnswered = models.some((model) => momentsOf(model).some((moment) => moment.p99 > 0));
  if (isAnswered) add("Latency p99", "logarithmic" + faint("p50"), {
    label: "p99 of latency over time", kinds: ["p99", "p50"], height: 250, isLog: true,
    yText: showRoundTime, text: (m) => Number.isFinite(m.p99) ?
      `${showTime(m.p99)}, p50 ${showTime(m.p50)}` : "no answers",
  });
  const isFailing = models.some((model) => momentsOf(model).some((moment) => moment.failed > 0));
  if (isFailing) {
    add("Failures a second", "", {
      label: "Failures a second over time", kinds: ["failed"], height: 190, yText: showRoundNumber,
      text: (m) => showRate(m.failed) + "/s",
    });
  }
  const quiet = isFailing ? "" : " No request failed.";
  const warm = phases.some((phase) => phase.warm_up) ? " Hatched: warm-up, not counted." : "";
  return section("Over time", "By when requests ended." + warm + quiet,
      models.length > 1 ? legend(models) : null, figures);
}

function frontierSection(frontier) {
  const {box, figure} = plotBox("Quality against latency",
      "discs: the area is the capacity; bars: 95 % intervals");
  const variants = frontier.variants || [];
  const isDrawn = (variant) =>
    number(variant.latency_unloaded?.p99) > 0 && number(variant.capacity_per_second) > 0;
  const drawn = variants.filter((variant) => isDrawn(variant) && variant.quality_metric);
  if (drawn.length > 0) frontierPlot(box, drawn);
  return section(`Frontier of ${frontier.family}`,
      "Capacity is the highest rate at which p99 stays within the SLO and failures under 0.1 %. " +
      "A variant is dominated if another one is at least as good in quality, latency and " +
      "capacity, and better in one, beyond intervals and 5 %.",
      drawn.length > 0 ? figure : null, frontierTable(variants));
}

function assignLooks(models, variants) {
  const looks = new Map();
  for (const entry of [...models, ...variants]) {
    if (!looks.has(entry.model)) looks.set(entry.model, lookOf(looks.size));
    entry.look = looks.get(entry.model);
  }
  return looks;
}

function buildPage() {
  const report = readData("report") || {};
  const frontier = readData("frontier");
  report.models = report.models || [];
  const looks = assignLooks(report.models, frontier?.variants || []);
  const all = report.all_models || (report.models.length === 1 ? report.models[0] : {});
  const page = document.getElementById("page");
  const {models, phases = []} = report;
  const parts = [header(report, frontier)];
  const isLoad = models.length > 0 && !frontier;
  if (isLoad) parts.push(tiles(report, all));
  if ((report.requirements || []).length > 0) {
    parts.push(section("Requirements", null, requirementList(report.requirements)));
  }
  if (frontier) {
    parts.push(frontierSection(frontier));
    if (models.length > 0) {
      parts.push(section("At its capacity",
          "Each model alone, at the highest rate that held; saturated where none did.",
          modelTable(models, null)), latencySection(models, "Latency at capacity"));
    }
  } else if (!isLoad) {
    parts.push(element("p", {class: "empty"},
        "No requests were sent, so there is nothing to show."));
  } else {
    parts.push(section("Models", null, modelTable(models, models.length > 1 ? all : null)));
    if (models.some((model) => failuresOf(model) > 0)) {
      parts.push(section("How requests ended",
          "By status code, of the models that had failures.",
          codesTable(models.filter((model) => failuresOf(model) > 0))));
    }
    parts.push(latencySection(models, "Latency"), timeSection(report));
    if (phases.length > 1) parts.push(section("Phases", null, phaseTable(phases, looks)));
    parts.push(section("The generator itself", null, generatorFacts(report)));
  }
  page.replaceChildren(hatch(), ...parts.filter((part) => part !== null));
}

buildPage();
