"""The holdfast command: up, import, generate, tail, figures, explain, rebuild, doctor."""
