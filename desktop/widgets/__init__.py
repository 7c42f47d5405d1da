"""What several features are built from."""
