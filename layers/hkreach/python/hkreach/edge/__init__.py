"""The edge towards HTTP clients: authentication, bodies in, answers and problems out."""
