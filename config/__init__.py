"""What an operator may set: typed settings with documented defaults, their sources and their provenance.

Nothing else in the product reads the environment.
"""

from config.errors import SettingsError
from config.loaded import Loaded, Row
from config.loading import load
from config.settings import Settings

__all__ = ["Loaded", "Row", "Settings", "SettingsError", "load"]
