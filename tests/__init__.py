"""Behaviour through public doors; see conftest.py for the fixtures."""
