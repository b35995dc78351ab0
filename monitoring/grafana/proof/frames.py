"""What Grafana makes of results before a panel shows them: frames of named fields.

Only what the dashboards use, as it is documented: formats of queries, and transformations.
"""

import dataclasses
import math
import re


@dataclasses.dataclass
class Field:
    name: str
    values: list
    labels: dict = dataclasses.field(default_factory=dict)
    legend: str = ""  # Shown instead of the name where it is not empty.

    @property
    def shown(self):
        return self.legend or self.name

    def is_number(self):
        return any(isinstance(value, float) for value in self.values)


@dataclasses.dataclass
class Frame:
    fields: list
    name: str = ""

    def field(self, name):
        return next((field for field in self.fields if field.name == name), None)

    def rows(self):
        return list(zip(*(field.values for field in self.fields)))


def of_panel(panel, ask):
    """The frames of a panel; ask(target) gives pairs of labels and samples."""
    frames = []
    several = len(panel["targets"]) > 1
    for target in panel["targets"]:
        make = {"time_series": _series, "table": _table, "heatmap": _buckets}[target["format"]]
        frames += make(target, ask(target), several)
    for step in panel.get("transformations", []):
        frames = _TRANSFORMATIONS[step["id"]](frames, step["options"])
    return frames


def legend_of(target, labels):
    """The legend of one series; a label that it has not is left as it is written."""
    return re.sub(
        r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], match[0]), target["legendFormat"]
    )


def _series(target, result, _):
    return [
        Frame([
            Field("Time", [time for time, _ in samples]),
            Field("Value", [value for _, value in samples], labels, legend_of(target, labels)),
        ])
        for labels, samples in result
    ]  # fmt: skip


def _table(target, result, several):
    if not result:
        return []
    names = sorted({name for labels, _ in result for name in labels})
    fields = [Field("Time", [samples[-1][0] for _, samples in result])]
    fields += [Field(name, [labels.get(name, "") for labels, _ in result]) for name in names]
    value = f"Value #{target['refId']}" if several else "Value"
    return [Frame([*fields, Field(value, [samples[-1][1] for _, samples in result])])]


def _buckets(_, result, __):
    """A frame with a field for each bucket, which counts what is not in smaller ones."""
    result = sorted(result, key=lambda one: float(one[0]["le"]))
    times = sorted({time for _, samples in result for time, _ in samples})
    fields, below = [], dict.fromkeys(times, 0.0)
    for labels, samples in result:
        counts = dict(samples)
        fields.append(Field(
            labels["le"], [max(counts.get(time, 0.0) - below[time], 0.0) for time in times]
        ))
        below.update(counts)
    return [Frame([Field("Time", times), *fields])] if fields else []  # fmt: skip


def _merge(frames, _):
    """One table: rows that agree in all the fields that they share are one row."""
    if not frames:
        return []
    names = []
    for frame in frames:
        names += [field.name for field in frame.fields if field.name not in names]
    shared = [name for name in names if all(frame.field(name) for frame in frames)]
    rows = {}
    for frame in frames:
        for values in frame.rows():
            row = dict(zip((field.name for field in frame.fields), values))
            rows.setdefault(tuple(row[name] for name in shared), {}).update(row)
    return [Frame([Field(name, [row.get(name) for row in rows.values()]) for name in names])]


def _organize(frames, options):
    def place(field):
        return options["indexByName"].get(field.name, math.inf)

    return [
        Frame([
            dataclasses.replace(field, name=options["renameByName"].get(field.name, field.name))
            for field in sorted(frame.fields, key=place)
            if not options["excludeByName"].get(field.name)
        ], frame.name)
        for frame in frames
    ]  # fmt: skip


def _labels_to_fields(frames, options):
    made = []
    for frame in frames:
        time, value = frame.fields
        labels = {name: value.labels[name] for name in options["keepLabels"]}
        name = labels.pop(options["valueLabel"])
        words = [Field(label, [word] * len(time.values)) for label, word in labels.items()]
        made.append(Frame([time, *words, Field(name, value.values)]))
    return made


def _partition(frames, options):
    (key,) = options["fields"]
    made = []
    for frame in frames:
        for word in dict.fromkeys(frame.field(key).values):
            chosen = [index for index, other in enumerate(frame.field(key).values) if other == word]
            made.append(Frame([
                Field(field.name, [field.values[index] for index in chosen])
                for field in frame.fields if field.name != key
            ], word))
    return made  # fmt: skip


def _reduce(frames, options):
    if options != {"mode": "seriesToRows", "reducers": ["lastNotNull"]}:
        raise NotImplementedError(options)
    fields = [field for frame in frames for field in frame.fields if field.name != "Time"]
    return [Frame([Field("Field", [field.shown for field in fields]),
                   Field("Last *", [field.values[-1] for field in fields])])] if fields else []


def _convert(frames, options):
    for conversion in options["conversions"]:
        if conversion["destinationType"] != "number":
            raise NotImplementedError(conversion)
        for frame in frames:
            field = frame.field(conversion["targetField"])
            field.values = list(map(float, field.values))
    return frames


def _sort(frames, options):
    (key,) = options["sort"]
    made = []
    for frame in frames:
        place = [field.name for field in frame.fields].index(key["field"])
        columns = list(zip(*sorted(frame.rows(), key=lambda row: row[place])))
        made.append(Frame([
            dataclasses.replace(field, values=list(column))
            for field, column in zip(frame.fields, columns)
        ], frame.name))
    return made  # fmt: skip


_TRANSFORMATIONS = {
    "merge": _merge,
    "organize": _organize,
    "labelsToFields": _labels_to_fields,
    "partitionByValues": _partition,
    "reduce": _reduce,
    "convertFieldType": _convert,
    "sortBy": _sort,
}
