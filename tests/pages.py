"""What a page to rank in gives back, made here without a browser: as its script does it, from the data in the page."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

DATA = re.compile(r'<script type="application/json" id="pack">(.*?)</script>', re.DOTALL)


class Filled:
    """Somebody ranks in the page at `path`."""

    def __init__(self, path: Path) -> None:
        (found,) = DATA.findall(path.read_text(encoding="utf-8"))
        self.held: dict[str, Any] = json.loads(found)
        self.rankings: list[dict[str, Any]] = []

    def rank(self, group: int, order: str = "1>2>3>4", repeat_of: str | None = None, **more: Any) -> dict[str, Any]:
        """`order` counts the completions by their ids, ties by `=`."""
        item = self.held["items"][str(group)]
        ids = sorted(item["shown"])
        tiers = [[ids[int(number) - 1] for number in tier.split("=")] for tier in order.split(">") if tier]
        ranks = {number: place for place, tier in enumerate(tiers, 1) for number in tier}
        shown = item["again"] if repeat_of else item["shown"]
        items = [
            {"id": number, "rank": ranks.get(number), "flag": None, "position": place, "verdict": None}
            for place, number in enumerate(shown, 1)
        ]
        self.rankings.append(
            {
                "uid": uuid.uuid4().hex, "group": group, "digest": item["digest"],
                "guidelines": self.held["guidelines"], "known": item["known"], "repeat_of": repeat_of,
                "adjudicates": False, "method": "order", "created_at": "2026-05-01T10:00:00.000+00:00",
                "retracted_at": None, "seconds": 12.5, "flag": None, "comment": "", "items": items, "criteria": [],
            } | more
        )  # fmt: skip
        return self.rankings[-1]

    @property
    def answers(self) -> dict[str, Any]:
        known = {uid for item in self.held["items"].values() for uid in item["known"]}
        return {
            "plumbline": "answers", "version": 1, "project": self.held["project"], "labeler": self.held["labeler"],
            "made_at": "2026-05-01T11:00:00.000+00:00", "begun": 0, "known": sorted(known), "rankings": self.rankings,
        }  # fmt: skip

    def write(self, path: Path, **more: Any) -> Path:
        path.write_text(json.dumps(self.answers | more, separators=(",", ":")), encoding="utf-8")
        return path
