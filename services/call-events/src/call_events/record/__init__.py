"""What tellers tell, on its way into the log."""
