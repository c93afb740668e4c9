"""Inputs that people bring, each made by code: one file a kind."""
