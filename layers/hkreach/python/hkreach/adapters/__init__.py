"""The edge towards AWS, Meta and the integrators' servers; each module is named after the technology it speaks."""
