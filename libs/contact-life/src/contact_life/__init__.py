"""The pure rules of a contact's life: fold, anomalies, drop attribution; no I/O."""
