"""What is asked of the service and what it answers, over gRPC and JSON."""
