//! GitRepository to artifact, served over HTTP.
