"""The report's own figures, painted from its facts."""
