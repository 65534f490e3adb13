"""Facts of the logs, declared once: tables, their fold, their description."""
