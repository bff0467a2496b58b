"""Frames come in, are opened, checked, taken and answered."""
