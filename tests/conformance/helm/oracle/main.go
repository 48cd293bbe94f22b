// Answers rows with Helm's own engine, loader and command: a JSON object per line in, a JSON object per line out.
//
// A row's "kind" tells what is asked. Without one it is {"template": …, "values": …, "templates": {path: text}},
// the template being templates/t.yaml of a chart "chart" 0.1.0, installed as "rel" into "ns"; the answer is
// {"expected": …} or {"error": …}. With arguments the program is Helm's command itself, which it runs for rows
// that want what `helm template` prints. {"bench": chart, "valuesFiles": […], …} is answered by how long that chart
// takes, see bench.go.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	helmcmd "helm.sh/helm/v4/pkg/cmd"
)

// A row, and what is answered to it.
type row map[string]json.RawMessage
type answer map[string]any

// What is asked, by kind.
var kinds = map[string]func(row) (answer, error){
	"": template,
	"bench": func(r row) (answer, error) {
		var asked bench
		whole, _ := json.Marshal(r)
		if err := json.Unmarshal(whole, &asked); err != nil {
			return nil, err
		}
		times, err := asked.run()
		if err != nil {
			return nil, err
		}
		return answer{"load_ms": times[0], "first_ms": times[1], "again_ms": times[2]}, nil
	},
	"case":            wholeCase,
	"chart":           chartRow,
	"helmignore":      ignored,
	"load":            load,
	"marshal":         marshal,
	"sort-manifests":  sorted,
	"split-manifests": split,
	"strvals":         setValues,
	"unmarshal":       unmarshal,
	"value-flags":     flagValues,
}

func main() {
	if len(os.Args) > 1 {
		command, err := helmcmd.NewRootCmd(os.Stdout, os.Args[1:], helmcmd.SetupLogging)
		if err != nil || command.Execute() != nil {
			os.Exit(1)
		}
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, readErr := in.ReadBytes('\n')
		if len(line) > 1 {
			if err := encoder.Encode(respond(line)); err != nil {
				os.Exit(1)
			}
			out.Flush()
		}
		if readErr != nil {
			return
		}
	}
}

func respond(line []byte) (result answer) {
	var asked row
	if err := json.Unmarshal(line, &asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kind := asked.text("kind")
	if _, timed := asked["bench"]; timed {
		kind = "bench"
	}
	ask, known := kinds[kind]
	if !known {
		fmt.Fprintln(os.Stderr, "unknown kind", kind)
		os.Exit(1)
	}
	result, err := ask(asked)
	if err != nil {
		return answer{"error": err.Error()}
	}
	return result
}

// read puts a part of the row into place, if it is there.
func (r row) read(key string, place any) {
	if raw, there := r[key]; there {
		if err := json.Unmarshal(raw, place); err != nil {
			fmt.Fprintln(os.Stderr, key, err)
			os.Exit(1)
		}
	}
}

func (r row) text(key string) string {
	var text string
	r.read(key, &text)
	return text
}

func (r row) texts(key string) []string {
	var texts []string
	r.read(key, &texts)
	return texts
}

func (r row) flag(key string) bool {
	var flag bool
	r.read(key, &flag)
	return flag
}
