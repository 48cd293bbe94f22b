//! Every Flux CRD, condition, reason, Artifact and Event as Rust types.
