"""The same distillation written with other means, as well as we can."""
