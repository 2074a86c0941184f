"""The annual report, regenerated from a run."""
