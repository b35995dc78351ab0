"""Numbers as Grafana writes them."""

import math

_THOUSANDS = [(1e12, " Tri"), (1e9, " Bil"), (1e6, " Mil"), (1e3, " K"), (1, "")]
_BYTES = [(2**40, " TiB"), (2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B")]
_SECONDS = [(86400, " day"), (3600, " hour"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")]
_SUFFIXES = {"reqps": " req/s", "reqpm": " req/min", "cps": " c/s"}


def write(value, unit, decimals=None):
    """`value` with its unit, in three digits unless `decimals` says otherwise."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞"
    if unit == "percentunit":
        return f"{_digits(100 * value, decimals)} %"
    if unit == "s":
        return _scaled(value, _SECONDS, decimals)
    if unit == "bytes":
        return _scaled(value, _BYTES, decimals)
    if unit == "locale":
        return f"{value:,.0f}"
    return _scaled(value, _THOUSANDS, decimals) + _SUFFIXES.get(unit, "")


def _scaled(value, scales, decimals):
    size, suffix = next((s for s in scales if abs(value) >= s[0]), scales[-1])
    if value == 0:
        size, suffix = 1, next(name for factor, name in scales if factor == 1)
    return _digits(value / size, decimals) + suffix


def _digits(value, decimals):
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(places, 3)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
