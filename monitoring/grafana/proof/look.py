"""How a field of a panel is to be shown."""

import re
import time

import svg
import units


class Look:
    """The defaults of the panel, with all that its overrides say of the field."""

    def __init__(self, panel, name, place=0):
        config = panel["fieldConfig"]
        self.of = {**config["defaults"], "custom": dict(config["defaults"].get("custom", {}))}
        for one in config["overrides"]:
            if matches(one["matcher"], name):
                for item in one["properties"]:
                    group, _, key = item["id"].rpartition(".")
                    (self.of["custom"] if group == "custom" else self.of)[key] = item["value"]
        self.name = self.of.get("displayName", name)
        self.unit = self.of["unit"]
        self._place = place

    def write(self, value):
        if isinstance(value, str) or value is None:
            return value or ""
        for mapping in self.of.get("mappings", []):
            if f"{value:g}" in mapping["options"]:
                return mapping["options"][f"{value:g}"]["text"]
        if self.unit == "dateTimeFromNow":
            return f"{(time.time() - value / 1000) / 60:.0f} min ago"
        return units.write(value, self.unit, self.of.get("decimals"))

    def colour(self, value=None):
        mode = self.of["color"]["mode"]
        if mode == "fixed":
            return svg.colour(self.of["color"]["fixedColor"])
        if mode == "thresholds" and value is not None and not isinstance(value, str):
            return svg.colour(self.limit_of(value))
        if mode == "palette-classic":
            return svg.PALETTE[self._place % len(svg.PALETTE)]
        return svg.by_name(self.name)

    def limit_of(self, value):
        steps = self.of["thresholds"]["steps"]
        return [s["color"] for s in steps if s["value"] is None or value >= s["value"]][-1]


def matches(matcher, name):
    if matcher["id"] == "byName":
        return matcher["options"] == name
    return re.search(matcher["options"].strip("/"), name) is not None
