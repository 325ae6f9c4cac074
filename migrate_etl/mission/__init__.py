"""Talking to the Mission import API."""
