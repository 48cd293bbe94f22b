//! Server-side apply in stages, inventory, prune.
