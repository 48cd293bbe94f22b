//! Remote Git repositories: list refs, fetch one commit, read its tree.
