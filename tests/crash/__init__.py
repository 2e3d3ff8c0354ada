"""Nothing confirmed is ever lost: pulled plugs, killed processes, full and read-only cards."""
