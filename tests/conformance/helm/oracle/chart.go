package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	versioned "helm.sh/helm/v4/pkg/chart/loader"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	release "helm.sh/helm/v4/pkg/release/v1"
)

// A rendering: the folder it happens in, the chart there, and what the user gives.
type rendering struct {
	row     row
	folder  string
	chart   string
	options values.Options
}

// chartRow renders the files of a row, which are the chart "chart".
func chartRow(r row) (answer, error) {
	folder, err := written(r)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	given := rendering{row: r, folder: folder, chart: "chart"}
	if raw, there := r["values"]; there {
		given.options.ValueFiles = append(given.options.ValueFiles, given.file("values.yaml", raw))
	}
	for at, text := range r.texts("valuesFiles") {
		name := fmt.Sprintf("values-%d.yaml", at)
		given.options.ValueFiles = append(given.options.ValueFiles, given.file(name, []byte(text)))
	}
	given.options.Values = r.texts("set")
	given.options.StringValues = r.texts("setString")
	given.options.JSONValues = r.texts("setJson")
	given.options.LiteralValues = r.texts("setLiteral")
	return given.answer(r.flag("coalesce"))
}

// wholeCase renders a chart of the corpus with the values files of a case.
func wholeCase(r row) (answer, error) {
	given := rendering{row: r, folder: r.text("folder"), chart: r.text("path")}
	given.options.ValueFiles = r.texts("values")
	return given.answer(false)
}

func (g *rendering) file(name string, text []byte) string {
	if err := os.WriteFile(filepath.Join(g.folder, name), text, 0o600); err != nil {
		panic(err)
	}
	return name
}

func (g *rendering) or(key, otherwise string) string {
	if text := g.row.text(key); text != "" {
		return text
	}
	return otherwise
}

// answer is what the command prints, with the notes and, if they are wanted, the values in the end.
func (g *rendering) answer(coalesced bool) (answer, error) {
	printed, err := g.printed()
	if err != nil {
		return nil, err
	}
	result := answer{"expected": printed}
	notes, values, err := g.inside()
	if err != nil {
		return nil, err
	}
	if notes != "" {
		result["notes"] = notes
	}
	if coalesced {
		result["coalesced"] = values
	}
	return result, nil
}

// printed is what `helm template` prints.
func (g *rendering) printed() (string, error) {
	arguments := []string{"template", g.or("release", "rel"), g.chart, "--namespace", g.or("namespace", "ns"),
		"--kube-version", g.or("kubeVersion", kubeVersion)}
	for flag, items := range map[string][]string{
		"--values": g.options.ValueFiles, "--set": g.options.Values, "--set-string": g.options.StringValues,
		"--set-json": g.options.JSONValues, "--set-literal": g.options.LiteralValues,
		"--api-versions": g.row.texts("apiVersions"),
	} {
		for _, item := range items {
			arguments = append(arguments, flag, item)
		}
	}
	for flag, key := range map[string]string{"--include-crds": "includeCRDs", "--is-upgrade": "isUpgrade",
		"--skip-tests": "skipTests", "--skip-schema-validation": "skipSchemaValidation"} {
		if g.row.flag(key) {
			arguments = append(arguments, flag)
		}
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	command := exec.Command(self, arguments...)
	command.Dir = g.folder
	command.Env = []string{"HOME=" + os.TempDir(), "TZ=UTC"}
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err == nil {
		return out.String(), nil
	}
	text := complaints.String()
	if at := strings.Index(text, "Error: "); at >= 0 {
		text = text[at+len("Error: "):]
	}
	text, _, _ = strings.Cut(text, "\n\nUse --debug flag to render out invalid YAML")
	return "", errors.New(strings.TrimSuffix(text, "\n"))
}

// inside gives what the command does not print: the notes, and the values that templates see.
func (g *rendering) inside() (string, map[string]any, error) {
	back, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	defer os.Chdir(back)
	if err := os.Chdir(g.folder); err != nil {
		panic(err)
	}
	merged, err := g.options.MergeValues(getter.Providers{})
	if err != nil {
		return "", nil, err
	}
	version, err := common.ParseKubeVersion(g.or("kubeVersion", kubeVersion))
	if err != nil {
		return "", nil, err
	}
	install := action.NewInstall(action.NewConfiguration())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace = g.or("release", "rel"), g.or("namespace", "ns")
	install.KubeVersion, install.APIVersions = version, common.VersionSet(g.row.texts("apiVersions"))
	install.Replace, install.IsUpgrade = true, g.row.flag("isUpgrade")
	install.SubNotes = g.row.flag("subNotes")
	install.SkipSchemaValidation = g.row.flag("skipSchemaValidation")
	loaded, err := loader.Load(g.chart)
	if err != nil {
		return "", nil, err
	}
	ran, err := install.Run(loaded, merged)
	if err != nil {
		return "", nil, err
	}
	notes := ran.(*release.Release).Info.Notes
	values, err := coalesced(g.chart, merged)
	return notes, values, err
}

func coalesced(path string, merged map[string]any) (map[string]any, error) {
	loaded, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(loaded, merged); err != nil {
		return nil, err
	}
	return util.CoalesceValues(loaded, merged)
}

// written puts the files of a row into "chart" in a new folder.
func written(r row) (string, error) {
	folder, err := os.MkdirTemp("", "oracle")
	if err != nil {
		panic(err)
	}
	var files, encoded map[string]string
	r.read("files", &files)
	r.read("filesB64", &encoded)
	for path, text := range encoded {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err)
		}
		files[path] = string(data)
	}
	for path, text := range files {
		path = filepath.Join(folder, "chart", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	return folder, nil
}

// load tells what is in a chart: a row's files or archive.
func load(r row) (answer, error) {
	if archive := r.text("tgz"); archive != "" {
		data, err := base64.StdEncoding.DecodeString(archive)
		if err != nil {
			panic(err)
		}
		found, err := loader.LoadArchive(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return answer{"loaded": contents(found)}, nil
	}
	folder, err := written(r)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	back, _ := os.Getwd()
	defer os.Chdir(back)
	if err := os.Chdir(folder); err != nil {
		panic(err)
	}
	found, err := versioned.Load("chart")
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), folder+"/", ""))
	}
	return answer{"loaded": contents(found.(*chart.Chart))}, nil
}

func contents(c *chart.Chart) answer {
	dependencies := []answer{}
	for _, dependency := range c.Dependencies() {
		dependencies = append(dependencies, contents(dependency))
	}
	sortBy(dependencies, func(it answer) string { return it["metadata"].(*chart.Metadata).Name })
	names := func(files []*common.File) []string {
		names := []string{}
		for _, file := range files {
			names = append(names, file.Name)
		}
		sortBy(names, func(it string) string { return it })
		return names
	}
	var values any = c.Values
	if c.Values == nil {
		values = json.RawMessage("null")
	}
	return answer{"metadata": c.Metadata, "values": values, "templates": names(c.Templates),
		"files": names(c.Files), "dependencies": dependencies, "schema": string(c.Schema)}
}
