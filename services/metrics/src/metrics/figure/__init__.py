"""What figures mean: their names, versions, formulas and intervals, declared once; no I/O."""
