"""Asks a running Prometheus."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request


class Error(Exception):
    """What Prometheus says of a query that it does not like."""


class Prometheus:
    def __init__(self, address):
        self.address = address.rstrip("/")

    def at(self, expr, time):
        """The series that `expr` gives: pairs of labels and [(time, value)]."""
        data = self._get("query", query=expr, time=time)
        if data["resultType"] == "scalar":
            return [({}, [_sample(data["result"])])]
        return [(one["metric"], [_sample(one["value"])]) for one in data["result"]]

    def over(self, expr, start, end, step):
        """The same for each step of a time."""
        data = self._get("query_range", query=expr, start=start, end=end, step=step)
        return [(one["metric"], list(map(_sample, one["values"]))) for one in data["result"]]

    def label_values(self, query, end, seconds=3600):
        """What Grafana's label_values(series, label) gives."""
        series, label = re.fullmatch(r"label_values\((.*), *(\w+)\)", query).groups()
        return self._get(
            f"label/{label}/values", **{"match[]": series, "start": end - seconds, "end": end}
        )

    def page(self, path):
        """What a browser gets."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            return answer.read().decode()

    def _get(self, path, **parameters):
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Error(f"{json.load(error).get('error')}: {parameters.get('query')}") from error


def _sample(pair):
    return float(pair[0]), float(pair[1])
