"""An integrator's webhook receiver for local use: it checks signatures by itself and shows what came."""
