"""Names that a registry and those who only pull from it agree on."""

SHA256_TAG = "fckd.sha256"
"""On a version: the SHA-256 of its weights."""
FINGERPRINT_TAG = "fckd.fingerprint"
"""On a version: the SHA-256 of its sums. Who may write to the artefacts only cannot change it."""
STUDENT_PATH = "data/student"
"""Where the student's own files lie in an MLflow model."""
