//! Random templates: actions over a fixed set of values, arguments mostly of the types that functions want.

use go_template::{Functions, Type};
use serde_json::{Value as Json, json};

use super::super::rng::Rng;

/// What differs from run to run: chance, the clock, the order of a map, and what `%d` prints of a time.
const LEFT_OUT: &[&str] = &[
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "dateModify",
    "date_in_zone",
    "date_modify",
    "decryptAES",
    "derivePassword",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "keys",
    "mustDateModify",
    "must_date_modify",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "mustToDate",
    "shuffle",
    "toDate",
    "uuidv4",
    "values",
];

/// What fills the memory when it is asked for much.
const GREEDY: &[&str] = &[
    "indent",
    "nindent",
    "repeat",
    "seq",
    "until",
    "untilStep",
    "wrap",
    "wrapWith",
];

const BUILTINS: &[&str] = &[
    "and", "or", "not", "len", "index", "print", "println", "html", "js", "urlquery", "eq", "ne",
    "lt", "le", "gt", "ge",
];

/// What takes its list as the first argument, and `has`, `chunk`, `join`, which take it as the last.
const OF_LISTS: &[&str] = &[
    "append",
    "chunk",
    "compact",
    "concat",
    "first",
    "has",
    "initial",
    "join",
    "last",
    "len",
    "mustAppend",
    "mustChunk",
    "mustCompact",
    "mustFirst",
    "mustHas",
    "mustInitial",
    "mustLast",
    "mustPrepend",
    "mustPush",
    "mustRest",
    "mustReverse",
    "mustSlice",
    "mustUniq",
    "mustWithout",
    "prepend",
    "push",
    "rest",
    "reverse",
    "slice",
    "sortAlpha",
    "toStrings",
    "uniq",
    "without",
];

const LISTS: &[&str] = &[
    ".Values.list",
    ".Values.mixed",
    ".Values.empty",
    ".Values.maps",
    "(list)",
    "(list 1 2 3)",
    "(list \"x\" \"y\" nil)",
    "(until 4)",
    "(splitList \",\" \"a,b,c\")",
    "(tuple 1.5 true (dict))",
];

const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "abc",
    " a b  c ",
    "Hello World",
    "fooBar_baz-qux HTTPServer2x",
    "a,b,,c",
    "010",
    "0x1F",
    "1.5",
    "-7",
    "1e3",
    "1.0",
    "true",
    "nil",
    "é ü",
    "日本語",
    "x\\ty\\nz",
    "\\\"q\\\"",
    "a/b/../c.tar.gz",
    "http://u:p@h:80/p?q=1#f",
    "2h10m5s",
    "1.2.3",
    "v1.2.3-beta.1+x",
    ">=1.0, <2",
    "^1.2 || ~3",
    "key: v\\nlist:\\n- a\\n- 1",
    "{\\\"a\\\":[1,null]}",
    "[1,\\\"x\\\"]",
    "^a.*$",
    "(\\\\w)(\\\\w)",
    "${1}-$2",
    "[",
    "{{ .Values.s }}",
    "{{",
    "%s %d",
    "YWJj",
    "<a href='x'>&",
];

const PATHS: &[&str] = &[
    ".Values.s",
    ".Values.n",
    ".Values.big",
    ".Values.half",
    ".Values.neg",
    ".Values.zero",
    ".Values.yes",
    ".Values.no",
    ".Values.nil",
    ".Values.missing",
    ".Values.list",
    ".Values.mixed",
    ".Values.empty",
    ".Values.map",
    ".Values.map.a",
    ".Values.map.deep.x",
    ".Values.none",
    ".Values",
    "$.Values.s",
    ".Values.s.x",
    ".Values.missing.x",
    "(index .Values.list 0)",
    ".Values.maps",
];

/// The values that snippets see.
pub(super) fn values() -> Json {
    json!({
        "s": "text here", "n": 3, "big": 123_456_789_012.0, "half": 2.5, "neg": -4, "zero": 0,
        "yes": true, "no": false, "nil": null, "empty": [], "none": {},
        "list": ["b", "a", "c", "a"], "mixed": [1, "1", null, 2.5, true, [1], {"k": "v"}, ""],
        "map": {"a": 1, "b": "two", "deep": {"x": {"y": "z"}, "e": {}}, "l": [1, 2]},
        "maps": [{"a": 1}, {"a": 2, "b": 3}, {}],
    })
}

/// One to three actions or constructs.
pub(super) fn snippet(rng: &mut Rng, functions: &Functions) -> String {
    let mut names: Vec<&str> = functions
        .names()
        .filter(|it| !LEFT_OUT.contains(it))
        .collect();
    names.sort_unstable();
    let mut random = Snippets {
        rng,
        functions,
        names,
    };
    let count = random.rng.between(1, 3);
    let text: String = (0..count).map(|_| random.piece()).collect();
    match random.rng.below(12) {
        0 => random.mangled(&text),
        _ => text,
    }
}

/// A maker of texts.
pub(super) struct Snippets<'a> {
    pub(super) rng: &'a mut Rng,
    functions: &'a Functions,
    names: Vec<&'a str>,
}

impl Snippets<'_> {
    fn piece(&mut self) -> String {
        match self.rng.below(3) {
            0 => self.construct(2),
            _ => self.action(),
        }
    }

    pub(super) fn action(&mut self) -> String {
        let value = self.pipeline();
        match self.rng.below(20) {
            0 => format!("{{{{ if {value} }}}}yes{{{{ else }}}}no{{{{ end }}}}"),
            1 => format!("{{{{ with {value} }}}}<{{{{ . }}}}>{{{{ else }}}}none{{{{ end }}}}"),
            2 => format!("{{{{ range {value} }}}}<{{{{ . }}}}>{{{{ else }}}}none{{{{ end }}}}"),
            3 => {
                format!("{{{{ range $k, $v := {value} }}}}{{{{ $k }}}}={{{{ $v }}}};{{{{ end }}}}")
            }
            4 => format!(
                "{{{{ $x := {value} }}}}{{{{ $x }}}} {{{{ kindOf $x }}}} {{{{ typeOf $x }}}}"
            ),
            5 if self.names.contains(&"toJson") => format!("{{{{ {value} | toJson }}}}"),
            6 => format!("{{{{ {value} | quote }}}}"),
            7 | 8 => self.printed(&value),
            9 => format!(" {{{{- {value} -}}}} \n"),
            _ => format!("{{{{ {value} }}}}"),
        }
    }

    fn printed(&mut self, value: &str) -> String {
        let flags = self.rng.text(&[
            "", "+", "-", "#", "0", " ", "5", "-8", "08", ".2", "8.3", "+.1",
        ]);
        let verb = self.rng.text(&[
            "v", "s", "d", "q", "x", "X", "t", "f", "e", "g", "T", "c", "U", "b", "o",
        ]);
        format!("{{{{ printf \"[%{flags}{verb}]\" ({value}) }}}}")
    }

    pub(super) fn pipeline(&mut self) -> String {
        let mut text = self.call(2);
        if self.rng.chance(25) {
            let name = self.name();
            let piped = self.arguments(&name, 1, true);
            text = format!("{text} | {name}{piped}");
        }
        text
    }

    fn name(&mut self) -> String {
        if self.rng.chance(15) {
            return self.rng.text(BUILTINS);
        }
        let names = std::mem::take(&mut self.names);
        let name = self.rng.text(&names);
        self.names = names;
        name
    }

    /// A call of a function, or a plain value.
    fn call(&mut self, depth: usize) -> String {
        if self.rng.chance(10) {
            return self.plain();
        }
        let name = self.name();
        let arguments = self.arguments(&name, depth, false);
        format!("{name}{arguments}")
    }

    fn arguments(&mut self, name: &str, depth: usize, piped: bool) -> String {
        let signature = self.functions.get(name).map(|it| it.signature());
        let (params, variadic) = match &signature {
            Some(signature) => (signature.params, signature.variadic),
            None => (&[Type::Any, Type::Any][..], true),
        };
        let fixed = params.len() - usize::from(variadic);
        let mut count = fixed + if variadic { self.rng.below(4) } else { 0 };
        if self.rng.chance(3) {
            count = self.rng.below(4);
        }
        let count = count.saturating_sub(usize::from(piped));
        let mut text = String::new();
        for index in 0..count {
            let ty = params
                .get(index.min(params.len().saturating_sub(1)))
                .copied();
            text.push(' ');
            text += &match ty {
                Some(Type::Any) if OF_LISTS.contains(&name) && self.rng.chance(85) => {
                    let lists = index == 0
                        || name == "concat"
                        || matches!(name, "has" | "mustHas" | "join");
                    if lists {
                        self.rng.text(LISTS)
                    } else {
                        self.argument(depth)
                    }
                }
                Some(Type::Int(_)) if GREEDY.contains(&name) => self.number(),
                Some(ty) if self.rng.chance(90) => self.of_type(ty, depth),
                _ => self.argument(depth),
            };
        }
        text
    }

    fn argument(&mut self, depth: usize) -> String {
        if depth > 0 && self.rng.chance(30) {
            return format!("({})", self.call(depth - 1));
        }
        self.plain()
    }

    fn of_type(&mut self, ty: Type, depth: usize) -> String {
        match ty.under() {
            Type::String => match self.rng.below(10) {
                0 => String::from(".Values.s"),
                1 if depth > 0 => format!("(toString {})", self.argument(depth - 1)),
                _ => format!("\"{}\"", self.rng.text(TEXTS)),
            },
            Type::Int(_) => self.number(),
            Type::Bool => self
                .rng
                .text(&["true", "false", ".Values.yes", ".Values.no"]),
            Type::Map(_) => match self.rng.below(6) {
                0 => String::from(".Values"),
                1 => self
                    .rng
                    .text(&[".Values.none", ".Values.map.deep", "(dict)"]),
                2 if depth > 0 => {
                    let (one, two) = (self.argument(depth - 1), self.argument(depth - 1));
                    format!("(dict \"a\" {one} \"b\" {two})")
                }
                3 => String::from("(deepCopy .Values.map)"),
                _ => self
                    .rng
                    .text(&[".Values.map", "(dict \"a\" 0 \"c\" (dict \"d\" 1))"]),
            },
            _ => self.argument(depth),
        }
    }

    fn number(&mut self) -> String {
        self.rng.text(&[
            "0", "1", "2", "3", "5", "7", "12", "80", "-1", "-3", "0x10", "1_0", "'a'", "2.0",
        ])
    }

    fn plain(&mut self) -> String {
        match self.rng.below(10) {
            0..=2 => format!("\"{}\"", self.rng.text(TEXTS)),
            3 | 4 => self.number(),
            5 => self
                .rng
                .text(&["true", "false", "nil", "1.5", "1e6", "0.1", "1e-7", "1i"]),
            6 => self.rng.text(&[
                "(list)",
                "(list 1 2 3)",
                "(list \"x\" \"y\" nil)",
                "(dict)",
                "(until 3)",
            ]),
            _ => self.rng.text(PATHS),
        }
    }
}
