//! YAML as Go's yaml.v3 and kyaml read, merge and print it.
