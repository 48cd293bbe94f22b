//! Artifacts: archive, digest, storage, garbage collection, file server, fetch.
