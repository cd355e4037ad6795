"""HK Reach: send WhatsApp templates through an Outbox, and tell what became of them."""
