"""Settings: environment over verifier.toml over defaults; frozen once read."""
