"""Facts folded anew beside the live ones, compared, and taken live."""
