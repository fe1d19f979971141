"""Parts that any dialect may use; each imports at most one third-party library."""
