"""What is asked of the service and what it answers, by both doors alike."""
