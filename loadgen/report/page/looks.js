// How models look, and which of them are drawn.

const COLORS = 8;

// With more models than this, plots leave out what is beside the main lines.
const MANY_MODELS = 6;

// How a model looks everywhere on the page. Past the last colour they start again, dashed.
function lookOf(index) {
  const dashes = [null, "6 3", "2 2", "8 2 2 2"];
  return {
    color: `var(--c${index % COLORS})`,
    dash: dashes[Math.floor(index / COLORS) % dashes.length],
  };
}

// Which models are drawn, shared by all plots: switched off one by one, or dimmed but for one.
const shown = {
  hidden: new Set(),
  plots: [],
  chips: [],
  has: (model) => !shown.hidden.has(model.model),
  add(box, make, group) { shown.plots.push(drawPlot(box, make, group)); },
  toggle(key) {
    if (!shown.hidden.delete(key)) shown.hidden.add(key);
    shown.plots.forEach((plot) => plot.redraw());
    for (const {chip, model} of shown.chips) {
      chip.setAttribute("aria-pressed", String(shown.has(model)));
    }
  },
  focus(key) {
    for (const mark of document.querySelectorAll("svg [data-key]")) {
      mark.classList.toggle("dim", key !== null && mark.dataset.key !== key);
    }
  },
};

function legend(models) {
  return element("div", {class: "legend"}, models.map((model) => {
    const chip = element("button", {type: "button", "aria-pressed": "true", title: "Show or hide"},
        swatch(model.look.color, model.look.dash), model.model);
    shown.chips.push({chip, model});
    chip.addEventListener("click", () => shown.toggle(model.model));
    for (const name of ["pointerenter", "focus"]) {
      chip.addEventListener(name, () => shown.focus(model.model));
    }
    for (const name of ["pointerleave", "blur"]) {
      chip.addEventListener(name, () => shown.focus(null));
    }
    return chip;
  }));
}

function byValue(rows) {
  return rows.sort((a, b) => (b.y || 0) - (a.y || 0));
}
