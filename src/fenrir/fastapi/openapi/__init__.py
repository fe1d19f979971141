"""OpenAPI under upstream's module names."""
