"""What a tenant has set for all its reports: the time zone in which its days begin."""
