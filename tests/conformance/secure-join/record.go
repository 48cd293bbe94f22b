// Records where SecureJoin, which Flux joins `toPath`, `fromPath` and `sparseCheckout` with, leads in an empty folder.
//
// Run with `go run record.go > answers.jsonl` where filepath-securejoin v0.6.1 is required.
package main

import (
	"encoding/json"
	"os"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
)

type answer struct {
	Library string `json:"library"`
	Path    string `json:"path"`
	Joined  string `json:"joined"`
	Error   string `json:"error,omitempty"`
}

var long = strings.Repeat("a", 256)

var paths = []string{
	"", ".", "./", "/", "//", "..", "../", "../..", "/..", "/../..", "../../../../../../../../etc/passwd", "/etc/passwd", "//etc//passwd",
	"a", "a/", "/a", "./a", "a/.", "a/b", "a//b", "a/./b", "a/../b", "a/..", "a/../..", "a/../../b", "a/b/../../../c", "../a", "../../a/../../b",
	"./../a", "/./../a", "..//..//a", "...", ".../a", "....//a", "..a", "a..", ".. ", " ..", " ", "a b", "a\\..\\..\\b", "..\\..\\b", "\\\\host\\share",
	"C:\\x", "C:/x", "~", "~root/x", "$HOME/x", "%2e%2e/x", "..%2f..%2fx", "-rf", "--upload-pack=x", "\uff0e\uff0e/x", "\u2025/x", "e\u0301", "\u00e9",
	"a\nb", "a\tb", "a\u202eb", "proc/self/root", "/proc/self/environ", ".git/config", ".git/../x", "a/b/c/d/e/f/g/h/../../../../../../../../../x",
	"\x00", "a\x00b", "a/\x00/b", "../\x00", long, "a/" + long, long + "/../a", strings.Repeat("a/", 2100) + "a",
	strings.Repeat("../", 2000) + "a", strings.Repeat("a/../", 2000) + "b", strings.Repeat("\u00e9", 128), strings.Repeat("\u00e9", 127),
}

func main() {
	dir, err := os.MkdirTemp("", "join")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, path := range paths {
		joined, err := securejoin.SecureJoin(dir, path)
		told := answer{Library: "filepath-securejoin v0.6.1", Path: path}
		told.Joined = strings.TrimPrefix(strings.TrimPrefix(joined, dir), "/")
		if err != nil {
			told.Error = strings.ReplaceAll(err.Error(), dir, "DIR")
		}
		if err := out.Encode(told); err != nil {
			panic(err)
		}
	}
}
