"""The weekly meteorological condition index: windows, outlook, files and the forecaster's page."""
