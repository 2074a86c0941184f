"""Worlds whose truth is known: realistic weather, planted emissions, box physics, and what they imply."""
