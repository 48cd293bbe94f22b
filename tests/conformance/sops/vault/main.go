// A Vault in memory for one test: the real core, its HTTP interface and its transit engine, unsealed. It prints its
// address and root token as one line of JSON, and serves until it is killed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// engines is the list of what is built in: the transit engine alone.
type engines struct{}

func (engines) Contains(name string, kind consts.PluginType) bool {
	return name == "transit" && kind == consts.PluginTypeSecrets
}

func (it engines) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	if !it.Contains(name, kind) {
		return nil, false
	}
	return func() (interface{}, error) { return logical.Factory(transit.Factory), nil }, true
}

func (engines) Keys(kind consts.PluginType) []string {
	if kind != consts.PluginTypeSecrets {
		return nil
	}
	return []string{"transit"}
}

func (it engines) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, it.Contains(name, kind)
}

func (engines) IsBuiltinEntPlugin(string, consts.PluginType) bool {
	return false
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		LogicalBackends: map[string]logical.Factory{"transit": transit.Factory},
		Logger:          logger,
		BuiltinRegistry: engines{},
		DisableMlock:    true,
	})
	if err != nil {
		return err
	}
	seal := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	made, err := core.Initialize(context.Background(), &vault.InitParams{BarrierConfig: seal})
	if err != nil {
		return err
	}
	if _, err := core.Unseal(made.SecretShares[0]); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	said := map[string]string{"address": "http://" + address, "token": made.RootToken}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		return err
	}
	config := &configutil.Listener{Address: address}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: config})
	return http.Serve(listener, handler)
}
