"""The weekly meteorological condition index, from models that stay as they were fitted and the newest weather."""
