"""What can be done wherever somebody is, and the menus that offer it. What the tabs offer is in `features`."""

from dataclasses import dataclass

from desktop.actions import CALM, PRESENT, WHAT_IT_READS, Action
from desktop.guide import book
from desktop.places import TABS
from desktop.projects import actions as projects

SETTINGS = Action(
    "file.settings",
    "&Settings …",
    keys=("Ctrl+,",),
    keywords="system prompt chat template thinking reasoning stop conversations device theme",
)
QUIT = Action("file.quit", "&Quit", keys=("Ctrl+Q",))
UNDO = Action("edit.undo", "&Undo", keys=("Ctrl+Z",))
REDO = Action("edit.redo", "&Redo", keys=("Ctrl+Shift+Z",))
OPEN_TAB = {
    info.id: Action(
        f"go.{info.id}", info.title, info.tip, keys=(f"Ctrl+{number}",), keywords=info.keywords, needs_project=True
    )
    for number, info in enumerate(TABS, start=1)
}
COMMANDS = Action("go.commands", "Find a &command …", keys=("Ctrl+K",))
JOBS = Action("go.jobs", "&Jobs and their logs …", keys=("Ctrl+J",), needs_project=True)
THEMES = {
    "system": Action("view.theme-system", "Theme of the &system", checkable=True),
    "light": Action("view.theme-light", "&Light theme", checkable=True),
    "dark": Action("view.theme-dark", "&Dark theme", checkable=True),
}
WHOLE = Action(
    "view.whole",
    "One &chart on the whole window",
    keys=("Shift+F5",),
    keywords="figure full screen",
    needs_project=True,
)
SYSTEM = Action("view.system", "S&ystem", keys=("Ctrl+Shift+M",))
HELP = Action("help.here", "&Help on what is shown", keys=("F1",))
TOUR = Action("help.tour", "Take the &tour", "Once round the loop, in the project that is open or in the demo")
TOUR_HERE = Action("help.tour-here", "Back to the tour", "Where it stands, by keys", ("Shift+F1",))
GUIDE = {
    page: Action(f"help.{page}", title, keywords="PPO RL Tune algorithm" if page == "policy" else "")
    for page, title in book.PAGES.items()
}
ABOUT = Action("help.about", "&About Plumbline")


PAUSE = Action("job.pause", "Pause", "After this step", ("Ctrl+P",), only_here=True)
RESUME = Action("job.resume", "Resume", "Go on where it was", ("Ctrl+P",), only_here=True, instead_of=PAUSE.id)
STOP = Action("job.stop", "Stop", "After this step", ("Ctrl+.",), only_here=True)
STOP_NOW = Action(
    "job.stop-now", "Stop now", "Without waiting for the step; Resume goes on from the last checkpoint", only_here=True
)
DISMISS = Action("job.dismiss", "Dismiss", "It stays in the list of jobs", only_here=True)


@dataclass(frozen=True)
class Menu:
    """`entries` are separated where one is None. `recent` fills itself with the recent projects."""

    title: str
    entries: "tuple[Action | Menu | None, ...]" = ()
    recent: bool = False


MENUS = (
    Menu(
        "&File",
        (
            projects.NEW,
            projects.OPEN,
            Menu("Open r&ecent", recent=True),
            projects.OPEN_PACK,
            projects.SEND_BACK,
            projects.OPEN_DEMO,
            None,
            projects.ARCHIVE,
            projects.RESTORE,
            projects.DUPLICATE,
            projects.DELETE,
            projects.UNDO_DELETING,
            projects.SHOW_TRASH,
            None,
            projects.REPORT,
            projects.CLOSE,
            SETTINGS,
            QUIT,
        ),
    ),
    Menu("&Edit", (UNDO, REDO)),
    Menu("&Go", (*OPEN_TAB.values(), None, COMMANDS, JOBS)),
    Menu("&View", (*THEMES.values(), None, WHAT_IT_READS, SYSTEM, PRESENT, WHOLE, CALM)),
    Menu("&Help", (HELP, TOUR, TOUR_HERE, *GUIDE.values(), ABOUT)),
)
