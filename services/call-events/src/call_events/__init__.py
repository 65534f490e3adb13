"""What happened on the line."""
