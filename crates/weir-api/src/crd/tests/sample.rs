//! The Rust types hold every field of the schemas: a sample value of each survives a round trip.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::crd::Crd;
use crate::helm::v2::HelmRelease;
use crate::image::v1::{ImagePolicy, ImageRepository, ImageUpdateAutomation};
use crate::kustomize::v1::Kustomization;
use crate::notification::v1::Receiver;
use crate::notification::v1beta3::{Alert, Provider};
use crate::resource::CustomResource;
use crate::source::v1::{
    Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OciRepository,
};

trait Kind: CustomResource + schemars::JsonSchema + Serialize + DeserializeOwned {}
impl<T: CustomResource + schemars::JsonSchema + Serialize + DeserializeOwned> Kind for T {}

/// How often enums appear with their `n`-th value; the largest enum has 32.
const ROUNDS: usize = 32;

/// A value that the schema admits and that is not its type's zero value.
fn sample(schema: &Value, round: usize) -> Value {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return values[round % values.len()].clone();
    }
    match schema["type"].as_str() {
        Some("object") => sample_object(schema, round),
        Some("array") => json!([
            sample(&schema["items"], round),
            sample(&schema["items"], round + 1)
        ]),
        Some("boolean") => json!(true),
        Some("integer") => json!(round + 1),
        Some("string") if schema["format"] == "date-time" => json!("2026-01-02T03:04:05Z"),
        Some("string") => json!(format!("text {round}")),
        None if schema["x-kubernetes-preserve-unknown-fields"] == true => {
            json!({"any": [1, "thing", null]})
        }
        other => panic!("no sample for type {other:?}"),
    }
}

fn sample_object(schema: &Value, round: usize) -> Value {
    match (&schema["properties"], &schema["additionalProperties"]) {
        (Value::Object(properties), _) => properties
            .iter()
            .map(|(name, property)| (name.clone(), sample(property, round)))
            .collect(),
        (_, Value::Null) => json!({}),
        (_, values) => json!({"key": sample(values, round)}),
    }
}

fn check<K: Kind>() {
    let manifest = Crd::of::<K>().manifest;
    let schema = &manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for round in 0..ROUNDS {
        let mut object = sample(schema, round);
        object["apiVersion"] = json!(K::api_version(&()));
        object["kind"] = json!(K::kind(&()));
        object["metadata"] = json!({"name": "sample", "namespace": "default"});
        let decoded: K = serde_json::from_value(object.clone()).expect("the sample decodes");
        let encoded = serde_json::to_value(&decoded).expect("the type encodes");
        assert_eq!(encoded, object, "{}", K::kind(&()));
    }
}

/// What the API server stores when a user writes no spec, or fields that we do not know.
fn check_lenient<K: Kind>() {
    let bare = json!({"metadata": {"name": "bare"}, "unknown": {"field": 1}});
    serde_json::from_value::<K>(bare).unwrap_or_else(|error| panic!("{}: {error}", K::kind(&())));
}

macro_rules! for_all_kinds {
    ($check:ident) => {
        $check::<HelmRelease>();
        $check::<ImagePolicy>();
        $check::<ImageRepository>();
        $check::<ImageUpdateAutomation>();
        $check::<Kustomization>();
        $check::<Alert>();
        $check::<Provider>();
        $check::<Receiver>();
        $check::<Bucket>();
        $check::<ExternalArtifact>();
        $check::<GitRepository>();
        $check::<HelmChart>();
        $check::<HelmRepository>();
        $check::<OciRepository>();
    };
}

#[test]
fn every_field_of_the_schema_survives_a_round_trip() {
    for_all_kinds!(check);
}

#[test]
fn an_object_without_spec_and_with_unknown_fields_decodes() {
    for_all_kinds!(check_lenient);
}

#[test]
fn an_empty_ignore_is_not_an_absent_one() {
    let spec = |ignore: Value| json!({"metadata": {}, "spec": {"url": "", "interval": "1m", "ignore": ignore}});
    let empty: GitRepository = serde_json::from_value(spec(json!(""))).expect("decodes");
    let absent: GitRepository = serde_json::from_value(spec(Value::Null)).expect("decodes");
    assert_eq!(empty.spec.ignore.as_deref(), Some(""));
    assert_eq!(absent.spec.ignore, None);
    assert_eq!(
        serde_json::to_value(&empty).expect("encodes")["spec"]["ignore"],
        ""
    );
}

#[test]
fn an_unreadable_duration_does_not_spoil_its_object() {
    let object =
        json!({"metadata": {}, "spec": {"url": "https://example.com", "interval": "soon"}});
    let repository: GitRepository = serde_json::from_value(object).expect("decodes");
    assert!(repository.spec.interval.duration().is_err());
}
