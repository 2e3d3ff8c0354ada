"""How signed records are made, judged and carried."""
