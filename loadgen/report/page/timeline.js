// The run over time.

function phaseBands(phases) {
  let start = 0;
  return phases.map((phase, i) => {
    const band = {
      from: start, to: start + number(phase.seconds),
      kind: phase.warm_up ? "warm-up" : i % 2 === 0 ? "even" : "odd",
      name: phase.name || `phase ${i + 1}`, warmUp: Boolean(phase.warm_up),
    };
    start = band.to;
    return band;
  });
}

function momentsOf(model) {
  return (model.timeline || []).map((moment) => {
    const seconds = number(moment.seconds) || 1;
    const orGap = (value) => value > 0 ? value : NaN;
    return {
      x: number(moment.at), seconds,
      sent: number(moment.sent) / seconds, answered: number(moment.answered) / seconds,
      failed: number(moment.failed) / seconds,
      p50: orGap(number(moment.p50)), p99: orGap(number(moment.p99)),
    };
  });
}

// `kinds` are the fields of a moment that are drawn for each model, the first as the main line.
function timePlot(box, models, phases, group, {label, isLog, kinds, height, text, yText, named}) {
  const bands = phaseBands(phases);
  if (models.length > MANY_MODELS) kinds = kinds.slice(0, 1);
  const data = models.map((model) => ({model, moments: momentsOf(model)}));
  const ends = data.flatMap(({moments}) => moments.map((moment) => moment.x + moment.seconds / 2));
  const end = Math.max(bands.length > 0 ? bands.at(-1).to : 0, ...ends, 0.1);
  const stops = [...new Set(data.flatMap(({moments}) => moments.map((moment) => moment.x)))];
  stops.sort((a, b) => a - b);
  const byStop = data.map(({moments}) => new Map(moments.map((moment) => [moment.x, moment])));
  shown.add(box, () => {
    const drawn = data.map((entry, i) => ({...entry, at: byStop[i]}))
        .filter((entry) => shown.has(entry.model));
    const values = drawn.flatMap(({moments}) =>
      moments.flatMap((moment) => kinds.map((kind) => moment[kind])));
    const finite = values.filter(Number.isFinite);
    const bounds = isLog ? logBounds(finite) : [0, Math.max(...finite, 0) * 1.08 || 1];
    return {
      height, label, bands, showsBandNames: named, stops,
      x: (from, to) => linearScale(0, end, from, to),
      y: (from, to) => (isLog ? logScale : linearScale)(...bounds, from, to),
      xSteps: (length) => clockSteps(end, length / 70),
      ySteps: (length) => isLog ? logSteps(...bounds, length) : roundSteps(...bounds, length / 34),
      xText: (value) => end < 10 ? showDuration(value) : showClock(value),
      yText, xTitle: "time since the start",
      lines: kinds.map((kind, i) => drawn.map(({model, moments}) => ({
        key: model.model, ...model.look, kind: i === 0 ? "main" : "faint",
        points: moments.map((moment) => ({x: moment.x, y: moment[kind]})),
      }))).reverse().flat(),
      readout: (stop) => {
        const band = bands.find((candidate) => stop >= candidate.from && stop < candidate.to);
        const where = band ? ` \u00b7 ${band.name}${band.warmUp ? " (not counted)" : ""}` : "";
        return {
          title: (end < 10 ? showDuration(stop) : showClock(stop)) + where,
          rows: byValue(drawn.filter(({at}) => at.has(stop)).map(({model, at}) => {
            const moment = at.get(stop);
            return {
              key: model.model, ...model.look, name: model.model, text: text(moment),
              y: moment[kinds[0]],
            };
          })),
        };
      },
    };
  }, group);
}
