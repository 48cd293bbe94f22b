//! Expressions that want more than they should have: each ends, with an error that says why.

use cel_expr::{Expression, Variables};
use serde_json::json;

const EXHAUSTED: &str = "operation cancelled: actual cost limit exceeded";

/// The error of an expression, however far it gets.
fn refused(expression: &str) -> String {
    let numbers: Vec<u32> = (0..1000).collect();
    let object = json!({"list": numbers, "text": "a".repeat(1 << 20)});
    let variables = Variables::objects([("self", &object)]);
    match Expression::compile(expression, &["self"]) {
        Err(error) => error.to_string(),
        Ok(compiled) => match compiled.evaluate(&variables) {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        },
    }
}

#[test]
fn loops_in_loops_end_with_the_budget() {
    let nested = "self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, a + b + c + d >= 0))))";
    assert!(refused(nested).ends_with(EXHAUSTED));
    // No operator absorbs the end of the budget.
    assert!(refused(&format!("{nested} || true")).ends_with(EXHAUSTED));
    let lists = "self.list.map(a, self.list.map(b, self.list.map(c, [a, b, c]))).size() > 0";
    assert!(refused(lists).ends_with(EXHAUSTED));
    let found = "self.list.filter(a, self.list.exists(b, self.list.exists_one(c, a == b && b == c))).size()";
    assert!(refused(found).ends_with(EXHAUSTED));
}

#[test]
fn text_that_doubles_ends_with_the_budget() {
    let mut doubled = "optional.of(self.text)".to_owned();
    for _ in 0..40 {
        doubled.push_str(".optMap(x, x + x)");
    }
    assert!(refused(&doubled).ends_with(EXHAUSTED));
    let replaced = "self.text.replace('', self.text)";
    assert!(refused(replaced).ends_with(EXHAUSTED));
    let joined = "self.list.map(x, self.text).join(self.text)";
    assert!(refused(joined).ends_with(EXHAUSTED));
    let formatted = "'%s'.format([self.list.map(x, self.text)])";
    assert!(refused(formatted).ends_with(EXHAUSTED));
    let digits = "'%.999999999f'.format([1.5])";
    assert!(refused(digits).contains("precision 999999999 is too large"));
}

#[test]
fn values_and_types_that_double_end() {
    let mut lists = "[1]".to_owned();
    for _ in 0..40 {
        lists.push_str(".map(x, [x, x])");
    }
    // Sharing makes the value small; looking at it is not.
    assert!(refused(&format!("{lists} == {lists}")).ends_with(EXHAUSTED));
    assert!(refused(&format!("'%s'.format([{lists}])")).ends_with(EXHAUSTED));
    assert!(refused(&format!("dyn({lists}).nope")).contains("unsupported index type"));
    let mut maps = "[1]".to_owned();
    for _ in 0..40 {
        maps.push_str(".map(x, {x: x})");
    }
    assert!(refused(&maps).contains("the type is too complex"));
}

#[test]
fn deep_and_long_expressions_are_refused() {
    for expression in [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("{}1", "{1:".repeat(20_000)),
        format!("self{}", ".a".repeat(20_000)),
        format!("self{}", "[0]".repeat(20_000)),
        format!("1{}", "+1".repeat(20_000)),
        format!("1{}", "==1".repeat(20_000)),
        format!("{}1", "true?1:".repeat(10_000)),
        format!("{}true{}", "[1].all(x,".repeat(5_000), ")".repeat(5_000)),
        format!("{}1{}", "size(".repeat(10_000), ")".repeat(10_000)),
    ] {
        let text = refused(&expression);
        assert!(
            text.ends_with("expression recursion limit exceeded: 250")
                || text.ends_with("max recursion depth exceeded"),
            "{:.60}: {}",
            expression,
            &text[text.len().saturating_sub(200)..]
        );
    }
    let long = format!("'{}'", "a".repeat(100_000));
    assert!(
        refused(&long)
            .ends_with("expression code point size exceeds limit: size: 100002, limit 100000")
    );
    // What is only long is fine.
    assert_eq!(refused(&format!("true{}", " && true".repeat(10_000))), "");
    assert_eq!(refused(&format!("{}true", "!".repeat(20_000))), "");
}

#[test]
fn the_deepest_that_is_taken_fits_the_stack() {
    for expression in [
        format!("{}true{}", "[1].all(x,".repeat(80), ")".repeat(80)),
        format!("1{}", "+1".repeat(240)),
        format!("{}1{}", "[".repeat(240), "]".repeat(240)),
        format!("{}1{}", "(".repeat(240), ")".repeat(240)),
        format!("{}1", "true?1:".repeat(240)),
    ] {
        assert_eq!(refused(&expression), "", "{:.60}", expression);
    }
}

#[test]
fn patterns_are_bounded_and_take_no_exponential_time() {
    assert_eq!(refused("self.text.matches('(a+)+$')"), "");
    assert!(
        refused("self.text.matches('((a{1000}){1000}){1000}')").contains("error parsing regexp")
    );
    let many = "self.list.exists(x, self.text.matches(string(x) + '+'))";
    assert!(refused(many).ends_with(EXHAUSTED));
}
