"""Ways of speaking to the world that several adapters share: MIME, SMTP."""
