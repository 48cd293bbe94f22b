package main

import (
	"os"
	"slices"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// A chart to time within this process.
type bench struct {
	Chart       string   `json:"bench"`
	ValuesFiles []string `json:"valuesFiles"`
	KubeVersion string   `json:"kubeVersion"`
	IsUpgrade   bool     `json:"isUpgrade"`
}

// A chart is rendered again until so much time is over, or so often.
const (
	enough = 2 * time.Second
	most   = 200
)

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1e3
}

func (b bench) values() (map[string]any, error) {
	values := map[string]any{}
	for _, path := range b.ValuesFiles {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		read, err := loader.LoadValues(file)
		if err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, read)
	}
	return values, nil
}

// What a release needs of a chart that is loaded: values, rendering, sorting.
func (b bench) render(c *chart.Chart, given map[string]any, capabilities *common.Capabilities) error {
	options := common.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: !b.IsUpgrade, IsUpgrade: b.IsUpgrade}
	values, err := util.ToRenderValues(c, given, options, capabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(c, values)
	if err != nil {
		return err
	}
	for path := range files {
		if len(path) > 9 && path[len(path)-9:] == "NOTES.txt" {
			delete(files, path)
		}
	}
	_, _, err = releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	return err
}

// Milliseconds of loading, of the first and of a later rendering.
func (b bench) run() ([3]float64, error) {
	var times [3]float64
	given, err := b.values()
	if err != nil {
		return times, err
	}
	version, err := common.ParseKubeVersion(b.KubeVersion)
	if err != nil {
		return times, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	begin := time.Now()
	c, err := loader.Load(b.Chart)
	if err != nil {
		return times, err
	}
	times[0] = milliseconds(begin)
	begin = time.Now()
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		return times, err
	}
	if err := b.render(c, given, capabilities); err != nil {
		return times, err
	}
	times[1] = milliseconds(begin)
	var later []float64
	whole := time.Now()
	for len(later) < 2 || (time.Since(whole) < enough && len(later) < most) {
		begin = time.Now()
		if err := b.render(c, given, capabilities); err != nil {
			return times, err
		}
		later = append(later, milliseconds(begin))
	}
	slices.Sort(later)
	times[2] = later[len(later)/2]
	return times, nil
}
