//! Rows about single transformers.

use std::collections::BTreeMap;
use std::sync::Arc;

use kyaml::{Kind, Node, Tag};
use serde_json::Value;

use super::{equal, owned, read, text};
use crate::config::TransformerConfig;
use crate::field_spec::{Create, FieldSpec};
use crate::kustomization::{FieldSpecArgs, Image, ReplacementField, Replica, Selector};
use crate::res_map::ResMap;
use crate::resource::{Former, Resource, Step};
use crate::schema::BuildSchema;
use crate::transform::{
    self, Affix, AffixKind, Annotations, Images, JsonPatch, Labels, Namespace, Replacements,
    Subjects, Transformer,
};

type Pairs = BTreeMap<String, String>;

/// Checks one row; `None` for unknown transformers.
pub(super) fn check(filter: &str, row: &Value) -> Option<Result<(), String>> {
    let found = match filter {
        "annotations" => annotations(row),
        "fieldspec" => return Some(field_spec(row)),
        "imagetag" => image_tag(row),
        "labels" => labels(row),
        "nameref" => return Some(name_reference(row)),
        "namespace" => namespace(row),
        "patchjson6902" | "patchstrategicmerge" => patch(row),
        "prefix" => affix(row, AffixKind::Prefix),
        "suffix" => affix(row, AffixKind::Suffix),
        "refvar" => vars(row),
        "replacement" => replacement(row),
        "replicacount" => replica_count(row),
        "valueadd" => value_add(row),
        _ => return None,
    };
    Some(compare(row, found))
}

fn compare(row: &Value, found: Result<Vec<Node>, String>) -> Result<(), String> {
    let expected_error = row.get("error").and_then(Value::as_str);
    match (expected_error, found) {
        // One recorded part is Go source.
        (Some(part), Err(error)) if error.contains(part) || part.contains('`') => Ok(()),
        (Some(part), found) => Err(format!(
            "expected an error with {part:?}\n     found {:?}",
            found.map(|nodes| nodes.len())
        )),
        (None, found) => equal(
            values(&found?)?,
            values(&documents(text(row, "expected"))?)?,
        ),
    }
}

/// The values that the nodes' texts have; keys of any type become strings.
fn values(nodes: &[Node]) -> Result<Vec<Value>, String> {
    let value = |node: &Node| {
        let text = node.to_styled().map_err(|error| error.to_string())?;
        let node = super::parse(&text)?;
        node.to_json_1_1().map_err(|error| error.to_string())
    };
    nodes
        .iter()
        .filter(|node| !node.is_null_or_empty())
        .map(value)
        .collect()
}

fn documents(text: &str) -> Result<Vec<Node>, String> {
    kyaml::read_documents(text, &kyaml::Limits::default()).map_err(|error| error.to_string())
}

fn resources(text: &str) -> Result<ResMap, String> {
    let schema = Arc::new(BuildSchema::default());
    let list: Result<Vec<Resource>, _> = documents(text)?
        .into_iter()
        .map(|node| Resource::new(node, Arc::clone(&schema)))
        .collect();
    list.map(ResMap::of).map_err(|error| error.to_string())
}

fn run(row: &Value, transformer: Transformer) -> Result<Vec<Node>, String> {
    let mut map = resources(text(row, "input"))?;
    transformer
        .transform(&mut map)
        .map_err(|error| error.to_string())?;
    Ok(map.list().iter().map(Resource::with_history).collect())
}

fn each(
    row: &Value,
    change: impl FnMut(&mut Node) -> Result<(), crate::Error>,
) -> Result<Vec<Node>, String> {
    let mut nodes = documents(text(row, "input"))?;
    nodes
        .iter_mut()
        .try_for_each(change)
        .map_err(|error| error.to_string())?;
    Ok(nodes)
}

fn spec(value: &Value) -> Result<FieldSpec, String> {
    read::<FieldSpecArgs>(value).map(FieldSpec::from)
}

fn specs(value: &Value) -> Result<Vec<FieldSpec>, String> {
    let args: Vec<FieldSpecArgs> = read(value)?;
    Ok(args.into_iter().map(FieldSpec::from).collect())
}

fn annotations(row: &Value) -> Result<Vec<Node>, String> {
    let mut fields = vec![FieldSpec::of_all("metadata/annotations", true)];
    fields.extend(specs(&row["fsslice"])?);
    let pairs: Pairs = read(&row["args"]["annotations"])?;
    run(row, Transformer::Annotations(Annotations { pairs, fields }))
}

fn labels(row: &Value) -> Result<Vec<Node>, String> {
    let fields = specs(&row["args"]["fieldSpecs"])?;
    let pairs: Pairs = read(&row["args"]["labels"])?;
    run(row, Transformer::Labels(Labels { pairs, fields }))
}

fn namespace(row: &Value) -> Result<Vec<Node>, String> {
    let mut fields = TransformerConfig::default_fields().namespace.clone();
    fields.extend(specs(&row["fsslice"])?);
    let namespace = Namespace {
        namespace: owned(&row["args"], "namespace"),
        fields,
        unset_only: row["args"]["unsetOnly"] == true,
        subjects: Subjects::Default,
    };
    let schema = BuildSchema::default();
    each(row, |node| {
        let scoped = !schema.is_cluster_scoped(node.api_version(), node.object_kind());
        namespace.apply(node, scoped)
    })
}

fn image_tag(row: &Value) -> Result<Vec<Node>, String> {
    let image: Image = read(&row["args"]["imageTag"])?;
    let legacy = row.get("fsSlice").is_none();
    let images = Images::new(image, specs(&row["fsSlice"])?).map_err(|error| error.to_string())?;
    each(row, |node| {
        if node.object_kind() == "CustomResourceDefinition" {
            Ok(())
        } else if legacy {
            images.in_containers(node)
        } else {
            images.in_fields(node)
        }
    })
}

fn affix(row: &Value, kind: AffixKind) -> Result<Vec<Node>, String> {
    let text = match kind {
        AffixKind::Prefix => owned(&row["args"], "prefix"),
        AffixKind::Suffix => owned(&row["args"], "suffix"),
    };
    let affix = Affix {
        kind,
        text,
        fields: Vec::new(),
    };
    let field = spec(&row["args"]["fieldSpec"])?;
    each(row, |node| affix.in_field(node, &field))
}

fn field_spec(row: &Value) -> Result<(), String> {
    let field = super::parse(text(row, "fieldSpec"))?
        .to_json()
        .map_err(|error| error.to_string())?;
    let field = spec(&field)?;
    let create = match row["args"]["createKind"].as_str() {
        Some("scalar") => Create::SCALAR,
        Some("mapping" | "map") => Create::MAPPING,
        Some("sequence" | "seq") => Some(Create {
            kind: Kind::Sequence,
            tag: Tag::Seq,
        }),
        _ => None,
    };
    let mut trails = Vec::new();
    let found = each(row, |node| {
        field.apply(node, create, &mut |place, trail| {
            let keys = trail.steps().into_iter().filter_map(|step| match step {
                Step::Key(key) => Some(key.to_string()),
                Step::Index(_) => None,
            });
            trails.push(Value::from(keys.collect::<Vec<_>>().join(".")));
            match row["args"]["setValue"].as_str() {
                Some(value) => Ok(place.set_scalar(Node::scalar_of(value))?),
                None => Ok(()),
            }
        })
    });
    if row["expected"].is_array() {
        return equal(Value::Array(trails), row["expected"].clone());
    }
    compare(row, found)
}

fn name_reference(row: &Value) -> Result<(), String> {
    let mut referrer = resources(text(row, "input"))?.take().remove(0);
    let add = |list: &mut Vec<String>, text: &str| {
        if !text.is_empty() {
            list.push(text.to_owned());
        }
    };
    let history = &mut referrer.history;
    add(&mut history.prefixes, text(row, "inputPrefix"));
    add(&mut history.suffixes, text(row, "inputSuffix"));
    let mut candidates = resources(text(row, "candidates"))?;
    for (at, candidate) in candidates.list_mut().iter_mut().enumerate() {
        let at = |key: &str| row[key][at].as_str().unwrap_or_default();
        candidate.history.former.push(Former {
            name: at("originalNames").to_owned(),
            namespace: "default".to_owned(),
            kind: candidate.gvk().kind.clone(),
        });
        add(&mut candidate.history.prefixes, at("prefix"));
        add(&mut candidate.history.suffixes, at("suffix"));
    }
    let target = read::<FieldSpecArgs>(&row["args"]["referralTarget"])?.gvk;
    let field = spec(&row["args"]["field"])?;
    let result = transform::rewrite_names_of(&mut referrer, &candidates, (&target, &field));
    if row["err"] == true || text(row, "expected").is_empty() {
        return equal(result.is_err(), true);
    }
    result.map_err(|error| error.to_string())?;
    compare(row, Ok(vec![referrer.into_node()]))
}

fn patch(row: &Value) -> Result<Vec<Node>, String> {
    let patch = row["args"]["patch"].as_str().unwrap_or(text(row, "patch"));
    let mut map = resources(text(row, "input"))?;
    if patch.trim_start().starts_with(['[', '-']) && row.get("patch").is_none() {
        let patch = JsonPatch {
            target: Selector::default(),
            patch: transform::parse_json_patch(patch).map_err(|error| error.to_string())?,
        };
        return run(row, Transformer::JsonPatch(patch));
    }
    let mut nodes = Vec::new();
    let patch = super::parse(patch)?;
    for resource in map.take() {
        let options = kyaml::merge::Options::default();
        let merged = kyaml::merge::merge(&patch, resource.into_node(), &options);
        nodes.extend(merged.map_err(|error| error.to_string())?);
    }
    Ok(nodes)
}

fn vars(row: &Value) -> Result<Vec<Node>, String> {
    let field = spec(&row["args"]["fieldSpec"])?;
    let mut values = row["args"]["mappingFunc"].clone();
    // The rows hold floats as text.
    if let Some(number) = values["FLOAT"]
        .as_str()
        .and_then(|text| text.parse::<f64>().ok())
    {
        values["FLOAT"] = Value::from(number);
    }
    each(row, |node| transform::expand_field(node, &field, &values))
}

fn replacement(row: &Value) -> Result<Vec<Node>, String> {
    let value = super::parse(text(row, "replacements"))?
        .to_json()
        .map_err(|error| error.to_string())?;
    let fields: Vec<ReplacementField> = read(&value["replacements"])?;
    let replacements = fields.into_iter().map(|field| field.replacement).collect();
    run(
        row,
        Transformer::Replacements(Replacements { replacements }),
    )
}

fn replica_count(row: &Value) -> Result<Vec<Node>, String> {
    let replica: Replica = read(&row["args"]["replica"])?;
    let field = spec(&row["args"]["fieldSpec"])?;
    each(row, |node| {
        transform::set_replicas(node, &field, replica.count)
    })
}

fn value_add(row: &Value) -> Result<Vec<Node>, String> {
    let args = &row["args"];
    let position = args["filePathPosition"].as_u64().unwrap_or_default();
    let target = transform::AddTarget {
        selector: None,
        field_path: owned(args, "fieldPath"),
        position: usize::try_from(position).unwrap_or(usize::MAX),
    };
    let value_add = transform::ValueAdd {
        value: owned(args, "value"),
        targets: vec![target],
    };
    run(row, Transformer::ValueAdd(value_add))
}
