//! Templates (T40, T43; inputs 73 to 76).

use go_template::Limits;

use crate::{options, refused, rendered, rendered_within, text};

const BYTES: &str = "rendering makes more than 33554432 bytes";
const STEPS: &str = "rendering needs more than 5000000 steps";

#[track_caller]
fn ends(template: &str, expect: &str) {
    refused(&[("templates/a.yaml", template)], expect);
}

#[test]
fn recursion_ends() {
    let include = r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#;
    ends(include, "rendering template has a nested reference name: a");
    let two = r#"{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#;
    ends(two, "rendering template has a nested reference name");
    ends(
        r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#,
        "exceeded maximum template depth",
    );
    let values = [
        ("values.yaml", "t: '{{ tpl .Values.t . }}'\n"),
        ("templates/a.yaml", "{{ tpl .Values.t . }}"),
    ];
    refused(&values, "nested deeper than 10000");
    let grows = [
        (
            "values.yaml",
            "t: '{{ tpl (print .Values.t \" \" .Values.t) . }}'\n",
        ),
        ("templates/a.yaml", "{{ tpl .Values.t . }}"),
    ];
    refused(&grows, "");
    let mixed =
        r#"{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}"#;
    ends(mixed, "");
}

#[test]
fn texts_without_end_are_refused() {
    for template in [
        r#"{{ repeat 1000000000 "a" }}"#,
        "{{ randAlpha 1000000000 }}",
        "{{ randBytes 1000000000 }}",
        "{{ until 1000000000 }}",
        "{{ seq 1 1000000000 }}",
        r#"{{ printf "%1000000s" "a" | repeat 1000 }}"#,
        r#"{{ $s := "a" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}{{ $s }}"#,
        r#"{{ $l := list 1 }}{{ range until 40 }}{{ $l = concat $l $l }}{{ end }}"#,
        r#"{{ $d := dict }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toYaml $d }}"#,
        r#"{{ $d := dict }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toJson $d }}"#,
        r#"{{ $d := dict }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toToml $d }}"#,
        r#"{{ $d := dict }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ $d }}"#,
        r#"{{ $d := dict }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ deepCopy $d }}"#,
        r#"{{ regexReplaceAll "" (repeat 10000 "a") (repeat 10000 "b") }}"#,
        r#"{{ nindent 1000000000 "a" }}"#,
        r#"{{ wrapWith 1 (repeat 10000 "a") (repeat 10000 "b") }}"#,
    ] {
        ends(template, "rendering ");
    }
    ends(
        r#"{{ repeat 9223372036854775807 "ab" }}"#,
        "Repeat output length overflow",
    );
    ends(r#"{{ repeat 1000000000 "a" }}"#, BYTES);
}

#[test]
fn loops_without_end_are_refused() {
    for template in [
        "{{ range 1000000000 }}{{ end }}",
        "{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}",
        r#"{{ define "a" }}{{ range 1000 }}{{ include "b" . }}{{ end }}{{ end }}{{ define "b" }}{{ range 1000 }}{{ include "c" . }}{{ end }}{{ end }}{{ define "c" }}{{ range 1000 }}{{ end }}{{ end }}{{ include "a" . }}"#,
    ] {
        ends(template, STEPS);
    }
}

#[test]
fn what_costs_much_is_charged_before_it_is_done() {
    let ends = |template: &str| {
        let limits = Limits {
            fuel: 400_000,
            ..options().limits
        };
        let error = rendered_within(&[("templates/a.yaml", template)], limits).expect_err(template);
        assert!(
            error.contains("rendering needs more than 400000 steps"),
            "{template}: {error}"
        );
    };
    for call in [
        r#"genPrivateKey "rsa""#,
        r#"genPrivateKey "dsa""#,
        r#"genCA "a" 1"#,
        r#"genSelfSignedCert "a" list list 1"#,
        r#"bcrypt "a""#,
        r#"htpasswd "a" "b""#,
        r#"derivePassword 1 "long" "a" "b" "c""#,
    ] {
        ends(&format!("{{{{ {call} }}}}"));
    }
    ends(r#"{{ range 100 }}{{ $_ := genPrivateKey "ed25519" }}{{ end }}"#);
    ends(r#"{{ range 100 }}{{ $_ := genPrivateKey "ecdsa" }}{{ end }}"#);
    ends(r#"{{ $l := until 2000 }}{{ range 100 }}{{ $_ := uniq $l }}{{ end }}"#);
    ends(r#"{{ $l := until 2000 }}{{ range 1000 }}{{ $_ := sortAlpha $l }}{{ end }}"#);
}

#[test]
fn patterns_take_linear_time_and_bounded_memory() {
    let slow = r#"{{ regexMatch "^(a+)+$" (print (repeat 100000 "a") "b") }}"#;
    let out = rendered(&[("templates/a.yaml", &format!("kind: {slow}"))], "").expect("renders");
    assert_eq!(text(&out), "kind: false");
    ends(
        r#"{{ regexFind "(((a{1000}){1000}){1000})" "a" }}"#,
        "regexp: Compile(",
    );
    ends(
        r#"{{ regexFind (repeat 100000 "(") "a" }}"#,
        "regexp: Compile(",
    );
    ends(
        r#"{{ range 100000 }}{{ regexFind (print "a{" . "}") "b" }}{{ end }}"#,
        "",
    );
    let long = r#"{{ range 100000 }}{{ $_ := regexFindAll "a*?" (repeat 1000 "a") -1 }}{{ end }}"#;
    ends(long, "rendering ");
}

#[test]
fn documents_that_templates_read_are_bounded() {
    let bomb = crate::charts::bomb("a", 9).replace('\n', "\\n");
    let read = format!("kind: {{{{ (fromYaml \"{bomb}\").Error | quote }}}}");
    let out = rendered(&[("templates/a.yaml", &read)], "");
    let out = text(&out.expect("an error is a value here"));
    assert!(out.contains("yaml: "), "{out}");
    for function in [
        "fromYaml",
        "fromYamlArray",
        "fromJson",
        "fromJsonArray",
        "fromToml",
    ] {
        for open in ["[", "{a: ", "{\\\"a\\\":", "a = ["] {
            let template =
                format!("kind: {{{{ {function} (repeat 100000 \"{open}\") | quote | trunc 3 }}}}");
            drop(rendered(&[("templates/a.yaml", &template)], ""));
        }
    }
}

#[test]
fn nesting_in_a_text_takes_no_stack() {
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    let ifs = format!(
        "{}{}",
        "{{ if 1 }}".repeat(100_000),
        "{{ end }}".repeat(100_000)
    );
    for template in [
        parens,
        ifs,
        "{{ (".repeat(100_000),
        "{{ range . }}".repeat(100_000),
    ] {
        drop(rendered(&[("templates/a.yaml", &template)], ""));
    }
    let chain = format!("{{{{ .Values{} }}}}", ".a".repeat(100_000));
    ends(&chain, "nil pointer evaluating");
}

#[test]
fn nothing_of_the_world_is_seen() {
    ends(r#"{{ env "HOME" }}"#, "function \"env\" not defined");
    ends(
        r#"{{ expandenv "$HOME" }}"#,
        "function \"expandenv\" not defined",
    );
    ends(
        r#"{{ readFile "/etc/passwd" }}"#,
        "function \"readFile\" not defined",
    );
    ends(r#"{{ exec "id" }}"#, "function \"exec\" not defined");
    let template = "kind: '{{ getHostByName \"localhost\" }}{{ lookup \"v1\" \"Secret\" \"a\" \"b\" }}\
                    {{ .Files.Get \"/etc/passwd\" }}{{ .Files.Get \"../../etc/passwd\" }}\
                    {{ len (.Files.Glob \"/**\") }}'";
    let out = rendered(&[("templates/a.yaml", template)], "").expect("renders");
    assert_eq!(text(&out), "kind: 'map[]0'");
}

#[test]
fn a_message_of_the_chart_is_kept() {
    ends(
        r#"{{ fail "give a name" }}"#,
        "execution error at (c/templates/a.yaml:1:3): give a name",
    );
    ends(
        r#"{{ nope }}"#,
        "parse error at (c/templates/a.yaml:1): function \"nope\" not defined",
    );
    ends(r#"{{ required "need it" .Values.x }}"#, "need it");
}
