"""Rankings into the project: each row's prompt, answers and order, where they are not there already."""

from core.data.rows import Refused, Row
from core.errors import BadInput
from core.events import NewCompletion
from core.records import Labeler, NewRanking, Prompt
from core.store import Project, completions, labelers, prompts, rankings


class Importer:
    """Adds rows of one file inside the caller's transaction. It remembers the groups of each prompt that it met."""

    def __init__(self, project: Project, source: str, labeler: str) -> None:
        self.project = project
        self.source = source
        self.labeler = labeler
        self.people: dict[tuple[str, str, str], Labeler] = {}
        self.groups: dict[int, dict[int, int]] = {}

    def add(self, row: Row) -> bool | Refused:
        """Is the row new? A row with the same prompt, answers and labeler is known."""
        if not row.answers:
            return Refused(row.line, "it has a prompt but no ranked answers")
        try:
            person = self._person(row)
        except BadInput as error:
            return Refused(row.line, str(error))
        prompt_id, texts = self._prompt(row), tuple(answer.text for answer in row.answers)
        groups = self._groups(prompt_id)
        group_id = groups.get(hash(texts))
        if group_id is None:
            made = tuple(NewCompletion(text, 0, True, 0) for text in texts)
            group_id = completions.add_group(self.project, prompt_id, made, sampling={"imported": self.source})
            groups[hash(texts)] = group_id
        elif rankings.is_ranked(self.project, group_id, person.id):
            return False
        self._rank(row, group_id, person)
        return True

    def _person(self, row: Row) -> Labeler:
        name = row.labeler.strip() or self.labeler
        key = (name, row.labeler_kind, row.labeler_detail)
        if key not in self.people:
            self.people[key] = labelers.named(self.project, name, kind=row.labeler_kind, detail=row.labeler_detail)
        return self.people[key]

    def _prompt(self, row: Row) -> int:
        prompt = Prompt(0, row.prompt, row.tags, row.split, self.source)
        prompts.add(self.project, [prompt])
        found = prompts.id_of(self.project, prompt.conversation)
        assert found is not None
        return found

    def _groups(self, prompt_id: int) -> dict[int, int]:
        """The groups of the prompt by what their completions say."""
        if prompt_id not in self.groups:
            texts = completions.texts_by_group(self.project, prompt_id)
            self.groups[prompt_id] = {hash(texts[item]): item for item in sorted(texts, reverse=True)}
        return self.groups[prompt_id]

    def _rank(self, row: Row, group_id: int, person: Labeler) -> None:
        ids = completions.ids(self.project, group_id)
        rankings.add(
            self.project,
            NewRanking(
                group_id,
                person.id,
                {item: answer.rank for item, answer in zip(ids, row.answers, strict=True)},
                flag=row.flag,
                comment=row.comment,
                flags={item: answer.flag for item, answer in zip(ids, row.answers, strict=True) if answer.flag},
                criteria={name: dict(zip(ids, order, strict=True)) for name, order in row.criteria.items()},
                method=row.method,
                seconds=row.seconds,
            ),
        )
