//! Behaviour of the controllers against a real API server.
