"""The pure side of the loop with phone systems and desktops: what goes out follows from what was decided. No I/O."""
