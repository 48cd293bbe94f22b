//! The flags of `helm template`, read as Helm's library reads them: the same forms, the same errors.
//!
//! Source: Helm 4.2.4 `pkg/cmd/template.go`, `pkg/cmd/install.go`, `pkg/cmd/flags.go`, `pkg/cli/environment.go`;
//! spf13/pflag v1.0.10 `flag.go`, spf13/cobra v1.10.2 `flag_groups.go`

mod table;
mod value;

use std::collections::BTreeMap;

use go_template::quote::quoted;

pub(super) use table::help;
use table::{FLAGS, Flag};

/// Flags of which one excludes the others.
const EXCLUSIVE: &[&[&str]] = &[
    &["force", "force-conflicts"],
    &["force-replace", "force-conflicts"],
    &["validate", "dry-run"],
];

/// What a command line said.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What is no flag.
    pub(super) names: Vec<String>,
    /// What is to be told about flags that are on their way out, in the order in which they came.
    pub(super) notices: Vec<String>,
    /// The values of each flag in the order in which they came.
    values: BTreeMap<&'static str, Vec<String>>,
    /// Somebody asks for help.
    pub(super) help: bool,
}

impl Given {
    /// Reads a command line.
    ///
    /// # Errors
    /// The text that Helm prints.
    pub(super) fn parse(arguments: Vec<String>) -> Result<Self, String> {
        let mut given = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                given.names.extend(rest);
                break;
            }
            if let Some(long) = argument.strip_prefix("--") {
                given.long(long, &mut rest)?;
            } else if argument.len() > 1 && argument.starts_with('-') {
                given.short(&argument[1..], &mut rest)?;
            } else {
                given.names.push(argument);
            }
        }
        Ok(given)
    }

    fn long(&mut self, text: &str, rest: &mut dyn Iterator<Item = String>) -> Result<(), String> {
        if text.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: --{text}"));
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let flag = FLAGS.iter().find(|it| it.name == name);
        let flag = flag.ok_or_else(|| format!("unknown flag: --{name}"))?;
        let value = value.or_else(|| flag.kind.without_value().map(String::from));
        let value = value.or_else(|| rest.next());
        let value = value.ok_or_else(|| format!("flag needs an argument: --{name}"))?;
        self.set(flag, value)
    }

    /// One letter after the other; the first one that takes a value takes what is left of the word.
    fn short(&mut self, word: &str, rest: &mut dyn Iterator<Item = String>) -> Result<(), String> {
        let mut left = word;
        while let Some(letter) = left.chars().next() {
            let after = &left[letter.len_utf8()..];
            let quoted = || format!("{letter:?}");
            let flag = FLAGS.iter().find(|it| it.short == Some(letter));
            let flag =
                flag.ok_or_else(|| format!("unknown shorthand flag: {} in -{left}", quoted()))?;
            let attached = after.strip_prefix('=').filter(|it| !it.is_empty());
            let value = match (attached, flag.kind.without_value()) {
                (Some(value), _) => value.to_owned(),
                (None, Some(value)) => {
                    self.set(flag, value.to_owned())?;
                    left = after;
                    continue;
                }
                (None, None) if !after.is_empty() => after.to_owned(),
                (None, None) => rest
                    .next()
                    .ok_or_else(|| format!("flag needs an argument: {} in -{left}", quoted()))?,
            };
            return self.set(flag, value);
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: String) -> Result<(), String> {
        if flag.name == "help" {
            self.help = true;
            return Ok(());
        }
        let checked = flag.kind.check(&value).map_err(|cause| {
            let name = match flag.short {
                Some(short) => format!("-{short}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            format!(
                "invalid argument {} for {} flag: {cause}",
                quoted(value.as_bytes()),
                quoted(name.as_bytes())
            )
        })?;
        self.values.entry(flag.name).or_default().extend(checked);
        if let Some(deprecated) = flag.deprecated {
            self.notices.push(format!(
                "Flag --{} has been deprecated, {deprecated}",
                flag.name
            ));
        }
        Ok(())
    }

    /// Refuses flags that exclude one another.
    ///
    /// # Errors
    /// The text that Helm prints.
    pub(super) fn check_groups(&self) -> Result<(), String> {
        for group in EXCLUSIVE {
            let mut set: Vec<&str> = group.iter().copied().filter(|it| self.has(it)).collect();
            set.sort_unstable();
            if set.len() > 1 {
                return Err(format!(
                    "if any flags in the group [{}] are set none of the others can be; [{}] were all set",
                    group.join(" "),
                    set.join(" ")
                ));
            }
        }
        Ok(())
    }

    /// Whether a flag was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// All values of a flag.
    pub(super) fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The last value of a flag.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name).and_then(value::boolean).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Given, String> {
        Given::parse(line.split(' ').map(str::to_owned).collect())
    }

    fn check(line: &str, error: &str) {
        assert_eq!(parse(line).err().as_deref(), Some(error), "{line}");
    }

    #[test]
    fn flags_stand_anywhere_and_in_all_forms() {
        let given =
            parse("rel -n=ns --no-hooks chart -gs a -sb --set=x=y --set z -- --debug").unwrap();
        assert_eq!(given.names, ["rel", "chart", "--debug"]);
        assert_eq!(given.text("namespace"), Some("ns"));
        assert_eq!(given.all("show-only"), ["a", "b"]);
        assert_eq!(given.all("set"), ["x=y", "z"]);
        assert!(given.is_on("no-hooks") && given.is_on("generate-name") && !given.is_on("debug"));
    }

    #[test]
    fn a_value_of_a_switch_is_attached() {
        let given = parse("--no-hooks=0 --dry-run client").unwrap();
        assert!(given.has("no-hooks") && !given.is_on("no-hooks"));
        assert_eq!(given.text("dry-run"), Some("unset"));
        assert_eq!(given.names, ["client"]);
    }

    #[test]
    fn lists_are_split_and_arrays_are_not() {
        let given = parse("-f a,\"b,c\" -f d --set a=1,b=2").unwrap();
        assert_eq!(given.all("values"), ["a", "b,c", "d"]);
        assert_eq!(given.all("set"), ["a=1,b=2"]);
    }

    #[test]
    fn errors_are_those_of_the_library() {
        check("--nope", "unknown flag: --nope");
        check("--=x", "bad flag syntax: --=x");
        check("--set", "flag needs an argument: --set");
        check("-gs", "flag needs an argument: 's' in -s");
        check("-gz1", "unknown shorthand flag: 'z' in -z1");
        check(
            "--no-hooks=maybe",
            "invalid argument \"maybe\" for \"--no-hooks\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        );
        check(
            "-l a",
            "invalid argument \"a\" for \"-l, --labels\" flag: a must be formatted as key=value",
        );
    }

    #[test]
    fn groups_exclude_one_another() {
        let given = parse("--dry-run=client --validate").unwrap();
        let text = "if any flags in the group [validate dry-run] are set none of the others can be; \
                    [dry-run validate] were all set";
        assert_eq!(given.check_groups().err().as_deref(), Some(text));
        assert_eq!(
            given.notices,
            ["Flag --validate has been deprecated, use '--dry-run=server' instead"]
        );
    }
}
