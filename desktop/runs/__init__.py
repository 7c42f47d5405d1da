"""Lists of runs, shared by the tabs that train."""
