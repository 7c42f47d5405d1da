"""Do labelers agree: with each other, with the author's calibration set, with themselves; and where they do not."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QTableWidget, QWidget

from core.errors import KnownError
from core.preferences import agreement
from core.preferences.agreement import Agreement, Calibration, Disagreement, Report
from core.preferences.interval import Interval
from core.store import Project, calibration, groups, labelers, rankings
from core.texts import one_line
from desktop.actions import GO_TO, GO_TO_PAGE
from desktop.background import with_project
from desktop.places import PageId, TabId
from desktop.review import actions
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import Number, card, clear, column, label, row, scrolled
from desktop.widgets.bound import action_button, bind
from desktop.widgets.columns import keep_columns
from desktop.widgets.flowing import Flowing
from desktop.widgets.tables import fill, table

NEEDS = (
    "Once two labelers rank the same prompts, this page shows how far they agree, by labeler and by tag. Add them and "
    "share each prompt out to 2 or more under Labelers."
)
MEASURES = ("Pairs alike", "alpha", "W", "tau-b")
SHOWN = 50
DIFFERENCES = 6


@dataclass(frozen=True)
class Found:
    """Everything on the page, computed beside the window."""

    number: int
    report: Report
    steady: dict[int, Interval]
    calibrated: dict[int, Calibration]


class AgreementPage(QWidget):
    """`labelers_asked` is for the page on which prompts are shared out."""

    labelers_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._asked = 0
        self.pairwise = Number(
            "pairs judged alike", "Of the pairs that two labelers both ordered. Chance is near 50 %."
        )
        self.alpha = Number(
            "Krippendorff's alpha", "Ordinal. 1 is perfect, 0 is chance; below 0.67 nothing should rest on it."
        )
        self.w = Number("Kendall's W", "How far the orders of one prompt concur: 0 not at all, 1 wholly.")
        self.tau = Number(
            "Kendall's tau-b", "From -1 (opposite orders) to 1 (the same order), ties taken into account."
        )
        self.about = label("", "muted", wrap=True)
        self.people_only = bind(actions.PEOPLE_ONLY, QCheckBox(self))
        self.people_only.setChecked(not _only_scripts_ranked(session.project))
        self.people_only.toggled.connect(lambda: self.load())
        self.by_labeler = _wide(("Labeler", *MEASURES, "With the author", "With themselves"))
        self.by_tag = _wide(("Tag", *MEASURES, "Prompts"))
        self.calibration_text = label("", "muted", wrap=True)
        self.calibration_list = column(spacing=SPACE // 2)
        self.difference_title = label("Where labelers read the guidelines otherwise", "muted")
        self.difference_title.hide()
        self.difference_list = column(spacing=SPACE)
        self.worst_title = label("Where labelers disagree most", "heading")
        self.worst_list = column(spacing=SPACE)
        self.empty = card(  # seen once that is known
            column(
                label("Nobody to agree with yet", "heading"),
                label(NEEDS, "muted", wrap=True),
                row(action_button(GO_TO_PAGE[PageId.LABELERS], self.labelers_asked.emit), None),
            )
        )
        self.numbers = Flowing(self.pairwise, self.alpha, self.w, self.tau, spacing=4 * SPACE)
        self.tables = QWidget()
        self.tables.setLayout(
            column(
                label("By labeler", "heading"), self.by_labeler, label("By tag", "heading"), self.by_tag,
                spacing=SPACE + 4,
            )
        )  # fmt: skip
        head = row(self.numbers, self.people_only, spacing=2 * SPACE)
        head.setStretch(0, 1)
        head.setAlignment(self.people_only, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        inner = QWidget()
        inner.setLayout(
            column(
                head,
                self.about,
                self.empty,
                self.tables,
                self._calibration(),
                self.worst_title,
                self.worst_list,
                None,
                spacing=SPACE + 4,
            )
        )
        for each in (self.numbers, self.empty, self.tables):
            each.hide()
        layout = column(scrolled(inner))
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)

    def _calibration(self) -> QWidget:
        self.add = action_button(actions.ADD_NEWEST, self.add_newest)
        self.rank = action_button(GO_TO[TabId.RANK], lambda: self.session.navigator.open_tab(TabId.RANK))
        self.rank.setToolTip("The set is made of your own rankings")
        return card(
            column(
                label("Calibration set", "heading"),
                label(
                    "Prompts with the author's own order. A new labeler gets them first, without knowing, and then "
                    "sees where they differ: so it shows whether the guidelines are read as they were meant.",
                    "muted",
                    wrap=True,
                ),
                self.calibration_text,
                self.calibration_list,
                row(self.add, self.rank, None),
                self.difference_title,
                self.difference_list,
            )
        )

    def refresh(self) -> None:
        self._show_calibration()
        self.load()

    def load(self) -> None:
        """Compute anew, beside the window."""
        self._asked += 1
        number, people = self._asked, self.people_only.isChecked()
        self.about.setText("Computing …")
        self.about.show()

        with_project(self, self.session.project, lambda project: _found(project, number, people), self._show)

    def _show(self, found: Found) -> None:
        if found.number != self._asked:
            return
        report = found.report
        everyone = report.overall
        for shown, interval, form in (
            (self.pairwise, everyone.pairwise, "{:.0%}"),
            (self.alpha, everyone.alpha, "{:.2f}"),
            (self.w, everyone.w, "{:.2f}"),
            (self.tau, everyone.tau_b, "{:.2f}"),
        ):
            shown.show_value(interval.value, form, between=(interval.low, interval.high))
        enough = everyone.groups > 0
        tags = (
            f"Of the tags the {agreement.MOST_TAGS} of most prompts." if len(report.tags) == agreement.MOST_TAGS else ""
        )
        parts = (
            f"Over {everyone.groups:,} prompts that at least two of {everyone.labelers:,} labelers ranked.",
            report.lacks,
            "In brackets: 95% intervals by bootstrap over prompts.",
            tags,
        )
        self.about.setText(" ".join(filter(None, parts)) if enough else "")
        self.numbers.setVisible(enough)
        self.about.setVisible(enough)
        self.empty.setVisible(not enough)
        names = {who.id: who for who in labelers.listed(self.session.project)}
        known = {*report.labelers, *found.calibrated, *found.steady}
        self.tables.setVisible(bool(known))
        fill(
            self.by_labeler,
            [
                (
                    names[item].name + names[item].mark,
                    *measures(report.labelers.get(item)),
                    long(found.calibrated[item].agreement) if item in found.calibrated else "–",
                    long(found.steady[item]) if item in found.steady else "–",
                )
                for item in names
                if item in known
            ],
        )
        fill(
            self.by_tag,
            [(tag, *measures(item), f"{item.groups:,}") for tag, item in report.tags.items()],
        )
        self._show_worst(report.disagreements)
        self._show_differences({names[who].name + names[who].mark: result for who, result in found.calibrated.items()})

    def _show_differences(self, results: dict[str, Calibration]) -> None:
        """Where labelers order the calibration set otherwise than its author, the strongest first."""
        clear(self.difference_list)
        found = [(item.agreement, who, item.prompt) for who, result in results.items() for item in result.differences]
        self.difference_title.setVisible(bool(found))
        for share, who, prompt in sorted(found)[:DIFFERENCES]:
            text = label(one_line(prompt, 4000), wrap=True)
            agreed = f"{one_line(who, 80)} and the author agree on {share:.0%} of the pairs"
            self.difference_list.addLayout(column(text, label(agreed, "small", wrap=True), spacing=2))

    def _show_worst(self, worst: list[Disagreement]) -> None:
        clear(self.worst_list)
        left = [item for item in worst if item.agreement < 1]
        self.worst_title.setVisible(bool(left))
        for item in left[:SHOWN]:
            text = label(one_line(item.prompt, 160), wrap=True)
            agreed = f"{item.labelers} labelers agree on {item.agreement:.0%} of the pairs"
            state = "adjudicated" if item.adjudicated else agreed
            decide = action_button(actions.ADJUDICATE, partial(self.adjudicate, item.group_id))
            line = row(column(text, label(state, "small", wrap=True), spacing=2), decide, spacing=2 * SPACE)
            line.setStretch(0, 1)
            self.worst_list.addWidget(card(line))

    def adjudicate(self, group_id: int) -> None:
        """Open the prompt in the Rank tab, to decide it."""
        self.session.navigator.adjudicate(group_id)

    def _show_calibration(self) -> None:
        project = self.session.project
        clear(self.calibration_list)
        keys = calibration.keys(project)
        noun = "prompt" if len(keys) == 1 else "prompts"
        me = labelers.find(project, self.session.labeler_name)
        ranked = me is not None and rankings.latest(project, me.id) is not None
        self.add.setVisible(rankings.stand(project))
        self.rank.setVisible(not ranked)
        nothing = "Nothing is in the set yet." if ranked else "It needs a ranking of yours first: rank a prompt."
        self.calibration_text.setText(f"{len(keys):,} {noun} in the set." if keys else nothing)
        for group_id, ranking_id in list(keys.items())[:SHOWN]:
            ranking = rankings.get(project, ranking_id)
            prompt = groups.prompt_text(project, group_id)
            said = f"{one_line(prompt, 110)}   ({one_line(ranking.labeler.name, 60)}{ranking.labeler.mark})"
            line = row(label(said, wrap=True), action_button(actions.TAKE_OUT, partial(self.remove, group_id)))
            line.setStretch(0, 1)
            self.calibration_list.addLayout(line)

    def add_newest(self) -> None:
        """Make the labeler's last ranking a key of the calibration set."""
        project = self.session.project
        try:
            who = labelers.named(project, self.session.labeler_name)
            newest = rankings.latest(project, who.id)
            if newest is None:
                self.calibration_text.setText("You have not ranked anything yet: the set is made of your own rankings.")
                return
            changes = calibration.add(project, newest.id)
        except KnownError as error:
            self.calibration_text.setText(str(error))
            return
        self.session.announce(changes, self)
        self.refresh()

    def remove(self, group_id: int) -> None:
        self.session.announce(calibration.remove(self.session.project, group_id), self)
        self.refresh()


def _only_scripts_ranked(project: Project) -> bool:
    people = [who for who in labelers.listed(project) if who.kind == "person"]
    return rankings.exist(project) and not any(rankings.latest(project, who.id) for who in people)


def _found(project: Project, number: int, people_only: bool) -> Found:
    busiest = labelers.busiest(project, actions.CHOICES)
    people = [who for who in busiest if who.kind == "person" or not people_only]
    keys = calibration.keys(project)
    calibrated = {who.id: agreement.against_calibration(project, who.id) for who in people} if keys else {}
    return Found(
        number,
        agreement.measure(project, people_only=people_only, limit=SHOWN),
        agreement.self_consistency(project),
        {who: found for who, found in calibrated.items() if found.ranked},
    )


def measures(found: Agreement | None) -> tuple[str, ...]:
    """The cells of `MEASURES`."""
    if found is None:
        return ("–",) * len(MEASURES)
    return (long(found.pairwise), *(long(item, percent=False) for item in (found.alpha, found.w, found.tau_b)))


def long(interval: Interval, *, percent: bool = True) -> str:
    """`83% (71–92)`, or `0.61 (0.40, 0.78)`."""
    if interval.value is None:
        return "–"
    if interval.low is None or interval.high is None:
        return f"{100 * interval.value:.0f}%" if percent else f"{interval.value:.2f}"
    if percent:
        return f"{100 * interval.value:.0f}% ({100 * interval.low:.0f}–{100 * interval.high:.0f})"
    return f"{interval.value:.2f} ({interval.low:.2f}, {interval.high:.2f})"


def _wide(columns: tuple[str, ...]) -> QTableWidget:
    """A table as high as its rows: the page scrolls, not the table."""
    found = table(f"Agreement by {columns[0].lower()}", columns)
    found.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    found.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
    found.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    keep_columns(found, dict.fromkeys(range(1, len(columns)), 84))
    return found
