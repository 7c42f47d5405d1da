"""Where widgets ask to go. The window's page of a project is one; a widget that stands alone has `Nowhere`."""

from typing import Protocol

from desktop.places import PageId, TabId


class Navigator(Protocol):
    """What leads from one tab to another. Whoever is asked may refuse quietly: a tab that cannot be built is told as
    any error is."""

    def open_tab(self, tab: TabId) -> object:
        """Show a tab."""

    def open_page(self, tab: TabId, page: PageId) -> None:
        """Show a page of a tab, or a panel beside it, ready for what is done there."""

    def hold_prompts_out(self) -> None:
        """Show where prompts are held out."""

    def show_newest_run(self, tab: TabId) -> None:
        """Show a tab that has runs, with the run that was begun last."""

    def write_with(self, policy_job: int, checkpoint: str = "last") -> None:
        """Show where a run's policy writes completions to be ranked."""

    def compare_with(self, policy_job: int, checkpoint: str) -> None:
        """Show a checkpoint of a run beside the reference."""

    def adjudicate(self, group_id: int) -> None:
        """Show completions on which labelers disagree, to be ranked once for all."""

    def rank(self, group_id: int) -> None:
        """Show completions to be ranked now, wherever they stand in the queue."""

    def send_back(self) -> None:
        """Ask where to write the labeling pack that is open, with what was ranked in it."""

    def show_guide(self) -> None:
        """Show the guide's page about what is shown."""

    def show_jobs(self) -> None:
        """Show all jobs with their logs."""


class Nowhere:
    """Leads nowhere: there is no window around."""

    def open_tab(self, tab: TabId) -> object:
        return None

    def open_page(self, tab: TabId, page: PageId) -> None:
        pass

    def hold_prompts_out(self) -> None:
        pass

    def show_newest_run(self, tab: TabId) -> None:
        pass

    def write_with(self, policy_job: int, checkpoint: str = "last") -> None:
        pass

    def compare_with(self, policy_job: int, checkpoint: str) -> None:
        pass

    def adjudicate(self, group_id: int) -> None:
        pass

    def rank(self, group_id: int) -> None:
        pass

    def send_back(self) -> None:
        pass

    def show_guide(self) -> None:
        pass

    def show_jobs(self) -> None:
        pass
