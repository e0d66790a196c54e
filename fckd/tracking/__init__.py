"""What a sweep tells MLflow, and the figures and the report that it leaves behind."""
