"""What is behind a figure: the facts that entered, the events of each, and the figure computed again from events."""
