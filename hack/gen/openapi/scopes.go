package main

import (
	"sort"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"google.golang.org/protobuf/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/openapi/kubernetesapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// knownScopes lists the scope of every type that has a path in the embedded document.
func knownScopes() []string {
	asset := kubernetesapi.OpenAPIMustAsset[kubernetesapi.DefaultOpenAPI]("kubernetesapi/v1_21_2/swagger.pb")
	document := &openapi_v2.Document{}
	if err := proto.Unmarshal(asset, document); err != nil {
		panic(err)
	}
	var swagger spec.Swagger
	if _, err := swagger.FromGnostic(document); err != nil {
		panic(err)
	}
	seen := map[string]bool{}
	for _, path := range swagger.Paths.Paths {
		if path.Get == nil {
			continue
		}
		kind, ok := path.Get.Extensions["x-kubernetes-group-version-kind"].(map[string]interface{})
		if !ok {
			continue
		}
		apiVersion := kind["version"].(string)
		if group, ok := kind["group"].(string); ok && group != "" {
			apiVersion = group + "/" + apiVersion
		}
		meta := yaml.TypeMeta{APIVersion: apiVersion, Kind: kind["kind"].(string)}
		scope := "c"
		namespaced, found := openapi.IsNamespaceScoped(meta)
		if !found {
			continue
		}
		if namespaced {
			scope = "n"
		}
		seen["S "+scope+" "+meta.APIVersion+" "+meta.Kind] = true
	}
	lines := make([]string, 0, len(seen))
	for line := range seen {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}
