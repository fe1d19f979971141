"""The hybrid application: it chooses the dialect of everything that is registered, and implements none."""
