//! What is skimmed is what reading in full finds; the rest is left to it.

use super::*;

type Told<'h> = (&'h str, &'h str, &'h str, [Option<String>; 3]);

fn told(head: &Head) -> Told<'_> {
    let annotations = [
        "helm.sh/hook",
        "helm.sh/hook-weight",
        "helm.sh/hook-delete-policy",
    ];
    let annotations = annotations.map(|name| head.annotation(name));
    (&head.api_version, &head.kind, &head.name, annotations)
}

#[test]
fn a_head_is_told() {
    let job = "# Source: a\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: \"a-b\"\n  labels: {}\n  annotations:\n    \
               helm.sh/hook: 'pre-install'\n    other/one: x\n";
    let head = skim(job.as_bytes()).expect("plain");
    let annotations = [Some("pre-install".to_owned()), None, None];
    assert_eq!(told(&head), ("batch/v1", "Job", "a-b", annotations));
}

/// Documents, each behind a line of `~`.
const PLAIN: &str = "
~
a: b
~
kind: A
kind: B
metadata: {}
~
kind: A
metadata:
  name: b
metadata:
  annotations:
    helm.sh/hook: b
    helm.sh/hook: c
  annotations:
    helm.sh/hook-weight: \"3\"
~
a:
- b
- c
kind: D
~
a:
  - b: c
    d:
    - e
  - f
kind: D
~
a: >-
  b
   c

# d

kind: D
~
a:
-
  b: c
-
kind: D
~
  a: b
  kind: D
~
a: |
 b
# c
kind: D
~
metadata:
kind: D
~
a:

  # x
  b: c
 #y
kind: D
~
metadata:
  name: 'yes'
  annotations: {}
  other: x
~
spec:
  args:
  - -a
  - b c
  - name: http://x
    text: |-
      a: b: c

       {{
    list:
      - x: 1
        y:
          z: [] \x20
  -
    deep: 'b'
~
a: b
  c 'd
    - e
f:
- g
  h,i
kind: D
~
a: {b: c}
kind: D
~
a: [b, 'c', {d: \"e\", f: [g h]}]
kind: D
~
a:
  {}
b:
- {}
kind: D
~
a:
  []
metadata:
  {}
kind: D
~
metadata:
  annotations:
    a: 1
    b: c
      d
    c: |
      e
kind: D
~
a:
  b
  c
d:
  'e'
kind: D
~
metadata:
  annotations:
    \"helm.sh/hook\": post-install
    'helm.sh/hook-weight': \"3\"
  \"name\": b
\"kind\": A
'1': \"2\"
~
a:
- ./b
- \"c\": d
  'e':
    - f
- {\"g\": h, 'i': \"j\", k: [\"l\"]}
kind: D";

#[test]
fn skimming_finds_what_reading_finds() {
    for text in PLAIN.split("\n~\n").skip(1) {
        let head = skim(text.as_bytes()).expect(text);
        let read = Head::read_in_full(text.as_bytes()).expect(text);
        assert_eq!(told(&head), told(&read), "{text:?}");
    }
}

/// Documents in lines, their own ends of lines written as `⏎`.
const OTHERS: &str = r#"
a
- a
kind: yes
kind: 1
kind:
Kind: A
kind: A: B
kind: A #
kind: "a\n"
kind: A⏎  b
kind: |⏎  A
kind: [a]
kind:⏎  {}
kind:⏎  a
kind: A⏎ b: c
a:⏎  b: c⏎ d: e
 a: b⏎c: d
a: b⏎  c: d
a: b⏎ # c⏎  d
a: b⏎  c #d
a: b⏎  c:
a: 'b'⏎  c
metadata: x
metadata: []
metadata:⏎- a
metadata:⏎  b
metadata:⏎  []
metadata:⏎  name: 1
metadata:⏎  Name: a
metadata:⏎  annotations:⏎    helm.sh/hook: 1
metadata:⏎  annotations:⏎    a: [b]
metadata:⏎  annotations:⏎    a: {}
metadata:⏎  annotations:⏎    a:
a: &b c
a: *b
a: !c d
<<: a
a: .nan
a: -.inf
null: a
a: [b
a: [b] c
a: ['b': c]
a: {b}
a: {b: c: d}
a: [-]
a: [.nan]
a: [b,]
a: [b #c]
a: [[[[[[[[[b]]]]]]]]]
a: |2⏎   b
a: |⏎   ⏎ b
a: |⏎b: c
a:⏎  b: |⏎    c⏎   d
a:⏎  |⏎   b
a:⏎{}
a: b⏎{}
---⏎a: b
a:⏎- - b
a:⏎- b⏎  c: d
a:⏎-b
? a
"a":b
"a b": c
"a" : b
'': b
1: a
a: @b
a: %b
a: b:
a:⏎  - b⏎ - c
a: 'b
a: 'b' c
"#;

#[test]
fn whatever_may_be_wrong_or_no_text_is_left_to_the_reader() {
    for line in OTHERS.lines() {
        let text = line.replace('⏎', "\n");
        assert!(skim(text.as_bytes()).is_none(), "{text:?}");
    }
    for text in [
        "a: b\tc",
        "a: \u{85}",
        "a: \u{feff}",
        "a: \u{7f}",
        "a:\r\n",
        "a: \u{1}",
    ] {
        assert!(skim(text.as_bytes()).is_none(), "{text:?}");
    }
}
