"""Builders of the report's figures: tables in, plotly figures out."""
