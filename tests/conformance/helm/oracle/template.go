package main

import (
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
)

const kubeVersion = "v1.36.0"

// One template in a small chart.
func template(r row) (answer, error) {
	files := []*common.File{{Name: "templates/t.yaml", Data: []byte(r.text("template"))}}
	var others map[string]string
	r.read("templates", &others)
	for path, text := range others {
		files = append(files, &common.File{Name: path, Data: []byte(text)})
	}
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "chart", Version: "0.1.0"},
		Templates: files,
	}
	version, err := common.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	options := common.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	var given map[string]any
	r.read("values", &given)
	values, err := util.ToRenderValues(c, given, options, capabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(c, values)
	if err != nil {
		return nil, err
	}
	return answer{"expected": rendered["chart/templates/t.yaml"]}, nil
}
