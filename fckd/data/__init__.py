"""Recordings of people in several modalities: read, stored once, and read again in views."""
