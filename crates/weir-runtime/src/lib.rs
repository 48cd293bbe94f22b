//! The controller shell: watches, queue, status, events, metrics, leases.
