"""The SMTP relay: what a client sends goes on to the upstream inside the client's own transaction."""
