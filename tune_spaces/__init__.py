"""Spaces: one YAML file for each benchmark and student."""
