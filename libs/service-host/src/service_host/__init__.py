"""What every process is hosted by: settings, authentication, errors, health, drain, telemetry."""
