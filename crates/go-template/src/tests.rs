//! What templates print and how they fail; every expectation is Go 1.26's.

use std::sync::Arc;

use crate::{Budget, Failure, Functions, Limits, MissingKey, Session, Set, Signature, Str};
use crate::{Template, Type, Value};

/// `dict`, `list`, `include` and `upper`, as sprig and Helm have them.
fn functions() -> Functions {
    let mut functions = Functions::new();
    let any = Signature::variadic(&[Type::Any], &Type::LIST);
    functions.add("list", any, |_, args| Ok(Value::list(args.to_vec())));
    let dict = Signature::variadic(&[Type::Any], &Type::MAP);
    functions.add("dict", dict, |_, args| {
        let pair = |it: &[Value]| (it[0].as_str().unwrap().clone(), it[1].clone());
        Ok(Value::map(args.chunks(2).map(pair)))
    });
    let set = Signature::new(&[Type::MAP, Type::String, Type::Any], &Type::MAP);
    functions.add("set", set, |call, args| {
        let (map, key) = (args[0].as_map().unwrap(), args[1].as_str().unwrap());
        call.insert(map, key.clone(), args[2].clone())?;
        Ok(args[0].clone())
    });
    let include = Signature::new(&[Type::String, Type::Any], &Type::String);
    functions.add("include", include, |call, args| {
        let name = args[0].as_str().unwrap();
        call.execute(call.set(), name, &args[1]).map(Value::Str)
    });
    let upper = Signature::new(&[Type::String], &Type::String);
    functions.add("upper", upper, |_, args| {
        Ok(Value::str(args[0].as_str().unwrap().lossy().to_uppercase()))
    });
    functions
}

fn data() -> Value {
    let map = Value::map([("a", Value::Float(1.0)), ("b", Value::str("two"))]);
    Value::map([
        ("n", Value::Float(5.0)),
        ("s", Value::str("hello")),
        (
            "l",
            Value::list(vec![Value::str("x"), Value::Nil, Value::Bool(true)]),
        ),
        ("m", map),
        ("null", Value::Nil),
    ])
}

fn render_within(text: &str, limits: Limits) -> Result<Str, String> {
    let functions = functions();
    let mut set = Set::new("t");
    let parsed = Template::parse("t", &text.into(), &functions);
    set.add(parsed.map_err(|it| it.to_string())?);
    let budget = Budget::untimed(limits);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let result = session.execute(&Arc::new(set), b"t", &data());
    result.map_err(|it: Failure| it.to_string())
}

fn render(text: &str) -> Result<Str, String> {
    render_within(text, Limits::default())
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(
        render(text).map(|it| it.lossy().into_owned()).as_deref(),
        Ok(expected),
        "{text}"
    );
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    assert_eq!(
        render(text).map(|it| it.lossy().into_owned()).unwrap_err(),
        expected,
        "{text}"
    );
}

#[test]
fn actions_walk_the_data() {
    prints(
        "{{range $i, $e := .l}}{{$i}}={{$e}};{{end}}",
        "0=x;1=<no value>;2=true;",
    );
    prints("{{range .m}}{{.}},{{else}}none{{end}}", "1,two,");
    prints(
        "{{range 3}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}",
        "02",
    );
    prints("{{range 5}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}", "01");
    prints("{{with .m}}{{.b}}{{else with .s}}{{.}}{{end}}", "two");
    prints("{{if .x}}1{{else if .n}}2{{else}}3{{end}}", "2");
    prints("a {{- /* c */ -}} b {{- 1 -}} c", "ab1c");
    prints(
        "{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}",
        "2",
    );
    prints(
        "{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .s}}{{block \"B\" 1}}[{{.}}]{{end}}",
        "<hello>[1]",
    );
    prints(
        "{{.s | printf \"%s-%d\" \"a\" | upper}}",
        "A-%!D(STRING=HELLO)",
    );
    prints(
        "{{(.m).b}} {{(index .l 0)}} {{$.m.b}} {{(dict \"k\" 1).k}}",
        "two x two 1",
    );
    prints(
        "{{and 1 0 .x.y}} {{or 0 \"a\" .x.y}} {{not .x}}",
        "0 a true",
    );
    prints("{{(.x).y}}|{{.x}}", "<no value>|<no value>");
    prints("{{with set .m \"c\" .m}}{{len .c.c}}{{end}}", "3");
}

#[test]
fn values_print_as_go_prints_them() {
    prints(
        "{{print 1 2 \"a\" \"b\" 3 nil .l}}",
        "1 2a b3 <nil> [x <nil> true]".replace("a b", "ab").as_str(),
    );
    prints("{{.m}} {{println .n}}", "map[a:1 b:two] 5\n");
    prints(
        "{{1000000.0}} {{123456.0}} {{0.00001}} {{1e20}} {{100000.0}}",
        "1e+06 123456 1e-05 1e+20 100000",
    );
    prints(
        "{{printf \"%v %+v %#v %T %q\" .m .l .l .l .s}}",
        concat!(
            "map[a:1 b:two] [x <nil> true] []interface {}{\"x\", interface {}(nil), true} ",
            "[]interface {} \"hello\"",
        ),
    );
    prints(
        "{{printf \"%5d|%-5d|%05d|%+d|%x|%#x|%o|%b|%c|%U|%q\" 42 42 42 42 42 42 42 42 42 42 42}}",
        "   42|42   |00042|+42|2a|0x2a|52|101010|*|U+002A|'*'",
    );
    prints(
        "{{printf \"%f|%.2f|%8.3f|%e|%g|%G|%x|%b\" 1.5 1.5 1.5 1.5 1e21 1e21 1.5 1.5}}",
        "1.500000|1.50|   1.500|1.500000e+00|1e+21|1E+21|0x1.8p+00|6755399441055744p-52",
    );
    prints(
        "{{printf \"%d %s %\" \"a\" 1}}",
        "%!d(string=a) %!s(int=1) %!(NOVERB)",
    );
    prints(
        "{{printf \"%d\"}} {{printf \"a\" 1 nil}} {{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%[5]d\" 1}}",
        "%!d(MISSING) a%!(EXTRA int=1, <nil>) 2 1 %!d(BADINDEX)",
    );
    prints(
        "{{printf \"%x % X %6.2s|%t\" \"hi\" \"hi\" \"héllo\" true}}",
        "6869 68 69     hé|true",
    );
    prints(
        "{{html \"<a&'>\"}} {{js \"'<\\n\"}} {{urlquery \"a b/ü\"}}",
        r"&lt;a&amp;&#39;&gt; \'\u003C\u000A a+b%2F%C3%BC",
    );
}

#[test]
fn parse_errors_are_those_of_go() {
    fails("{{if}}{{end}}", "template: t:1: missing value for if");
    fails("\n{{foo}}", "template: t:2: function \"foo\" not defined");
    fails("{{$x}}", "template: t:1: undefined variable \"$x\"");
    fails(
        "{{1 | 2}}",
        "template: t:1: non executable command in pipeline stage 2",
    );
    fails("{{.a", "template: t:1: unclosed action");
    fails("{{if .a}}\n", "template: t:2: unexpected EOF");
    fails("{{\n.a ?}}", "template: t:2: unexpected \"?\" in operand");
    fails("{{ \"a\n }}", "template: t:1: unterminated quoted string");
    fails("{{/* a }}", "template: t:1: unclosed comment");
    fails("{{end}}", "template: t:1: unexpected {{end}}");
    fails("{{break}}", "template: t:1: {{break}} outside {{range}}");
    fails("{{(1}}", "template: t:1: unclosed left paren");
    fails(
        "{{\"a\".b}}",
        "template: t:1: unexpected . after term \"\\\"a\\\"\"",
    );
    fails(
        "{{range $a, 1}}{{end}}",
        "template: t:1: range can only initialize variables",
    );
    fails(
        "{{.a\n\"b}}",
        "template: t:2: unterminated quoted string in action started at t:1",
    );
    fails("{{0x1g}}", "template: t:1: bad number syntax: \"0x1g\"");
}

#[test]
fn execution_errors_tell_where_and_why() {
    fails(
        "{{.x.y}}",
        "template: t:1:4: executing \"t\" at <.x.y>: nil pointer evaluating interface {}.y",
    );
    fails(
        "{{.s.y}}",
        "template: t:1:4: executing \"t\" at <.s.y>: can't evaluate field y in type interface {}",
    );
    fails(
        "{{eq .n 5}}",
        concat!(
            "template: t:1:2: executing \"t\" at <eq .n 5>: error calling eq: ",
            "incompatible types for comparison: float64 and int"
        ),
    );
    fails(
        "{{range .s}}{{end}}",
        "template: t:1:8: executing \"t\" at <.s>: range can't iterate over hello",
    );
    fails(
        "{{upper}}",
        "template: t:1:2: executing \"t\" at <upper>: wrong number of args for upper: want 1 got 0",
    );
    fails(
        "{{upper 1}}",
        "template: t:1:8: executing \"t\" at <1>: expected string; found 1",
    );
    fails(
        "{{upper .n}}",
        "template: t:1:8: executing \"t\" at <.n>: wrong type for value; expected string; got float64",
    );
    fails(
        "{{upper .x}}",
        "template: t:1:8: executing \"t\" at <.x>: wrong type for value; expected string; got interface {}",
    );
    fails(
        "{{template \"U\"}}",
        "template: t:1:11: executing \"t\" at <{{template \"U\"}}>: template \"U\" not defined",
    );
    fails(
        "{{nil}}",
        "template: t:1:2: executing \"t\" at <nil>: nil is not a command",
    );
    fails(
        "{{len nil}}",
        concat!(
            "template: t:1:2: executing \"t\" at <len nil>: error calling len: ",
            "reflect: call of reflect.Value.Type on zero Value"
        ),
    );
    fails(
        "{{define \"U\"}}{{.s.z}}{{end}}a{{include \"U\" .}}",
        concat!(
            "template: t:1:32: executing \"t\" at <include \"U\" .>: error calling include: ",
            "template: t:1:18: executing \"U\" at <.s.z>: can't evaluate field z in type interface {}"
        ),
    );
}

#[test]
fn messages_print_values_under_the_verbs_of_go() {
    let error = concat!(
        "template: t:1:2: executing \"t\" at <eq .m .m>: error calling eq: ",
        "non-comparable type map[a:%!s(float64=1) b:two]: map[string]interface {}"
    );
    fails("{{eq .m .m}}", error);
    let error = concat!(
        "template: t:1:6: executing \"t\" at <call>: error calling call: ",
        "non-function <int Value> of type int"
    );
    fails("{{1 | call}}", error);
}

#[test]
fn nothing_in_a_text_overflows_the_stack() {
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(9_000), ")".repeat(9_000));
    prints(&parens, "1");
    let deep = format!("{{{{{}1", "(".repeat(20_000));
    fails(&deep, "template: t:1: max expression depth exceeded");
    let branches = format!("{}x{}", "{{if 1}}".repeat(9_000), "{{end}}".repeat(9_000));
    prints(&branches, "x");
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(20_000));
    fails(&chain, "template: t:1: max nesting depth exceeded");
    let message = "exceeded maximum template depth (100000)";
    let error =
        render("{{define \"R\"}}{{template \"R\" .}}{{end}}{{template \"R\" .}}").unwrap_err();
    assert!(error.ends_with(message), "{error}");
    let include =
        render("{{define \"R\"}}{{include \"R\" .}}{{end}}{{include \"R\" .}}").unwrap_err();
    assert_eq!(include, "templates are nested deeper than 10000");
    let nested =
        "{{$d := dict}}{{range 200000}}{{$d = dict \"a\" $d}}{{end}}{{len (printf \"%v\" $d)}}";
    prints(nested, "1400005");
}

#[test]
fn budgets_end_what_would_not_end() {
    let limits = Limits {
        fuel: 10_000,
        bytes: 10_000,
        ..Limits::default()
    };
    let error = |text| render_within(text, limits).unwrap_err();
    assert_eq!(
        error("{{range 1000000000}}{{end}}"),
        "rendering needs more than 10000 steps"
    );
    assert_eq!(
        error("{{printf \"%999999d\" 1}}"),
        "rendering makes more than 10000 bytes"
    );
    let circle = "{{$d := dict}}{{$_ := set $d \"d\" $d}}{{$d}}";
    assert_eq!(error(circle), "rendering makes more than 10000 bytes");
    assert_eq!(
        error("{{range 900}}0123456789abc{{end}}"),
        "rendering makes more than 10000 bytes"
    );
}

#[test]
fn the_clock_is_asked() {
    let functions = Functions::new();
    let mut set = Set::new("t");
    set.add(Template::parse("t", &"{{range 100000}}{{end}}".into(), &functions).unwrap());
    let budget = Budget::new(Limits::default(), &|| true);
    let session = Session {
        functions: &functions,
        budget: &budget,
        missing_key: MissingKey::Zero,
    };
    let error = session
        .execute(&Arc::new(set), b"t", &Value::Nil)
        .unwrap_err();
    assert_eq!(error.to_string(), "rendering takes too long");
}

#[test]
fn templates_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<(Template, Set, Value, Functions, Failure)>();
}
