"""Artefacts on S3, and the folder of this machine through which everyone reads them."""
