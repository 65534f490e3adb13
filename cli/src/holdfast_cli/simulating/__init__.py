"""What a simulated centre's phone system would tell, and where it goes."""
