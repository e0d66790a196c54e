"""Words that one part writes and another reads, where neither may import the other."""

SWEEP_TAG = "fckd.sweep"
"""On an MLflow run, and on the version of a student: the id of the sweep."""
TRIAL_TAG = "fckd.trial_key"
"""On these too: the key of the trial."""
TRIAL_KEY = "trial_key"
"""In the ledger, of a trial: its key, the name of the study and a number."""
SUPERSEDED = "superseded"
"""In the ledger, of a trial that never ran: a draw of what was known already, or a point taken
back."""
