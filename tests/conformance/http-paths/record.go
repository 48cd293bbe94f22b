// Records what Go's file server, behind a ServeMux as Flux puts it there, answers to odd request targets, one JSON
// line per target.
//
// Run with `go run record.go > answers.jsonl`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

type answer struct {
	Go       string `json:"go"`
	Target   string `json:"target"`
	Status   int    `json:"status"`
	Location string `json:"location,omitempty"`
	Body     string `json:"body,omitempty"`
}

const app = "/gitrepository/ns/app"

var targets = []string{
	// What is there, however it is written.
	app + "/a.tar.gz", app + "/a.tar.gz?x=1", app + "/a.tar.gz?/../../secret", app + "/%61.tar.gz", "/%67itrepository/ns/app/a.tar.gz",
	"/gitrepository%2Fns%2Fapp%2Fa.tar.gz", "/gitrepository/ns%2Fapp/a.tar.gz", app + "/sha256:ab.tar.gz", app + "/sha256%3aab.tar.gz",
	app + "/sp%20ace.tar.gz", app + "/%C3%A9.tar.gz", app + "/e%CC%81.tar.gz", app + "/latest.tar.gz", "http://example.com" + app + "/a.tar.gz",
	app + "/%25.tar.gz", app + "/..a.tar.gz", app + "/a..tar.gz", app + "/...tar.gz",
	// Segments that climb.
	app + "/../app/a.tar.gz", app + "/./a.tar.gz", "/../secret", "/../../secret", "/../../../../../../etc/passwd", app + "/../../../../secret",
	"/..", "/../", "/.", "/./", "/%2e%2e/secret", "/%2E%2E/secret", "/.%2e/secret", "/%2e%2e%2fsecret", "/..%2fsecret", "/..%2Fsecret",
	app + "/..%2f..%2f..%2f..%2fsecret", "/..%5csecret", "/..\\secret", "/%5c..%5csecret", "/%252e%252e/secret", "/%252e%252e%252fsecret",
	"/..%252fsecret", "/%c0%ae%c0%ae/secret", "/%c0%ae%c0%ae%c0%afsecret", "/..%c0%afsecret", "/%e0%80%ae%e0%80%ae/secret", "/..;/secret",
	"/..%00/secret", "/....//secret", "/....//....//secret", "/.../secret", "/%2e%2e%5csecret", "/\uff0e\uff0e/secret", "/%u002e%u002e/secret",
	// Slashes.
	"//secret", "//etc/passwd", "///etc/passwd", "/%2fetc%2fpasswd", "/%2Fetc/passwd", "/gitrepository//ns/app/a.tar.gz", app + "//a.tar.gz",
	app + "/a.tar.gz/", app + "/a.tar.gz/.", app + "/a.tar.gz/..", app + "/a.tar.gz/x", app + "/a.tar.gz%2f", app + "/a.tar.gz//",
	// Bytes that are none of a name.
	app + "/a.tar.gz%00", app + "/a.tar.gz%00.txt", app + "/%00", "/%00", app + "/a.tar.gz%20", app + "/a.tar.gz%0a", app + "/a.tar.gz%0d%0aX:y",
	app + "/a.tar.gz%", app + "/a.tar.gz%4", app + "/a.tar.gz%zz", app + "/%ff.tar.gz", app + "/a.tar.gz;x", app + "/a.tar.gz.", app + "/A.TAR.GZ",
	app + "/a.tar.gz::$DATA", app + "/a.tar.gz:stream", "/C:/secret", "/c:%5csecret", "/~root/secret", app + "/con", app + "/NUL",
	// Other targets.
	"*", "secret", "../secret", "example.com:80", "/" + strings.Repeat("a", 300), "/" + strings.Repeat("a/", 200), app + "/" + strings.Repeat("%61", 300),
	"/" + strings.Repeat("../", 300) + "secret", "http://example.com/../secret", "file:///etc/passwd", "/gitrepository/ns/app/a.tar.gz#x",
	// Folders, links, what belongs to nobody.
	"/", "/gitrepository", "/gitrepository/", "/gitrepository/ns", app, app + "/", app + "/index.html", "/index.html", app + "/a.tar.gz.lock",
	app + "/.tmp-x", app + "/.hidden", app + "/out.tar.gz", app + "/absolute.tar.gz", app + "/up/secret", app + "/up/data" + app + "/a.tar.gz",
	app + "/loop.tar.gz", app + "/dangling.tar.gz", app + "/folder.tar.gz", app + "/folder.tar.gz/", "/proc/self/environ", "/etc/passwd", "/secret",
	"/data" + app + "/a.tar.gz", "/data-neighbour/secret", "/../data-neighbour/secret",
}

func main() {
	above, err := os.MkdirTemp("", "paths")
	check(err)
	defer os.RemoveAll(above)
	lay(above)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join(above, "data"))))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(listener, mux)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, target := range targets {
		check(out.Encode(ask(listener.Addr().String(), target)))
	}
}

// What is served, and beside it what must not be. The test of our server lays the same.
func lay(above string) {
	own := filepath.Join(above, "data", "gitrepository", "ns", "app")
	check(os.MkdirAll(own, 0o700))
	check(os.MkdirAll(filepath.Join(above, "data-neighbour"), 0o700))
	check(os.MkdirAll(filepath.Join(own, "folder.tar.gz"), 0o700))
	for _, name := range []string{"a.tar.gz", "sha256:ab.tar.gz", "sp ace.tar.gz", "\u00e9.tar.gz", "%.tar.gz", "..a.tar.gz", "a..tar.gz", "...tar.gz", ".hidden"} {
		check(os.WriteFile(filepath.Join(own, name), []byte("artifact"), 0o600))
	}
	for _, name := range []string{"a.tar.gz.lock", ".tmp-x"} {
		check(os.WriteFile(filepath.Join(own, name), []byte("internal"), 0o600))
	}
	for _, path := range []string{"secret", "data-neighbour/secret"} {
		check(os.WriteFile(filepath.Join(above, path), []byte("secret"), 0o600))
	}
	for name, to := range map[string]string{"latest.tar.gz": "a.tar.gz", "out.tar.gz": "../../../../secret", "absolute.tar.gz": filepath.Join(above, "secret"),
		"up": "../../../..", "loop.tar.gz": "loop.tar.gz", "dangling.tar.gz": "nothing"} {
		check(os.Symlink(to, filepath.Join(own, name)))
	}
}

func ask(address, target string) answer {
	connection, err := net.Dial("tcp", address)
	check(err)
	defer connection.Close()
	fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", target)
	got, err := http.ReadResponse(bufio.NewReader(connection), nil)
	check(err)
	body, _ := io.ReadAll(got.Body)
	told := answer{Go: runtime.Version(), Target: target, Status: got.StatusCode, Location: got.Header.Get("Location")}
	if got.StatusCode == http.StatusOK {
		told.Body = string(body)
	}
	return told
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
