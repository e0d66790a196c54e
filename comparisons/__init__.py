"""Comparisons that come with fckd: named variants of one experiment, the same seeds for each."""
