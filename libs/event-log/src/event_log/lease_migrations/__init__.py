"""Tables of partition leases, for the schema of the consumer that shares partitions among its instances."""
