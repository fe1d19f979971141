"""Reading signatures under upstream's names: `models`, `utils`."""
