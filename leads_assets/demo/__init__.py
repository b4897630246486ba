"""The bundled demo API: a loopback HTTP server with invented data, faults on demand, and nothing behind it."""
