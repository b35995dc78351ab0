#!/usr/bin/python3
"""Writes the dashboards that Grafana loads.

    python3 monitoring/grafana/source/write_dashboards.py [--check]

A panel is ten lines here and a hundred in JSON, and what is said once here stands in every panel
there: that is why there is a source. With --check nothing is written; the exit code is 1, with the
names of the files, if some are not what would be written.
"""

import argparse
import json
import pathlib
import sys

import model_comparison
import model_detail
import platform_board

FOLDER = pathlib.Path(__file__).absolute().parent.parent / "dashboards"


def files():
    """The text of each file, by its path."""
    boards = {
        "weir/model-comparison.json": model_comparison.build(),
        "weir/model-detail.json": model_detail.build(),
        "weir/platform.json": platform_board.build(),
    }
    return {
        FOLDER / name: json.dumps(board, indent=2, ensure_ascii=False) + "\n"
        for name, board in boards.items()
    }


def main():
    parser = argparse.ArgumentParser(description="Writes the dashboards that Grafana loads.")
    parser.add_argument("--check", action="store_true", help="only say which are not up to date")
    options = parser.parse_args()
    wanted = files()
    there = set(FOLDER.glob("*/*.json"))
    differing = {path for path in there - wanted.keys()} | {
        path
        for path, text in wanted.items()
        if path not in there or path.read_text(encoding="utf-8") != text
    }
    if options.check:
        for path in sorted(differing):
            print(f"not up to date: {path.relative_to(FOLDER.parent)}")
        return 1 if differing else 0
    for path in differing:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(wanted)} dashboards, {len(differing)} of them written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
