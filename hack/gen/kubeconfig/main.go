// Command kubeconfig records what Flux makes of kubeconfigs. Inputs are the rows of the file itself, so that running
// it again shows what changed. Run it in this folder:
//
//	go run . ../../../tests/conformance/kubeconfig/cases.jsonl
//
// A row has "name" and "config". Recorded are "error", or "client": what Flux keeps of it with its default flags,
// and "insecure": the same with --insecure-kubeconfig-exec and --insecure-kubeconfig-tls, where that differs.
// "unusable" in either is the error of making a client from it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"reflect"

	"github.com/fluxcd/pkg/runtime/client"
	"k8s.io/client-go/rest"
)

type row struct {
	Name     string         `json:"name"`
	Config   string         `json:"config"`
	Error    string         `json:"error,omitempty"`
	Client   map[string]any `json:"client,omitempty"`
	Insecure map[string]any `json:"insecure,omitempty"`
}

func reduced(config *rest.Config) map[string]any {
	out := map[string]any{}
	text := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	text("ca", string(config.CAData))
	text("cert", string(config.CertData))
	text("key", string(config.KeyData))
	text("serverName", config.ServerName)
	text("username", config.Username)
	text("password", config.Password)
	text("token", config.BearerToken)
	text("tokenFile", config.BearerTokenFile+config.CertFile+config.KeyFile+config.CAFile)
	text("impersonate", config.Impersonate.UserName)
	if config.Insecure {
		out["insecure"] = true
	}
	if address, _, err := rest.DefaultServerUrlFor(config); err != nil {
		out["unusable"] = err.Error()
	} else {
		out["url"] = address.String()
		if _, err := rest.HTTPClientFor(config); err != nil && config.ExecProvider == nil {
			out["unusable"] = err.Error()
		}
	}
	if config.ExecProvider != nil {
		out["exec"] = config.ExecProvider.Command
	}
	if config.Proxy != nil {
		request, _ := http.NewRequest("GET", "https://example.com", nil)
		proxy, err := config.Proxy(request)
		if err == nil && proxy != nil {
			out["proxy"] = proxy.String()
		}
	}
	return out
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
	out := row{Name: in.Name, Config: in.Config}
	config, err := client.KubeConfigFromBytes([]byte(in.Config))
	if err != nil {
		out.Error = err.Error()
		return out
	}
	// Nobody is asked for the flow control of a server that does not exist.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out.Client = reduced(client.KubeConfig(ctx, config, client.KubeConfigOptions{}))
	flags := client.KubeConfigOptions{InsecureExecProvider: true, InsecureTLS: true}
	if open := reduced(client.KubeConfig(ctx, config, flags)); !reflect.DeepEqual(open, out.Client) {
		out.Insecure = open
	}
	return out
}
