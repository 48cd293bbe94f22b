//! Files and resources that the real sops encrypted, through the build.

use file_tree::FileTree;
use sops::{MasterKey, age};
use weir_api::kustomize::v1::KustomizationSpec;
use weir_runtime::kind::Key;

use super::*;
use crate::plan::build::{Desired, Inputs, build};
use crate::plan::substitute::Substitution;

const AGE_KEY: &str = include_str!("../../../../../tests/conformance/sops/keys/age.agekey");
const DOTENV: &str = include_str!("../../../../../tests/conformance/sops/cases/dotenv/simple.env");
const YAML: &str = include_str!("../../../../../tests/conformance/sops/cases/key-age/a.yaml");
const INI: &str = include_str!("../../../../../tests/conformance/sops/cases/key-age/d.ini");
const BINARY: &str = include_str!("../../../../../tests/conformance/sops/cases/key-age/e.txt");
const SECRET: &str =
    include_str!("../../../../../tests/conformance/sops/cases/kubernetes/secret.yaml");
const WRONG_MAC: &str =
    include_str!("../../../../../tests/conformance/sops/cases/tampered/mac-of-another.yaml");
const KEY_DELETED: &str =
    include_str!("../../../../../tests/conformance/sops/cases/tampered/key-deleted.yaml");
const PLAIN_DATA: &str =
    include_str!("../../../../../tests/conformance/sops/cases/tampered/plain-data.yaml");

struct Age(age::Identities);

impl KeyService for Age {
    fn decrypt(&self, key: &MasterKey) -> Result<sops::Secret, String> {
        match key {
            MasterKey::Age { encrypted, .. } => self.0.decrypt(encrypted),
            _ => Err("no such key service".to_owned()),
        }
    }
}

fn decryption(key: &str, strict_mac: bool) -> Decryption {
    let mut identities = age::Identities::default();
    if !key.is_empty() {
        identities.import(key).expect("a key");
    }
    Decryption {
        services: Arc::new(Age(identities)),
        data_keys: Arc::new(DataKeys::new(8, Duration::from_secs(60))),
        scope: Scope([0; 32]),
        now: Duration::ZERO,
        strict_mac,
    }
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        tree.insert_file(path, text.as_bytes().to_vec(), false)
            .expect("inserts");
    }
    tree
}

fn built(tree: FileTree, decryption: Option<Decryption>) -> Result<Desired, String> {
    let inputs = Inputs {
        tree: Arc::new(tree),
        spec: KustomizationSpec::default(),
        substitution: Substitution::None,
        decryption,
        owner: Key::new("ns", "app"),
    };
    build(&inputs, None).map_err(|error| error.to_string())
}

fn data(desired: &Desired, key: &str) -> String {
    let text = desired.objects[0].value()["data"][key]
        .as_str()
        .unwrap_or_default();
    String::from_utf8(decode(text).expect("base64")).expect("text")
}

const GENERATOR: &str =
    "generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator:\n- name: s\n";

#[test]
fn files_of_secret_generators_are_decrypted_by_their_names() {
    let kustomization = format!(
        "{GENERATOR}  files: [a.yaml, k.txt=e.txt, d.ini]\n  envs: [.env]\nresources: []\n"
    );
    let files = [
        ("kustomization.yaml", kustomization.as_str()),
        ("a.yaml", YAML),
        ("e.txt", BINARY),
        ("d.ini", INI),
        (".env", DOTENV),
    ];
    let desired = built(tree(&files), Some(decryption(AGE_KEY, true))).expect("builds");
    assert!(data(&desired, "a.yaml").starts_with("secret: text\nnumber: 5\n"));
    assert_eq!(data(&desired, "k.txt"), "bytes\n");
    assert_eq!(data(&desired, "d.ini"), "[s]\na = b\n");
    assert_eq!(data(&desired, "B"), "two words");
}

#[test]
fn config_maps_keep_what_they_were_given() {
    let kustomization = "configMapGenerator:\n- name: c\n  files: [a.yaml]\n";
    let files = [("kustomization.yaml", kustomization), ("a.yaml", YAML)];
    let desired = built(tree(&files), Some(decryption(AGE_KEY, false))).expect("builds");
    let text = desired.objects[0].value()["data"]["a.yaml"]
        .as_str()
        .unwrap_or_default();
    assert!(text.contains("ENC[AES256_GCM"), "{text}");
}

#[test]
fn whole_resources_are_decrypted_and_lose_their_metadata() {
    let desired = built(
        tree(&[("s.yaml", SECRET)]),
        Some(decryption(AGE_KEY, false)),
    );
    let object = desired.expect("builds").objects.remove(0);
    assert_eq!(object.value()["stringData"]["password"], "s3cr3t");
    assert!(object.value().get("sops").is_none());
}

#[test]
fn what_is_marked_or_not_asked_for_stays_encrypted() {
    let marked = SECRET.replace(
        "metadata:\n",
        "metadata:\n    annotations: {kustomize.toolkit.fluxcd.io/decrypt: Disabled}\n",
    );
    for (text, decryption) in [
        (marked.as_str(), Some(decryption(AGE_KEY, false))),
        (SECRET, None),
    ] {
        let object = built(tree(&[("s.yaml", text)]), decryption)
            .expect("builds")
            .objects
            .remove(0);
        assert!(object.value().get("sops").is_some());
    }
}

#[test]
fn data_of_secrets_is_told_by_its_markers() {
    let secret = |key: &str, text: &str| {
        let text = STANDARD.encode(text);
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata:\n  {key}: {text}\n  plain: cGxhaW4=\n"
        )
    };
    for (key, text, expected) in [
        (
            "a.yaml",
            YAML,
            "secret: text\nnumber: 5\n# note\nlist:\n    - a\n    - 2\n",
        ),
        (
            "b.json",
            YAML,
            "{\n\t\"secret\": \"text\",\n\t\"number\": 5,\n\t\"list\": [\n\t\t\"a\",\n\t\t2\n\t]\n}\n",
        ),
        ("token", BINARY, "bytes\n"),
    ] {
        let files = tree(&[("s.yaml", &secret(key, text))]);
        let desired = built(files, Some(decryption(AGE_KEY, false))).expect("builds");
        assert_eq!(data(&desired, key), expected);
        assert_eq!(data(&desired, "plain"), "plain");
    }
    let files = tree(&[("s.yaml", &secret("mislabelled", YAML))]);
    let error = built(files, Some(decryption(AGE_KEY, false))).expect_err("no binary");
    assert!(
        error.starts_with("decryption failed for 'Secret.v1.[noGrp]/s': failed to decrypt and format '/s' Secret field 'mislabelled': failed to emit encrypted YAML file as decrypted binary: "),
        "{error}"
    );
}

#[test]
fn without_the_right_key_nothing_is_built() {
    let stranger = include_str!("../../../../../tests/conformance/sops/keys/stranger.key");
    for key in [stranger, ""] {
        let error = built(tree(&[("s.yaml", SECRET)]), Some(decryption(key, false)));
        let error = error.expect_err("no key");
        assert!(error.starts_with("decryption failed for 'Secret.v1.[noGrp]/app': failed to decrypt and format 'default/app' Secret data: cannot get sops data key: Failed to get the data key required to decrypt the SOPS file."), "{error}");
        assert!(
            !error.contains("s3cr3t") && !error.contains("AGE-SECRET"),
            "{error}"
        );
    }
    let kustomization = format!("{GENERATOR}  files: [a.yaml]\n");
    let files = [
        ("kustomization.yaml", kustomization.as_str()),
        ("a.yaml", YAML),
    ];
    let error = built(tree(&files), Some(decryption(stranger, false))).expect_err("no key");
    assert!(
        error.starts_with("error decrypting sources: cannot get sops data key: "),
        "{error}"
    );
}

#[test]
fn tampering_is_noticed_by_the_strict_mode_only() {
    let kustomization = format!("{GENERATOR}  files: [a.yaml]\n");
    for text in [WRONG_MAC, KEY_DELETED] {
        let files = [
            ("kustomization.yaml", kustomization.as_str()),
            ("a.yaml", text),
        ];
        assert!(built(tree(&files), Some(decryption(AGE_KEY, false))).is_ok());
        let error = built(tree(&files), Some(decryption(AGE_KEY, true))).expect_err("tampered");
        assert!(
            error.contains("failed to verify sops data integrity"),
            "{error}"
        );
    }
    let files = [
        ("kustomization.yaml", kustomization.as_str()),
        ("a.yaml", PLAIN_DATA),
    ];
    let error = built(tree(&files), Some(decryption(AGE_KEY, false))).expect_err("plain");
    assert!(
        error.contains("Input string <redacted> does not match sops' data format"),
        "{error}"
    );
}

#[test]
fn links_are_followed_inside_the_root_only() {
    let kustomization = format!("{GENERATOR}  envs: [link.env]\n");
    let with_link = |target: &str| {
        let mut tree = tree(&[
            ("d/secrets/.env", DOTENV),
            ("d/kustomization.yaml", &kustomization),
            ("kustomization.yaml", "resources: [d]\n"),
        ]);
        tree.insert_symlink("d/link.env", target).expect("inserts");
        tree
    };
    for target in ["secrets/.env", "../d/secrets/.env"] {
        let mut tree = with_link(target);
        tree.insert_symlink("absolute", "/d/secrets/.env")
            .expect("inserts");
        let desired = built(tree, Some(decryption(AGE_KEY, false))).expect(target);
        assert_eq!(data(&desired, "A"), "1", "{target}");
    }
    let error = built(with_link("../../outside"), Some(decryption(AGE_KEY, false)));
    let error = error.expect_err("outside");
    assert!(
        error.starts_with("error decrypting sources: lstat outside: no such file"),
        "{error}"
    );
}

#[test]
fn files_are_bounded_and_regular() {
    let kustomization = format!("{GENERATOR}  files: [a.yaml]\n");
    let big = "x".repeat((5 << 20) + 1);
    let files = tree(&[("kustomization.yaml", &kustomization), ("a.yaml", &big)]);
    assert_eq!(
        built(files, Some(decryption(AGE_KEY, false))).expect_err("too large"),
        "error decrypting sources: cannot decrypt file with size (5242881 bytes) exceeding limit (5242880)"
    );
    let files = tree(&[("kustomization.yaml", &kustomization), ("a.yaml/b", "")]);
    assert_eq!(
        built(files, Some(decryption(AGE_KEY, false))).expect_err("a folder"),
        "error decrypting sources: cannot decrypt irregular file as it has file mode type bits set"
    );
}

#[test]
fn loops_of_folders_end_and_remote_references_are_passed_over() {
    let files = tree(&[
        (
            "kustomization.yaml",
            "resources: [a]\npatches:\n- path: https://example.com/p.yaml\n",
        ),
        (
            "a/kustomization.yaml",
            "resources: [../b, https://example.com/x]\n",
        ),
        ("b/kustomization.yaml", "resources: [../a]\n"),
    ]);
    let overlay = kustomize::flux::Overlay::default();
    let files = Arc::new(files);
    let decrypted = decrypt_sources(&files, "", &overlay, &decryption(AGE_KEY, false));
    assert!(Arc::ptr_eq(&decrypted.expect("ends"), &files));
}
