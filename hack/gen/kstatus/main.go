// Command kstatus records what Flux says of objects. Inputs are the rows of the file itself, so that running it again
// shows what changed. Run it in this folder:
//
//	go run . ../../../tests/conformance/kstatus/objects.jsonl
//
// A row has "object". Recorded are "status" and "message", of an error the status Unknown and its text. Jobs are read
// as kustomize-controller reads them, all else as cli-utils does.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/runtime/statusreaders"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type row struct {
	Object  json.RawMessage `json:"object"`
	Status  string          `json:"status"`
	Message string          `json:"message"`
}

func main() {
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		var recorded bytes.Buffer
		encoder := json.NewEncoder(&recorded)
		encoder.SetEscapeHTML(false)
		for line := range bytes.Lines(text) {
			var in row
			if err := json.Unmarshal(line, &in); err != nil {
				panic(err)
			}
			if err := encoder.Encode(record(in)); err != nil {
				panic(err)
			}
		}
		if err := os.WriteFile(path, recorded.Bytes(), 0o644); err != nil {
			panic(err)
		}
	}
}

func record(in row) row {
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(in.Object); err != nil {
		panic(err)
	}
	if kind := object.GroupVersionKind().GroupKind(); kind.Group == "batch" && kind.Kind == "Job" {
		result := statusreaders.ComputeJobStatus(&object)
		return row{in.Object, string(result.Status), strings.TrimPrefix(result.Message, "Failed to compute job status: ")}
	}
	result, err := status.Compute(&object)
	if err != nil {
		return row{in.Object, string(status.UnknownStatus), err.Error()}
	}
	return row{in.Object, string(result.Status), result.Message}
}
