"""The window's frame: menus, sidebar, tab stack, job bar, command palette, notices."""
