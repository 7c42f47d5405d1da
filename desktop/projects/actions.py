"""What can be done with projects as a whole: entries of the File menu."""

from desktop.actions import Action

NEW = Action("file.new", "&New project …", keys=("Ctrl+N",))
OPEN = Action("file.open", "&Open project …", keys=("Ctrl+O",))
OPEN_PACK = Action("file.open-pack", "Open a &labeling pack …")
SEND_BACK = Action("file.send-back", "Send the labeling pack &back …", needs_project=True)
OPEN_DEMO = Action("file.demo", "Open the &demo project")
ARCHIVE = Action("file.archive", "&Archive the project to a file …", needs_project=True)
RESTORE = Action("file.restore", "Restore an arch&ive …")
DUPLICATE = Action("file.duplicate", "D&uplicate the project …", needs_project=True)
DELETE = Action("file.delete", "Dele&te the project …", needs_project=True)
UNDO_DELETING = Action("file.undo-deleting", "Undo deleting")
SHOW_TRASH = Action("file.trash", "Deleted pro&jects and runs …")
REPORT = Action("file.report", "&Report of the experiment …", needs_project=True)
CLOSE = Action("file.close", "&Close project", keys=("Ctrl+W",), needs_project=True)
