//! A real control plane, Git server and event sink for tests.
