//! Post-build variable substitution as Flux defines it.
