"""Exchanges to applications: one module per interface that an application may speak."""
