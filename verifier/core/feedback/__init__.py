"""Feedback: what senders tell of mail that was sent. One source is one pure function: bytes and headers to events."""
