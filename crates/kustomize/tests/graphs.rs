//! A thousand random graphs of kustomizations: each ends, and one with a cycle says which.

use std::collections::BTreeSet;

use file_tree::FileTree;
use kustomize::{Limits, LoadRestriction, Options, TreeFs};

/// The next number of a fixed sequence.
fn next(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 40).unwrap_or(0)
}

/// Which kustomization includes which, by field.
struct Graph {
    resources: Vec<Vec<usize>>,
    components: Vec<Vec<usize>>,
}

impl Graph {
    fn random(state: &mut u64) -> Self {
        let size = 2 + next(state) % 9;
        let dense = next(state) % 3;
        let mut edges = |mixed: bool| -> Vec<Vec<usize>> {
            let of_node = |at: usize, state: &mut u64| {
                let count = if mixed && !next(state).is_multiple_of(4) {
                    0
                } else {
                    next(state) % (2 + dense)
                };
                let mut below: Vec<usize> = (0..count)
                    .map(|_| match next(state) % 3 {
                        // Mostly downwards, so that many graphs have no cycle; 0 is the root.
                        0 => next(state) % size,
                        _ => (at + 1 + next(state) % size).min(size),
                    })
                    .filter(|below| *below < size)
                    .collect();
                below.dedup();
                below
            };
            (0..size).map(|at| of_node(at, state)).collect()
        };
        Self {
            resources: edges(false),
            components: edges(true),
        }
    }

    fn tree(&self) -> FileTree {
        let mut tree = FileTree::default();
        for (at, (resources, components)) in self.resources.iter().zip(&self.components).enumerate()
        {
            let list = |nodes: &[usize]| {
                nodes
                    .iter()
                    .map(|node| format!("\n- ../k{node}"))
                    .collect::<String>()
            };
            let mut text = format!(
                "namePrefix: k{at}-\nresources:\n- r.yaml{}\n",
                list(resources)
            );
            if !components.is_empty() {
                text += &format!("components:{}\n", list(components));
            }
            let is_component = self.components.iter().any(|list| list.contains(&at));
            if is_component {
                text += "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";
            }
            let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}}}\n");
            for (name, text) in [("kustomization.yaml", text), ("r.yaml", object)] {
                tree.insert_file(&format!("k{at}/{name}"), text.into_bytes(), false)
                    .expect("inserts");
            }
        }
        tree
    }

    /// Whether a cycle can be reached from the root.
    fn has_cycle(&self) -> bool {
        // Nodes on the way, and what is below them and not yet seen.
        let mut way: Vec<(usize, Vec<usize>)> = vec![(0, self.below(0))];
        let mut done = BTreeSet::new();
        while let Some((node, below)) = way.last_mut() {
            let node = *node;
            let Some(next) = below.pop() else {
                done.insert(node);
                way.pop();
                continue;
            };
            if way.iter().any(|(on_the_way, _)| *on_the_way == next) {
                return true;
            }
            if !done.contains(&next) {
                way.push((next, self.below(next)));
            }
        }
        false
    }

    fn below(&self, node: usize) -> Vec<usize> {
        self.resources[node]
            .iter()
            .chain(&self.components[node])
            .copied()
            .collect()
    }
}

#[test]
fn random_graphs_build_or_name_what_is_wrong() {
    let options = Options {
        load_restriction: LoadRestriction::None,
        limits: Limits {
            kustomizations: 2_000,
            resources: 5_000,
            ..Limits::default()
        },
        ..Options::default()
    };
    let mut state = 1;
    let (mut built, mut cycles) = (0, 0);
    for number in 0..1_000 {
        let graph = Graph::random(&mut state);
        let tree = graph.tree();
        let result = kustomize::build(&TreeFs::new(&tree, "/in"), "/in/k0", &options);
        match result.map_err(|error| error.to_string()) {
            Ok(_) => {
                assert!(!graph.has_cycle(), "graph {number} builds");
                built += 1;
            }
            Err(error) if error.contains("cycle detected") => {
                assert!(graph.has_cycle(), "graph {number} has no cycle: {error}");
                let names = error.contains("candidate root '/in/k")
                    && error.contains("visited root '/in/k");
                assert!(names, "graph {number}: {error}");
                cycles += 1;
            }
            // The same base twice, a component as a resource: seen before any cycle.
            Err(error) => {
                let other = [
                    "already registered id",
                    "expected kind",
                    "the build needs more than",
                ];
                assert!(
                    other.iter().any(|text| error.contains(text)),
                    "graph {number}: {error}"
                );
            }
        }
    }
    assert!(
        built >= 100 && cycles >= 100,
        "{built} build, {cycles} name a cycle"
    );
}
