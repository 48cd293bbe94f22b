//! The kustomize build: resources, generators, transformers, patches.
