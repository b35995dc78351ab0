#!/usr/bin/python3
"""Draws the dashboards once, from what a running Prometheus has, without Grafana.

    render.py --prometheus=http://127.0.0.1:9090 --out=DIRECTORY [--minutes=15] [--end=UNIX_SECONDS]
              [--set model=flats-price ..]

writes one SVG for each dashboard, to look at layout, legends and units. It is no Grafana: fonts,
spacing and round numbers on axes differ.
"""

import argparse
import pathlib
import sys
import time

import boards
import frames
import pictures
import svg
from prometheus import Prometheus

COLUMN, ROW, GAP, MARGIN, TOP = 62, 38, 8, 12, 64
SCRAPE_SECONDS = 5


def frames_of(panel, prometheus, values, span):
    step = max((span[1] - span[0]) / 100, 1)
    rate = max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)
    values = {**values, "__rate_interval": f"{rate:.0f}s", "__interval": f"{step:.0f}s",
              "__range": f"{span[1] - span[0]:.0f}s"}  # fmt: skip

    def ask(target):
        expr = boards.fill(target["expr"], values)
        if target["instant"]:
            return prometheus.at(expr, span[1])
        return prometheus.over(expr, *span, step)

    return frames.of_panel(panel, ask)


def picture(board, prometheus, wanted, span):
    values = boards.choices(board, prometheus, wanted, span[1])
    bottom = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
    width, height = 24 * COLUMN + 2 * MARGIN, bottom * ROW + TOP
    shapes = [
        svg.rect(0, 0, width, height, svg.PAGE),
        svg.words(MARGIN, 26, board["title"], 18, font_weight=600),
    ]
    x = MARGIN
    for variable in board["templating"]["list"]:
        value = values[variable["name"]]
        text = "All" if isinstance(value, list) else value
        width_of_label = svg.width_of(variable["label"], 12)
        shapes += [svg.words(x, 52, variable["label"], 12, svg.colour("blue")),
                   svg.words(x + width_of_label + 8, 52, text, 12)]  # fmt: skip
        x += width_of_label + svg.width_of(text, 12) + 40
    for panel in board["panels"]:
        grid = panel["gridPos"]
        place = svg.Box(MARGIN + grid["x"] * COLUMN, TOP + grid["y"] * ROW,
                        grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP)  # fmt: skip
        if panel["type"] == "row":
            shapes.append(svg.words(place.x, place.y + 20, panel["title"], 14, font_weight=600))
            continue
        results = frames_of(panel, prometheus, values, span)
        shapes += pictures.draw(panel, results, place, span)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" font-family="Inter, Helvetica, Arial, sans-serif">\n'
            + "\n".join(shapes) + "\n</svg>\n")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description="Draws the dashboards from what Prometheus has.")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="directory of the pictures")
    parser.add_argument("--minutes", type=float, default=15, help="how much of the past is shown")
    parser.add_argument("--end", type=float, default=time.time(), help="until when, since 1970")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="the value of a variable")  # fmt: skip
    options = parser.parse_args()
    wanted = dict(one.split("=", 1) for one in options.set)
    span = (options.end - 60 * options.minutes, options.end)
    options.out.mkdir(parents=True, exist_ok=True)
    for path, board in boards.load().items():
        text = picture(board, Prometheus(options.prometheus), wanted, span)
        (options.out / f"{path.stem}.svg").write_text(text, encoding="utf-8")
        print(f"{options.out / path.stem}.svg, {len(text) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
