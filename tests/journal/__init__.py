"""Durable, bounded, checksummed segments between the socket and the database."""
