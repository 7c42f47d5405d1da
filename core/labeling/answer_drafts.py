"""Answers that a labeler began to write and did not add yet, in the project while they are typed."""

from core.store import Project

#: Letters of one that are kept.
LONGEST = 100_000
#: What stands in the place of a completion for an answer that mends none.
NEW = 0


class AnswerDrafts:
    """Those of one labeler, by group and by the completion that each mends (`NEW` for none)."""

    def __init__(self, project: Project, labeler_id: int) -> None:
        self.project = project
        self.labeler_id = labeler_id

    def begun(self, group_id: int) -> dict[int, str]:
        """What is begun in a group. A project may come from elsewhere: what nobody could have typed is left."""
        kept = self.project.setting(self._key(group_id))
        return {
            int(of): text
            for of, text in (kept.items() if isinstance(kept, dict) else ())
            if of.isdecimal() and isinstance(text, str) and text and len(text) <= LONGEST
        }

    def keep(self, group_id: int, of: int, text: str) -> None:
        """Write what is typed so far; an empty text forgets it."""
        before = self.begun(group_id)
        now = {other: kept for other, kept in before.items() if other != of} | ({of: text} if text else {})
        if now != before:
            self.project.set_setting(self._key(group_id), now or None)

    def _key(self, group_id: int) -> str:
        return f"draft/answer/{self.labeler_id}/{group_id}"
