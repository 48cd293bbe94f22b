// Command cel records what Flux makes of CEL expressions. Run it in this folder, with the folder of the inputs and that
// of the recorded cases:
//
//	go run . ../../../tests/conformance/cel/inputs ../../../tests/conformance/cel/cases
//
// The first line of an input is a comment with the variables as JSON. Each further line is an expression, in which ⏎
// stands for a line break. A row has the expression and what becomes of it: "parse" where it is only parsed,
// "compile" where it is compiled over objects, "bool" where it has to give true or false too. "= " begins a value,
// "! " an error.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fluxcd/pkg/runtime/cel"
	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

type row struct {
	Expr    string `json:"expr"`
	Parse   string `json:"parse"`
	Compile string `json:"compile"`
	Bool    string `json:"bool"`
}

func main() {
	inputs, err := filepath.Glob(filepath.Join(os.Args[1], "*.cel"))
	if err != nil {
		panic(err)
	}
	for _, path := range inputs {
		name := strings.TrimSuffix(filepath.Base(path), ".cel") + ".jsonl"
		if err := os.WriteFile(filepath.Join(os.Args[2], name), recordFile(path), 0o644); err != nil {
			panic(err)
		}
	}
}

func recordFile(path string) []byte {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var recorded bytes.Buffer
	encoder := json.NewEncoder(&recorded)
	encoder.SetEscapeHTML(false)
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<22)
	vars := map[string]any{}
	for first := true; scanner.Scan(); first = false {
		line := scanner.Text()
		if first {
			// As the objects of Kubernetes are decoded: whole numbers are int64.
			if err := utiljson.Unmarshal([]byte(strings.TrimPrefix(line, "// ")), &vars); err != nil {
				panic(err)
			}
			continue
		}
		expr := strings.ReplaceAll(line, "⏎", "\n")
		names := make([]string, 0, len(vars))
		for name := range vars {
			names = append(names, name)
		}
		sort.Strings(names)
		objects := cel.WithStructVariables(names...)
		if err := encoder.Encode(row{
			Expr:    expr,
			Parse:   evaluate(expr, vars),
			Compile: evaluate(expr, vars, cel.WithCompile(), objects),
			Bool:    boolean(expr, vars, cel.WithCompile(), objects, cel.WithOutputType(celgo.BoolType)),
		}); err != nil {
			panic(err)
		}
	}
	return recorded.Bytes()
}

func evaluate(expr string, vars map[string]any, opts ...cel.Option) (made string) {
	defer recovered(&made)
	e, err := cel.NewExpression(expr, opts...)
	if err != nil {
		return "! " + err.Error()
	}
	value, err := e.Evaluate(context.Background(), vars)
	if err != nil {
		return "! " + err.Error()
	}
	return "= " + show(value)
}

func boolean(expr string, vars map[string]any, opts ...cel.Option) (made string) {
	defer recovered(&made)
	e, err := cel.NewExpression(expr, opts...)
	if err != nil {
		return "! " + err.Error()
	}
	value, err := e.EvaluateBoolean(context.Background(), vars)
	if err != nil {
		return "! " + err.Error()
	}
	return "= " + show(value)
}

// recovered tells of a panic: cel-go has some.
func recovered(made *string) {
	if problem := recover(); problem != nil {
		*made = fmt.Sprintf("! panic: %v", problem)
	}
}

// show prints a value with its type.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case types.Null:
		return "null"
	case *types.Optional:
		if v.HasValue() {
			return "optional(" + show(v.GetValue()) + ")"
		}
		return "none"
	case traits.Mapper:
		var entries []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			entries = append(entries, show(key)+": "+show(v.Get(key)))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case traits.Lister:
		var items []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			items = append(items, show(it.Next()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case ref.Val:
		return show(v.Value())
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10) + "u"
	case float64:
		return "double " + strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		text, _ := json.Marshal(v)
		return string(text)
	case []byte:
		return "bytes " + hex.EncodeToString(v)
	case time.Time:
		return "time " + v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return "duration " + strconv.FormatInt(int64(v), 10)
	}
	if fmt.Sprintf("%T", value) == "structpb.NullValue" {
		return "null"
	}
	return show(types.DefaultTypeAdapter.NativeToValue(value))
}
