//! Every flag that `helm template` takes.

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or a truth value after `=`.
    Switch,
    /// A text.
    Text,
    /// A text, or nothing: then this one.
    Optional(&'static str),
    /// A list with commas, quoted as in CSV.
    List,
    /// Pairs `key=value` with commas.
    Pairs,
    /// A duration.
    Duration,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// What to wait for; `watcher` if nothing is said.
    Wait,
}

impl Kind {
    /// What it means without a value, if that can be.
    pub(super) fn without_value(self) -> Option<&'static str> {
        match self {
            Self::Switch => Some("true"),
            Self::Optional(text) => Some(text),
            Self::Wait => Some("watcher"),
            _ => None,
        }
    }
}

/// A flag.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) short: Option<char>,
    pub(super) kind: Kind,
    /// What to use instead.
    pub(super) deprecated: Option<&'static str>,
    /// What it does here; empty for what means nothing without a cluster and a registry.
    about: &'static str,
}

const fn flag(name: &'static str, kind: Kind, about: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        kind,
        deprecated: None,
        about,
    }
}

const fn short(name: &'static str, short: char, kind: Kind, about: &'static str) -> Flag {
    Flag {
        short: Some(short),
        ..flag(name, kind, about)
    }
}

const fn idle(name: &'static str, kind: Kind) -> Flag {
    flag(name, kind, "")
}

const fn deprecated(name: &'static str, instead: &'static str) -> Flag {
    Flag {
        deprecated: Some(instead),
        ..flag(name, Kind::Switch, "")
    }
}

const NO_EFFECT: &str = "this flag has no effect for 'helm template' and will be removed in Helm 5";

pub(super) const FLAGS: &[Flag] = &[
    short(
        "api-versions",
        'a',
        Kind::List,
        "API versions of the cluster besides those that Helm knows",
    ),
    deprecated("atomic", "use --rollback-on-failure instead"),
    idle("burst-limit", Kind::Int),
    idle("ca-file", Kind::Text),
    idle("cert-file", Kind::Text),
    idle("color", Kind::Text),
    idle("colour", Kind::Text),
    idle("content-cache", Kind::Text),
    idle("create-namespace", Kind::Switch),
    flag(
        "debug",
        Kind::Switch,
        "tell more, and print what is no YAML",
    ),
    flag(
        "dependency-update",
        Kind::Switch,
        "refused where dependencies are missing: they come over the network",
    ),
    idle("description", Kind::Text),
    idle("devel", Kind::Switch),
    idle("disable-openapi-validation", Kind::Switch),
    flag(
        "dry-run",
        Kind::Optional("unset"),
        "'client'; 'server' needs a cluster and is refused",
    ),
    flag("enable-dns", Kind::Switch, "let templates look hosts up"),
    deprecated("force", "use --force-replace instead"),
    idle("force-conflicts", Kind::Switch),
    idle("force-replace", Kind::Switch),
    short("generate-name", 'g', Kind::Switch, "leave the name out"),
    short("help", 'h', Kind::Switch, "print this"),
    deprecated("hide-notes", NO_EFFECT),
    flag(
        "include-crds",
        Kind::Switch,
        "print the definitions below crds/, too",
    ),
    idle("insecure-skip-tls-verify", Kind::Switch),
    flag("is-upgrade", Kind::Switch, "render as an upgrade"),
    idle("key-file", Kind::Text),
    idle("keyring", Kind::Text),
    idle("kube-apiserver", Kind::Text),
    idle("kube-as-group", Kind::Text),
    idle("kube-as-user", Kind::Text),
    idle("kube-ca-file", Kind::Text),
    flag(
        "kube-context",
        Kind::Text,
        "the context whose namespace is taken",
    ),
    idle("kube-insecure-skip-tls-verify", Kind::Switch),
    idle("kube-tls-server-name", Kind::Text),
    idle("kube-token", Kind::Text),
    flag("kube-version", Kind::Text, "the version of Kubernetes"),
    flag(
        "kubeconfig",
        Kind::Text,
        "the file whose namespace is taken",
    ),
    short("labels", 'l', Kind::Pairs, ""),
    flag(
        "name-template",
        Kind::Text,
        "a template that makes the name",
    ),
    short("namespace", 'n', Kind::Text, "the namespace"),
    flag("no-hooks", Kind::Switch, "print no hooks"),
    flag(
        "output-dir",
        Kind::Text,
        "write files below this directory instead of printing",
    ),
    idle("pass-credentials", Kind::Switch),
    idle("password", Kind::Text),
    idle("plain-http", Kind::Switch),
    flag("post-renderer", Kind::Text, "refused: no plugins are run"),
    flag(
        "post-renderer-args",
        Kind::Text,
        "refused: no plugins are run",
    ),
    idle("qps", Kind::Float),
    idle("registry-config", Kind::Text),
    flag(
        "release-name",
        Kind::Switch,
        "put the release's name into the paths of --output-dir",
    ),
    deprecated("render-subchart-notes", NO_EFFECT),
    idle("replace", Kind::Switch),
    flag("repo", Kind::Text, "refused: it needs the network"),
    idle("repository-cache", Kind::Text),
    idle("repository-config", Kind::Text),
    idle("rollback-on-failure", Kind::Switch),
    idle("server-side", Kind::Switch),
    flag("set", Kind::Text, "values: a.b=1,c[0]=x"),
    flag(
        "set-file",
        Kind::Text,
        "values that are the contents of files",
    ),
    flag("set-json", Kind::Text, "values in JSON"),
    flag(
        "set-literal",
        Kind::Text,
        "a value that is a string, without escapes",
    ),
    flag("set-string", Kind::Text, "values that are strings"),
    short(
        "show-only",
        's',
        Kind::Text,
        "print only what comes from these files",
    ),
    idle("skip-crds", Kind::Switch),
    flag(
        "skip-schema-validation",
        Kind::Switch,
        "do not hold values against schemas",
    ),
    flag("skip-tests", Kind::Switch, "print no tests"),
    idle("take-ownership", Kind::Switch),
    idle("timeout", Kind::Duration),
    idle("username", Kind::Text),
    Flag {
        deprecated: Some("use '--dry-run=server' instead"),
        ..flag("validate", Kind::Switch, "refused: it needs a cluster")
    },
    short(
        "values",
        'f',
        Kind::List,
        "files of values; - is the standard input",
    ),
    flag(
        "verify",
        Kind::Switch,
        "refused: signatures are not checked",
    ),
    idle("version", Kind::Text),
    idle("wait", Kind::Wait),
    idle("wait-for-jobs", Kind::Switch),
    // Those of Kubernetes' logging library, which nothing here uses.
    idle("add-dir-header", Kind::Switch),
    idle("alsologtostderr", Kind::Switch),
    idle("alsologtostderrthreshold", Kind::Text),
    idle("legacy-stderr-threshold-behavior", Kind::Switch),
    idle("log-backtrace-at", Kind::Text),
    idle("log-dir", Kind::Text),
    idle("log-file", Kind::Text),
    idle("log-file-max-size", Kind::Text),
    idle("logtostderr", Kind::Switch),
    idle("one-output", Kind::Switch),
    idle("skip-headers", Kind::Switch),
    idle("skip-log-headers", Kind::Switch),
    idle("stderrthreshold", Kind::Text),
    short("v", 'v', Kind::Int, ""),
    idle("vmodule", Kind::Text),
];

/// What `--help` prints.
pub(in crate::helm_template) fn help() -> String {
    let mut text = String::from(
        "Render a chart's templates and print them, as `helm template` does.\n\n\
         Usage:\n  weir helm template [NAME] CHART [flags]\n\nFlags:\n",
    );
    for flag in FLAGS.iter().filter(|it| !it.about.is_empty()) {
        let letter = match flag.short {
            Some(letter) => format!("-{letter}, "),
            None => String::from("    "),
        };
        let name = format!("  {letter}--{}", flag.name);
        text.push_str(&format!("{name:<32}{}\n", flag.about));
    }
    text.push_str(
        "\nThe other flags of `helm template` are taken and change nothing without a cluster and a registry.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_is_there_twice() {
        let mut names: Vec<_> = FLAGS.iter().map(|it| it.name).collect();
        let mut shorts: Vec<_> = FLAGS.iter().filter_map(|it| it.short).collect();
        names.sort_unstable();
        shorts.sort_unstable();
        assert!(names.windows(2).all(|it| it[0] != it[1]));
        assert!(shorts.windows(2).all(|it| it[0] != it[1]));
    }

    #[test]
    fn help_names_what_works() {
        let help = help();
        assert!(
            help.contains("-f, --values") && help.contains("    --output-dir"),
            "{help}"
        );
        assert!(!help.contains("vmodule"));
    }
}
