// Numbers as people read them. A field that the JSON leaves out is 0; no number at all is a dash.

const DASH = "\u2013";

function number(value) {
  return value === undefined ? 0 : Number(value);
}

function grouped(value, decimals) {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
}

// With three digits that count, and all digits of whole numbers.
function threeDigits(value) {
  const size = Math.abs(value);
  if (size >= 99.95 || size === 0) return grouped(value, 0);
  return grouped(value, size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

function showCount(value) {
  return Number.isFinite(value) ? grouped(value, 0) : DASH;
}

function showRate(value) {
  return Number.isFinite(value) ? threeDigits(value) : DASH;
}

function showRoundNumber(value) {
  return value.toLocaleString("en-US", {maximumSignificantDigits: 6});
}

const TIME_UNITS = [
  {name: "s", seconds: 1}, {name: "ms", seconds: 1e-3}, {name: "\u00b5s", seconds: 1e-6},
];

function timeUnitOf(seconds) {
  return TIME_UNITS.find((unit) => seconds >= unit.seconds * 0.9995) || TIME_UNITS[2];
}

function showTime(seconds) {
  if (!Number.isFinite(seconds) || seconds <= 0) return DASH;
  const unit = timeUnitOf(seconds);
  return threeDigits(seconds / unit.seconds) + "\u00a0" + unit.name;
}

// A time that somebody chose, or on an axis: without zeros at its end.
function showRoundTime(seconds) {
  const [digits, unit] = showTime(seconds).split("\u00a0");
  return unit ? Number(digits.replaceAll(",", "")) + "\u00a0" + unit : DASH;
}

// The unit for a column of times: the one that its median is shown in.
function commonTimeUnit(times) {
  const sorted = times.filter((time) => time > 0).sort((a, b) => a - b);
  return sorted.length === 0 ? TIME_UNITS[1] : timeUnitOf(sorted[Math.floor(sorted.length / 2)]);
}

function showTimeIn(unit, seconds) {
  return Number.isFinite(seconds) && seconds > 0 ? threeDigits(seconds / unit.seconds) : DASH;
}

// A share in percent. What is not all is never shown as 100 %, what is not nothing never as 0 %.
function showShare(share, decimals = 2) {
  if (!Number.isFinite(share)) return DASH;
  if (share === 0 || share === 1) return share * 100 + "\u00a0%";
  let digits = decimals;
  const isRoundedAway = () => {
    const shown = Number((share * 100).toFixed(digits));
    return shown === 0 || shown === 100;
  };
  while (digits < 6 && isRoundedAway()) ++digits;
  return (share * 100).toFixed(digits) + "\u00a0%";
}

function showDuration(seconds) {
  if (!Number.isFinite(seconds)) return DASH;
  if (seconds < 60) return Number(seconds.toPrecision(3)) + "\u00a0s";
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = whole % 60;
  const parts = [[hours, "h"], [minutes, "min"], [rest, "s"]];
  return parts.filter(([count]) => count > 0)
      .map(([count, unit]) => count + "\u00a0" + unit).join(" ");
}

// A point in time on an axis: 90 is 1:30.
function showClock(seconds) {
  const whole = Math.round(seconds);
  const pad = (part) => String(part).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return minutes + ":" + pad(whole % 60);
  return Math.floor(minutes / 60) + ":" + pad(minutes % 60) + ":" + pad(whole % 60);
}

function showBytes(bytes) {
  if (!(bytes > 0)) return DASH;
  if (bytes >= 1e9) return threeDigits(bytes / 1e9) + "\u00a0GB";
  return threeDigits(bytes / 1e6) + "\u00a0MB";
}

function showDate(text) {
  const date = new Date(text || "");
  if (Number.isNaN(date.getTime())) return text || "";
  return date.toLocaleString("en-GB", {dateStyle: "long", timeStyle: "short"});
}

function plural(count, one, many) {
  return showCount(count) + "\u00a0" + (count === 1 ? one : many);
}
