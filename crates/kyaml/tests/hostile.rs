//! Inputs that are made to hurt: each is refused, or costs no more than it should.

use kyaml::{Entry, Error, Limits, Node};

fn read(text: &str) -> Result<Vec<Node>, Error> {
    kyaml::read_objects(text, &Limits::default())
}

#[test]
fn refuses_alias_bombs() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(matches!(read(&text), Err(Error::Limit(_))));
}

#[test]
fn refuses_anchors_that_contain_themselves() {
    let err = read("a: &x [*x]\n").unwrap_err();
    assert_eq!(err.to_string(), "yaml: anchor 'x' value contains itself");
}

#[test]
fn refuses_deep_nesting() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
    ] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn refuses_too_many_nodes_and_bytes() {
    let limits = Limits {
        nodes: 10,
        ..Limits::default()
    };
    assert!(matches!(
        kyaml::read_objects(&"- a\n".repeat(20), &limits),
        Err(Error::Limit(_))
    ));
    let limits = Limits {
        bytes: 10,
        ..Limits::default()
    };
    assert!(matches!(
        kyaml::read_objects("a: bcdefghijkl\n", &limits),
        Err(Error::Limit(_))
    ));
}

#[test]
fn copies_and_drops_deep_trees() {
    let mut node = Node::scalar_of("x");
    for level in 0..200_000 {
        node = match level % 2 {
            0 => Node::sequence_of([node]),
            _ => Node::mapping_of([("k", node)]),
        };
    }
    let copy = node.clone();
    assert_eq!(copy.count(), node.count());
    assert!(matches!(
        copy.to_output(&mut String::new()),
        Err(Error::Limit(_))
    ));
    assert!(copy.to_styled().is_err());
    assert!(copy.to_json().is_err());
}

#[test]
fn keeps_wide_maps_and_lists_cheap() {
    let wide: String = (0..100_000).map(|n| format!("k{n}: {n}\n")).collect();
    let object = read(&wide).unwrap().remove(0);
    let merged = kyaml::merge::merge(&object, object.clone(), &kyaml::merge::Options::default());
    assert_eq!(merged.unwrap().unwrap().entries().len(), 100_000);
    let list = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n".to_owned();
    let list: String = (0..20_000).fold(list, |list, n| list + &format!("  - name: c{n}\n"));
    let object = read(&list).unwrap().remove(0);
    let merged = kyaml::merge::merge(&object, object.clone(), &kyaml::merge::Options::default());
    let merged = merged.unwrap().unwrap();
    assert_eq!(
        merged.at(&["spec", "containers"]).unwrap().items().len(),
        20_000
    );
}

#[test]
fn entries_are_plain_values() {
    let entry = Entry {
        key: Node::scalar_of("k"),
        value: Node::null(),
    };
    assert!(entry.value.is_null());
}
