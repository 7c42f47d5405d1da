"""Projects as a whole: the welcome page, opening, copying, archiving, the trash."""
