"""Project files as files: looked at while they are closed, copied whole, locked."""
