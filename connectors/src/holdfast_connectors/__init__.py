"""What joins phone systems to Holdfast: a simulated one, and Asterisk. Public doors only."""
