// Command yaml records what the Go libraries make of YAML texts, merges and JSON patches. Inputs are the rows
// of the files themselves, so that running it again shows what changed. Run it in this folder:
//
//	go run . ../../../tests/conformance/kyaml/texts.jsonl ../../../tests/conformance/kyaml/merges.jsonl
//
// A row of texts.jsonl has "text"; recorded are "styled" (kyaml's String of the first document) and "output"
// (all objects as `kustomize build` prints them). A row of merges.jsonl has "how" (prepend, append: strategic
// merge; json: JSON patch), "target" and "patch"; recorded is "output". Errors are recorded as "ERR text".
package main

import (
	"bytes"
	"encoding/json"
	"os"

	"sigs.k8s.io/kustomize/api/filters/patchjson6902"
	"sigs.k8s.io/kustomize/kyaml/kio"
	ky "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	sy "sigs.k8s.io/yaml"
)

func print(node *ky.RNode) string {
	if node == nil {
		return "DELETED"
	}
	text, err := node.MarshalJSON()
	if err != nil {
		return "ERR " + err.Error()
	}
	out, err := sy.JSONToYAML(text)
	if err != nil {
		return "ERR " + err.Error()
	}
	return string(out)
}

func recordText(row map[string]string) {
	row["styled"] = func() string {
		node, err := ky.Parse(row["text"])
		if err != nil {
			return "ERR " + err.Error()
		}
		out, err := node.String()
		if err != nil {
			return "ERR " + err.Error()
		}
		return out
	}()
	row["output"] = func() string {
		nodes, err := kio.FromBytes([]byte(row["text"]))
		if err != nil {
			return "ERR " + err.Error()
		}
		out := ""
		for _, node := range nodes {
			out += "---\n" + print(node)
		}
		return out
	}()
}

func recordMerge(row map[string]string) {
	row["output"] = func() string {
		targets, err := kio.FromBytes([]byte(row["target"]))
		if err != nil {
			return "ERR " + err.Error()
		}
		if row["how"] == "json" {
			result, err := patchjson6902.Filter{Patch: row["patch"]}.Filter(targets)
			if err != nil {
				return "ERR " + err.Error()
			}
			return print(result[0])
		}
		patches, err := kio.FromBytes([]byte(row["patch"]))
		if err != nil {
			return "ERR " + err.Error()
		}
		direction := ky.MergeOptionsListPrepend
		if row["how"] == "append" {
			direction = ky.MergeOptionsListAppend
		}
		options := ky.MergeOptions{ListIncreaseDirection: direction}
		result, err := merge2.Merge(patches[0], targets[0], options)
		if err != nil {
			return "ERR " + err.Error()
		}
		return print(result)
	}()
}

func rewrite(path string, record func(map[string]string)) {
	old, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, line := range bytes.Split(bytes.TrimSpace(old), []byte("\n")) {
		row := map[string]string{}
		if err := json.Unmarshal(line, &row); err != nil {
			panic(err)
		}
		record(row)
		if err := encoder.Encode(row); err != nil {
			panic(err)
		}
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}

func main() {
	rewrite(os.Args[1], recordText)
	rewrite(os.Args[2], recordMerge)
}
