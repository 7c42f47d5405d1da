"""What the tabs are built from."""
