"""Focal channel knowledge distillation for multi-modality action recognition."""

__version__ = "0.1.0"
