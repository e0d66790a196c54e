"""What the speed figures of the README are remade with."""
