// Renders template rows with Helm's own engine: a JSON object per line in, a JSON object per line out.
//
// In: {"template": …, "values": …, "templates": {path: text}}, the template being templates/t.yaml of a chart
// "chart" 0.1.0, installed as "rel" into "ns". Out: {"expected": …} or {"error": …}.
//
// In: {"bench": chart, "valuesFiles": […], …} is answered by how long that chart takes, see bench.go.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

type row struct {
	bench
	Template  string            `json:"template"`
	Values    map[string]any    `json:"values"`
	Templates map[string]string `json:"templates"`
}

func render(r row) (string, error) {
	files := []*common.File{{Name: "templates/t.yaml", Data: []byte(r.Template)}}
	for path, text := range r.Templates {
		files = append(files, &common.File{Name: path, Data: []byte(text)})
	}
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "chart", Version: "0.1.0"},
		Templates: files,
	}
	version, err := common.ParseKubeVersion("v1.36.0")
	if err != nil {
		return "", err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	options := common.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(c, r.Values, options, capabilities)
	if err != nil {
		return "", err
	}
	rendered, err := engine.Render(c, values)
	return rendered["chart/templates/t.yaml"], err
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, readErr := in.ReadBytes('\n')
		if len(line) > 1 {
			var r row
			if err := json.Unmarshal(line, &r); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			result := map[string]any{}
			if r.Chart != "" {
				times, err := r.bench.run()
				if err != nil {
					result["error"] = err.Error()
				} else {
					result["load_ms"], result["first_ms"], result["again_ms"] = times[0], times[1], times[2]
				}
			} else if text, err := render(r); err != nil {
				result["error"] = err.Error()
			} else {
				result["expected"] = text
			}
			if err := encoder.Encode(result); err != nil {
				os.Exit(1)
			}
			out.Flush()
		}
		if readErr != nil {
			return
		}
	}
}
