"""Services with one mechanism built wrong on purpose: programs that the fault suite runs in the services' place."""
