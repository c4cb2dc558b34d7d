"""The settings themselves, one class for each section, every default written down."""
