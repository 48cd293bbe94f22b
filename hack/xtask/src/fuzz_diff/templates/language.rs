//! The language around the actions: conditions, loops, definitions, variables, spaces, and texts that do not parse.

use super::snippets::Snippets;

/// Texts between actions; trimming has something to trim.
const BETWEEN: &[&str] = &["", " ", "\n", "  x\n", "\t\n y ", "a: ", "}}", "{", "- "];

/// Constants as Go writes them, right and wrong.
const CONSTANTS: &[&str] = &[
    "0b101",
    "0o17",
    "017",
    "1_000",
    "0x1p4",
    "0X_f",
    "1e-2",
    "+5",
    "-0",
    "-0.0",
    ".5",
    "1.",
    "1e400",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "'é'",
    "'\\n'",
    "'\\''",
    "'ab'",
    "2i",
    "1+2i",
    "`raw \\n`",
    "\"\\u00e9\\x41\\101\"",
    "\"\\q\"",
    "1x",
    "08",
];

/// Ways to go on from a value.
const FIELDS: &[&str] = &[
    ".a",
    ".b",
    ".deep",
    ".deep.x.y",
    ".l",
    ".e.none",
    ".a.b",
    ".map.a",
    ".Values",
    ".nope.nope",
];

/// Moments that are the same each time.
const MOMENTS: &[&str] = &[
    "(toDate \"2006-01-02\" \"2017-12-31\")",
    "(toDate \"2006-01-02T15:04:05Z07:00\" \"2021-03-04T05:06:07+02:00\")",
    "(mustToDate \"02 Jan 06 15:04 MST\" \"29 Feb 20 23:59 UTC\")",
    "(dateModify \"-1h30m\" (toDate \"2006-01-02\" \"2000-01-01\"))",
    "(mustDateModify \"+48h0.5s\" (toDate \"2006\" \"1969\"))",
    "(toDate \"2006-01-02\" \"no date\")",
    "(mustToDate \"2006-01-02\" \"2020-13-01\")",
    "(must_date_modify \"x\" (toDate \"2006\" \"2001\"))",
];

/// What is asked of a moment, which comes last.
const OF_MOMENTS: &[&str] = &[
    "date \"2006-01-02 15:04:05.000\"",
    "date \"Mon Jan _2 3:04PM 2006 -0700 MST Z07:00\"",
    "date \"06 002 .999 ,000 pm 1 2 3 4 5 __2\"",
    "htmlDate",
    "htmlDateInZone \"UTC\"",
    "dateInZone \"15:04 MST\"",
    "unixEpoch",
    "toString",
    "quote",
    "typeOf",
    "kindOf",
    "toJson",
    "toYaml",
    "default 1",
    "empty",
];

/// What chance makes, down to what is the same each time.
const CHANCE: &[&str] = &[
    "(randAlphaNum 7 | len)",
    "(randNumeric 3 | regexMatch \"^[0-9]{3}$\")",
    "(randAlpha 0)",
    "(randAscii -1)",
    "(uuidv4 | len)",
    "(shuffle \"aaa\")",
    "(encryptAES \"key\" \"some text\" | decryptAES \"key\")",
    "(decryptAES \"key\" \"bm90aGluZw==\")",
    "(genPrivateKey \"ed25519\" | trunc 27)",
    "(genPrivateKey \"none\")",
    "(derivePassword 1 \"long\" \"pw\" \"me\" \"example.com\")",
    "(keys .Values.map | sortAlpha)",
    "(keys .Values.map (dict \"z\" 1) | sortAlpha | join \",\")",
    "(values (dict \"k\" .Values.mixed))",
    "(values .Values.none)",
];

impl Snippets<'_> {
    /// A construct of the language around random actions.
    pub(super) fn construct(&mut self, depth: usize) -> String {
        match self.rng.below(13) {
            0 | 1 => self.conditions(depth),
            2 => self.withs(depth),
            3 | 4 => self.range(depth),
            5 | 6 => self.definition(depth),
            7 => self.variable(depth),
            8 => self.tpl(depth),
            9 => self.trimmed(),
            10 => {
                let (value, fields) = (self.pipeline(), self.rng.text(FIELDS));
                format!("{{{{ ({value}){fields} }}}}")
            }
            11 => {
                let constant = self.rng.text(CONSTANTS);
                let value = self.pipeline();
                self.rng.pick(&[
                    format!("{{{{ {constant} }}}}"),
                    format!("{{{{ printf \"%v %T\" {constant} {constant} }}}}"),
                    format!("{{{{ {value} | eq {constant} }}}}"),
                    format!("{{{{ add {constant} 1 }}}}"),
                ])
            }
            _ => self.moment(),
        }
    }

    /// A text that came out of another, a letter or so of it changed.
    pub(super) fn mangled(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..self.rng.between(1, 2) {
            let at = self.rng.below(letters.len().max(1));
            let letter = self.rng.pick(&[
                '{', '}', '(', ')', '|', '.', '$', '"', '`', '\'', ' ', '\n', ':', '=', ',', '-',
                '/', '*', '\\', '0', 'x', 'é', '!', '_',
            ]);
            match self.rng.below(3) {
                0 if at < letters.len() => letters[at] = letter,
                1 if at < letters.len() => drop(letters.remove(at)),
                _ => letters.insert(at, letter),
            }
        }
        letters.into_iter().collect()
    }

    /// One or two actions or constructs with texts between them.
    fn body(&mut self, depth: usize) -> String {
        let mut text = self.rng.text(BETWEEN);
        for _ in 0..self.rng.between(1, 2) {
            text += &match self.rng.below(10) {
                0..=2 if depth > 0 => self.construct(depth - 1),
                3 => self.rng.text(&[
                    "{{ kindOf . }}",
                    "{{ $ | kindOf }}",
                    "{{ .a }}",
                    "{{ .x.y }}",
                    "{{ $x }}",
                    "{{ .Values.s }}",
                    "{{ $.Values.n }}",
                ]),
                _ => self.action(),
            };
            text += &self.rng.text(BETWEEN);
        }
        text
    }

    fn conditions(&mut self, depth: usize) -> String {
        let mut text = format!("{{{{ if {} }}}}{}", self.pipeline(), self.body(depth));
        for _ in 0..self.rng.below(3) {
            text += &format!("{{{{ else if {} }}}}{}", self.pipeline(), self.body(depth));
        }
        if self.rng.chance(50) {
            text += &format!("{{{{else}}}}{}", self.body(depth));
        }
        text + "{{ end }}"
    }

    fn withs(&mut self, depth: usize) -> String {
        let declared = self.rng.text(&["", "", "$x := ", "$y := ", "$ := "]);
        let mut text = format!(
            "{{{{ with {declared}{} }}}}{}",
            self.pipeline(),
            self.body(depth)
        );
        if self.rng.chance(30) {
            text += &format!(
                "{{{{ else with {} }}}}{}",
                self.pipeline(),
                self.body(depth)
            );
        }
        if self.rng.chance(50) {
            text += &format!("{{{{ else }}}}{}", self.body(depth));
        }
        text + "{{ end }}"
    }

    fn range(&mut self, depth: usize) -> String {
        let over = match self.rng.below(4) {
            0 => self.rng.text(&[
                "3",
                "0",
                "-1",
                ".Values.n",
                "(int .Values.n)",
                "2.0",
                "\"abc\"",
                "nil",
            ]),
            1 => self
                .rng
                .text(&[".Values.map", ".Values.maps", ".Values.mixed", ".Values"]),
            _ => self.pipeline(),
        };
        let declared = self.rng.text(&[
            "",
            "",
            "$x := ",
            "$i, $x := ",
            "$x = ",
            "$i, $x = ",
            "$a, $b, $c := ",
        ]);
        let leave = self.rng.text(&[
            "",
            "{{ break }}",
            "{{ continue }}",
            "{{ if eq (toString .) \"a\" }}{{ continue }}{{ end }}",
            "{{ if kindIs \"map\" . }}{{- break -}}{{ end }}",
            "{{ with 1 }}{{ break }}{{ end }}",
        ]);
        let mut text = format!(
            "{{{{ range {declared}{over} }}}}{}{leave}{}",
            self.body(depth),
            self.body(depth)
        );
        if self.rng.chance(40) {
            text += &format!(
                "{{{{ else }}}}{}{}",
                self.body(depth),
                self.rng.text(&["", "", "{{ break }}"])
            );
        }
        text + "{{ end }}"
    }

    fn definition(&mut self, depth: usize) -> String {
        let body = self.body(depth);
        let dot = match self.rng.below(3) {
            0 => String::new(),
            1 => String::from("."),
            _ => format!("({})", self.pipeline()),
        };
        let name = self.rng.text(&["one", "two", "a b", ""]);
        let call = self.rng.text(&["one", "one", "two", "none", "a b"]);
        match self.rng.below(6) {
            0 => format!("{{{{ block \"{name}\" {dot} }}}}{body}{{{{ end }}}}"),
            1 => format!(
                "{{{{ define \"{name}\" }}}}{body}{{{{ end }}}}{{{{ template \"{call}\" {dot} }}}}"
            ),
            2 => format!(
                "{{{{ include \"{call}\" {dot} | nindent 2 }}}}{{{{- define \"{name}\" -}}}}{body}{{{{- end -}}}}"
            ),
            3 => format!(
                "{{{{ define \"{name}\" }}}}{body}{{{{ end }}}}{{{{ define \"{call}\" }}}}second{{{{ end }}}}{{{{ include \"{name}\" {dot} | fromYaml }}}}"
            ),
            4 => format!(
                "{{{{ define \"deep\" }}}}<{{{{ if gt (int .) 0 }}}}{{{{ template \"deep\" (sub (int .) 1) }}}}{{{{ else }}}}{body}{{{{ end }}}}>{{{{ end }}}}{{{{ template \"deep\" 3 }}}}"
            ),
            _ => format!(
                "{{{{ define \"{name}\" }}}}{body}{{{{ end }}}}{{{{ $r := include \"{name}\" {dot} }}}}{{{{ $r | trim | quote }}}}"
            ),
        }
    }

    fn variable(&mut self, depth: usize) -> String {
        let (first, second) = (self.pipeline(), self.pipeline());
        let field = self.rng.text(&["", "", ".a", ".deep.x", ".nope.nope"]);
        let set = self.rng.text(&["=", "=", ":="]);
        let block = self.rng.text(&[
            "if true",
            "with .Values.map",
            "range .Values.list",
            "if false",
        ]);
        let body = self.body(depth);
        format!(
            "{{{{ $x := {first} }}}}{{{{ {block} }}}}{{{{ $x {set} {second} }}}}{body}{{{{ end }}}}{{{{ $x{field} }}}}"
        )
    }

    fn tpl(&mut self, depth: usize) -> String {
        let body = self.body(depth).replace('`', "'");
        let body = if self.rng.chance(20) {
            self.mangled(&body).replace('`', "'")
        } else {
            body
        };
        let dot = self
            .rng
            .text(&["$", "$", ".", "(dict \"Values\" 1)", ".Values.map", "nil"]);
        format!("{{{{ tpl `{body}` {dot} }}}}")
    }

    fn trimmed(&mut self) -> String {
        let inner = match self.rng.below(3) {
            0 => self
                .rng
                .text(&["/* note */", "/* {{ x }} */", "/**/", "/* a */ 1"]),
            _ => self.pipeline(),
        };
        let (open, close) = (
            self.rng.text(&["{{- ", "{{-\n", "{{", "{{-", "{{- \t"]),
            self.rng.text(&[" -}}", "}}", " }}", "-}}", "\n-}}"]),
        );
        let (before, after) = (self.rng.text(BETWEEN), self.rng.text(BETWEEN));
        format!("{before}{open}{inner}{close}{after}")
    }

    /// A question to a moment, or something of chance that is always the same.
    fn moment(&mut self) -> String {
        if self.rng.chance(40) {
            let value = self.rng.text(CHANCE);
            return self.rng.pick(&[
                format!("{{{{ {value} }}}}"),
                format!("{{{{ {value} | toJson }}}}"),
                format!("{{{{ typeOf {value} }}}}"),
            ]);
        }
        let moment = self.rng.text(MOMENTS);
        let ask = self.rng.text(OF_MOMENTS);
        if ask.starts_with("dateInZone") {
            let zone = self.rng.text(&["UTC", "", "nowhere"]);
            return format!("{{{{ {ask} {moment} \"{zone}\" }}}}");
        }
        format!("{{{{ {moment} | {ask} }}}}")
    }
}
