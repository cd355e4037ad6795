"""A simulated WhatsApp Cloud API, written from Meta's published facts and from no client of it."""
