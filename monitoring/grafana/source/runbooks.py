"""A dashboard for each runbook of docs/runbooks, so that links from Grafana lead to them."""

import pathlib
import re

from panels import dashboard, runbook_path, text

FOLDER = pathlib.Path(__file__).absolute().parents[3] / "docs" / "runbooks"


def build_all():
    for path in sorted(FOLDER.glob("*.md")):
        yield path.stem, build(path.stem, path.read_text(encoding="utf-8"))


def build(alert, markdown):
    title, _, body = markdown.partition("\n")
    board = dashboard(
        f"weir-runbook-{alert}",
        f"Runbook: {alert}",
        f"docs/runbooks/{alert}.md",
        [(title.lstrip("# "), [22, (24, text("", _with_links_that_lead_somewhere(body.strip())))])],
        tags=["weir-runbook"],
    )
    return {**board, "refresh": ""}


def _with_links_that_lead_somewhere(markdown):
    """To other runbooks; what leads to other files of the tree becomes plain words."""
    markdown = re.sub(
        r"\]\((\w+)\.md\)", lambda match: f"]({runbook_path(match[1])})", markdown
    )
    return re.sub(r"\[([^]]+)\]\((?!/d/|https?://)[^)]*\)", r"\1", markdown)
