"""Asterisk by its REST interface (ARI): calls that enter the application are run by what routing says."""
