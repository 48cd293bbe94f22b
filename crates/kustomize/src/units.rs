//! Parts of the engine by themselves, for conformance tests that go below whole builds.
