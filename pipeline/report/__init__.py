"""The annual report: its numbers, and the tables, figures, sentences and claims that are made of them alone."""
