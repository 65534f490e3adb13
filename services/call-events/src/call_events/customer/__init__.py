"""Who calls: numbers, their sealed form and keys, and forgetting a customer."""
