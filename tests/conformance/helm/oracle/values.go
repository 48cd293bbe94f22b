package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	"helm.sh/helm/v4/pkg/ignore"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

func sortBy[T any](items []T, key func(T) string) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
}

// setValues is one text of the --set family.
func setValues(r row) (answer, error) {
	base := map[string]any{}
	r.read("base", &base)
	var files map[string]string
	r.read("files", &files)
	reader := func(path []rune) (any, error) {
		if text, there := files[string(path)]; there {
			return text, nil
		}
		return nil, fmt.Errorf("open %s: no such file or directory", string(path))
	}
	input := r.text("input")
	var err error
	switch r.text("mode") {
	case "set":
		err = strvals.ParseInto(input, base)
	case "set-string":
		err = strvals.ParseIntoString(input, base)
	case "set-json":
		err = strvals.ParseJSON(input, base)
	case "set-literal":
		err = strvals.ParseLiteralInto(input, base)
	default:
		err = strvals.ParseIntoFile(input, base, reader)
	}
	if err != nil {
		return nil, err
	}
	return answer{"expected": base, "typed": typed(base)}, nil
}

// typed writes a value with the types of its scalars.
func typed(value any) string {
	text := func(it any) string {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(it); err != nil {
			panic(err)
		}
		return strings.TrimSuffix(out.String(), "\n")
	}
	switch value := value.(type) {
	case nil:
		return "null"
	case map[string]any:
		parts := []string{}
		for key, item := range value {
			parts = append(parts, text(key)+":"+typed(item))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		parts := []string{}
		for _, item := range value {
			parts = append(parts, typed(item))
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return fmt.Sprintf("%T(%s)", value, text(value))
	}
}

var numbered = regexp.MustCompile(`values-\d+\.yaml`)

// flagValues is what all flags together give.
func flagValues(r row) (answer, error) {
	folder, err := os.MkdirTemp("", "oracle")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	back, _ := os.Getwd()
	defer os.Chdir(back)
	if err := os.Chdir(folder); err != nil {
		panic(err)
	}
	options := values.Options{Values: r.texts("set"), StringValues: r.texts("setString"),
		JSONValues: r.texts("setJson"), LiteralValues: r.texts("setLiteral"), FileValues: r.texts("setFile")}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	for at, text := range r.texts("valuesFiles") {
		name := fmt.Sprintf("values-%d.yaml", at)
		write(name, text)
		options.ValueFiles = append(options.ValueFiles, name)
	}
	var contents map[string]string
	r.read("setFileContents", &contents)
	for name, text := range contents {
		write(name, text)
	}
	merged, err := options.MergeValues(getter.Providers{})
	if err != nil {
		// Rows do not number their files.
		return nil, errors.New(numbered.ReplaceAllString(err.Error(), "values.yaml"))
	}
	return answer{"expected": merged}, nil
}

// entry is a file or folder that is not there.
type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return 0 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.folder }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() os.FileMode {
	if e.folder {
		return os.ModeDir
	}
	return 0
}

func ignored(r row) (answer, error) {
	rules, err := ignore.Parse(strings.NewReader(r.text("rules")))
	if err != nil {
		return nil, err
	}
	if r.flag("defaults") {
		rules.AddDefaults()
	}
	path := r.text("path")
	name := path[strings.LastIndex(path, "/")+1:]
	return answer{"ignored": rules.Ignore(path, entry{name, r.flag("isDir")})}, nil
}

func split(r row) (answer, error) {
	found := releaseutil.SplitManifests(r.text("manifest"))
	names := []string{}
	for name := range found {
		names = append(names, name)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(names))
	documents := []string{}
	for _, name := range names {
		documents = append(documents, found[name])
	}
	return answer{"documents": documents}, nil
}

func sorted(r row) (answer, error) {
	var files map[string]string
	r.read("files", &files)
	order := releaseutil.InstallOrder
	if r.text("order") == "uninstall" {
		order = releaseutil.UninstallOrder
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, order)
	if err != nil {
		return nil, err
	}
	hookTexts, texts := []string{}, []string{}
	for _, hook := range hooks {
		hookTexts = append(hookTexts, hook.Manifest)
	}
	for _, manifest := range manifests {
		texts = append(texts, manifest.Content)
	}
	return answer{"hooks": hookTexts, "manifests": texts}, nil
}

func marshal(r row) (answer, error) {
	var value any
	if err := json.Unmarshal([]byte(r.text("json")), &value); err != nil {
		panic(err)
	}
	text, err := yaml.Marshal(value)
	return answer{"yaml": string(text)}, err
}

func unmarshal(r row) (answer, error) {
	text := []byte(r.text("yaml"))
	if encoded := r.text("yaml_base64"); encoded != "" {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			panic(err)
		}
		text = decoded
	}
	found, err := yaml.YAMLToJSON(text)
	return answer{"json": string(found)}, err
}
