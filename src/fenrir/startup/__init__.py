"""A folder for PYTHONPATH, not for `import`: its `sitecustomize` runs when a Python process starts (`fenrir.adopt`)."""
