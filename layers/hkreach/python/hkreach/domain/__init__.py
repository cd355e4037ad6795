"""What a message, an app, a key, an event are: pure, no clock, no environment, no AWS."""
