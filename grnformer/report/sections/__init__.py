"""Sections of the page, one file a stage: functions of the tables that the stages wrote."""
