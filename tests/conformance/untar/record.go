// Records what fluxcd/pkg/tar makes of odd and hostile archives, one JSON line per archive.
//
// Run with `go run . > archives.jsonl`.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	fluxtar "github.com/fluxcd/pkg/tar"
)

type entry struct {
	Path       string `json:"path"`
	Dir        bool   `json:"dir,omitempty"`
	Executable bool   `json:"executable,omitempty"`
	Contents   string `json:"contents,omitempty"`
}

type result struct {
	Name    string  `json:"name"`
	Archive string  `json:"archive"`
	Error   string  `json:"error,omitempty"`
	Entries []entry `json:"entries,omitempty"`
}

func raw(name string, kind byte, mode int64, contents string, change ...func([]byte)) []byte {
	block := make([]byte, 512)
	copy(block, name)
	copy(block[100:], fmt.Sprintf("%07o\x00", mode))
	copy(block[108:], "0000000\x000000000\x00")
	copy(block[124:], fmt.Sprintf("%011o\x00", len(contents)))
	copy(block[136:], "00000000000\x00")
	block[156] = kind
	copy(block[257:], "ustar\x0000")
	for _, c := range change {
		c(block)
	}
	copy(block[148:], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	body := []byte(contents)
	for len(body)%512 != 0 {
		body = append(body, 0)
	}
	return append(block, body...)
}

func pax(records ...string) string {
	var all strings.Builder
	for _, record := range records {
		size := len(record) + 3
		for len(fmt.Sprintf("%d %s\n", size, record)) != size {
			size++
		}
		fmt.Fprintf(&all, "%d %s\n", size, record)
	}
	return all.String()
}

func set(at int, bytes string) func([]byte) {
	return func(block []byte) { copy(block[at:], bytes) }
}

func gz(contents []byte) []byte {
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	writer.Write(contents)
	writer.Close()
	return out.Bytes()
}

var end = make([]byte, 1024)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func archive(parts ...[]byte) []byte { return gz(join(join(parts...), end)) }

func main() {
	x := raw("x", '0', 0o644, "x")
	good := join(x, end)
	long := strings.Repeat("d/", 100) + "f"
	cases := []struct {
		name  string
		bytes []byte
	}{
		{"one file", archive(x)},
		{"nothing but an end", archive()},
		{"an empty stream", gz(nil)},
		{"no end", gz(x)},
		{"half an end", gz(join(x, end[:512]))},
		{"not gzip", []byte("no gzip at all, but long enough to be read")},
		{"no bytes", nil},
		{"plain tar", good},
		{"truncated gzip header", gz(good)[:5]},
		{"truncated gzip", gz(good)[:20]},
		{"truncated gzip checksum", gz(good)[:len(gz(good))-3]},
		{"wrong gzip checksum", join(gz(good)[:len(gz(good))-8], []byte{1, 2, 3, 4, 0, 0, 0, 0})},
		{"junk after gzip", join(gz(good), []byte("junk"))},
		{"zeros after gzip", join(gz(good), make([]byte, 100))},
		{"two members, tar split", join(gz(good[:700]), gz(good[700:]))},
		{"two members, an archive each", join(gz(good), archive(raw("y", '0', 0o644, "y")))},
		{"junk after the end", gz(join(good, []byte(strings.Repeat("junk", 200))))},
		{"a file after the end", gz(join(good, raw("y", '0', 0o644, "y"), end))},
		{"junk instead of a header", gz(join(x, bytes.Repeat([]byte("junk"), 128), end))},
		{"wrong header checksum", gz(join(x[:148], []byte("0000000\x00"), x[156:], end))},
		{"cut in a header", gz(join(x, x[:100]))},
		{"cut in a body", gz(raw("x", '0', 0o644, strings.Repeat("x", 2000))[:1000])},
		{"parent", archive(raw("../x", '0', 0o644, "x"))},
		{"absolute", archive(raw("/abs", '0', 0o644, "x"))},
		{"backslashes", archive(raw("a\\..\\b", '0', 0o644, "x"))},
		{"two dots", archive(raw("..", '5', 0o755, ""))},
		{"two dots, a file", archive(raw("..", '0', 0o644, "x"))},
		{"two dots at the end", archive(raw("a/..", '5', 0o755, ""))},
		{"two dots in the middle", archive(raw("a/../b", '0', 0o644, "x"))},
		{"dots in a name", archive(raw("a..b/..c/d..", '0', 0o644, "x"))},
		{"no name", archive(raw("", '0', 0o644, "x"))},
		{"a dot", archive(raw(".", '5', 0o755, ""))},
		{"a dot and a slash", archive(raw("./", '5', 0o755, ""), raw("./x", '0', 0o644, "x"))},
		{"double slashes", archive(raw("a//b", '0', 0o644, "x"))},
		{"a folder with a slash", archive(raw("a/", '5', 0o755, ""), raw("a/b", '0', 0o644, "b"))},
		{"a file with a slash", archive(raw("a/", '0', 0o644, ""))},
		{"a folder with contents", archive(raw("a", '5', 0o755, "zz"), raw("a/b", '0', 0o644, "b"))},
		{"not UTF-8", archive(raw("\xff", '0', 0o644, "x"))},
		{"symbolic link", archive(raw("l", '2', 0o777, "", set(157, "/etc/passwd")), x)},
		{"a file through a link", archive(raw("l", '2', 0o777, "", set(157, "/tmp")), raw("l/x", '0', 0o644, "x"))},
		{"hard link", archive(x, raw("h", '1', 0o644, "", set(157, "x")))},
		{"hard link to the outside", archive(raw("h", '1', 0o644, "", set(157, "/etc/passwd")))},
		{"character device", archive(raw("d", '3', 0o644, ""))},
		{"block device", archive(raw("d", '4', 0o644, ""))},
		{"pipe", archive(raw("p", '6', 0o644, ""))},
		{"contiguous file", archive(raw("c", '7', 0o644, "c"))},
		{"old regular file", archive(raw("o", 0, 0o644, "o"))},
		{"unknown type", archive(raw("u", 'Z', 0o644, "u"))},
		{"GNU sparse file", archive(raw("s", 'S', 0o644, "s"))},
		{"PAX sparse file", archive(raw("p", 'x', 0o644, pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s", "GNU.sparse.realsize=1000")), raw("s", '0', 0o644, "1\n0\n1\n"))},
		{"PAX size beside the header's", archive(raw("p", 'x', 0o644, pax("size=1")), raw("s", '0', 0o644, "x"))},
		{"PAX size smaller than the header's", archive(raw("p", 'x', 0o644, pax("size=0")), raw("s", '0', 0o644, "x"))},
		{"PAX size larger than the header's", archive(raw("p", 'x', 0o644, pax("size=512")), raw("s", '0', 0o644, "x"), raw("smuggled", '0', 0o644, "y"))},
		{"PAX size below nothing", archive(raw("p", 'x', 0o644, pax("size=-1")), raw("s", '0', 0o644, "x"))},
		{"PAX path", archive(raw("p", 'x', 0o644, pax("path=by/pax")), x)},
		{"PAX path that climbs", archive(raw("p", 'x', 0o644, pax("path=../x")), x)},
		{"PAX path of nothing", archive(raw("p", 'x', 0o644, pax("path=")), x)},
		{"PAX path for a long time", archive(raw("p", 'x', 0o644, pax("path="+long)), x)},
		{"PAX without a file", archive(raw("p", 'x', 0o644, pax("path=a")))},
		{"PAX twice", archive(raw("p", 'x', 0o644, pax("path=a")), raw("p", 'x', 0o644, pax("path=b")), x)},
		{"PAX that is none", archive(raw("p", 'x', 0o644, "nonsense"), x)},
		{"PAX with a NUL", archive(raw("p", 'x', 0o644, pax("path=a\x00b")), x)},
		{"PAX global header", archive(raw("pax_global_header", 'g', 0o644, pax("comment=abc")), x)},
		{"PAX global path", archive(raw("pax_global_header", 'g', 0o644, pax("path=evil")), x)},
		{"PAX global size", archive(raw("pax_global_header", 'g', 0o644, pax("size=0")), x)},
		{"PAX times", archive(raw("p", 'x', 0o644, pax("mtime=253402300799", "atime=-5")), x)},
		{"PAX time of the year 9999999", archive(raw("p", 'x', 0o644, pax("mtime=99999999999999")), x)},
		{"a time before 1970", archive(raw("x", '0', 0o644, "x", set(136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0")))},
		{"GNU long name", archive(raw("././@LongLink", 'L', 0o644, long+"\x00"), x)},
		{"GNU long name that climbs", archive(raw("././@LongLink", 'L', 0o644, "../../x\x00"), x)},
		{"GNU long name and PAX path", archive(raw("././@LongLink", 'L', 0o644, "gnu\x00"), raw("p", 'x', 0o644, pax("path=pax")), x)},
		{"PAX path and GNU long name", archive(raw("p", 'x', 0o644, pax("path=pax")), raw("././@LongLink", 'L', 0o644, "gnu\x00"), x)},
		{"a name above 4096", archive(raw("././@LongLink", 'L', 0o644, strings.Repeat("n", 5000)+"\x00"), x)},
		{"a name part above 255", archive(raw("././@LongLink", 'L', 0o644, strings.Repeat("n", 300)+"\x00"), x)},
		{"a prefix", archive(raw("name", '0', 0o644, "x", set(345, "pre/fix")))},
		{"a size in base 256", archive(raw("x", '0', 0o644, "x", set(124, "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")))},
		{"a size below nothing", archive(raw("x", '0', 0o644, "x", set(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")))},
		{"a size that is none", archive(raw("x", '0', 0o644, "x", set(124, "zzzzzzzzzzz")))},
		{"a size of 10 GB", archive(raw("x", '0', 0o644, "x", set(124, "\x80\x00\x00\x00\x00\x00\x00\x02\x54\x0b\xe4\x00")))},
		{"mode 0000", archive(raw("x", '0', 0, "x"))},
		{"setuid", archive(raw("x", '0', 0o4755, "x"))},
		{"setgid folder", archive(raw("d", '5', 0o2700, ""), raw("d/x", '0', 0o600, "x"))},
		{"execute for others", archive(raw("x", '0', 0o601, "x"))},
		{"a folder nobody may enter", archive(raw("d", '5', 0, ""), raw("d/x", '0', 0o600, "x"))},
		{"a mode that is none", archive(raw("x", '0', 0o644, "x", set(100, "zzzzzzz")))},
		{"the same file twice", archive(x, raw("x", '0', 0o755, "second"))},
		{"the same file twice, the second shorter", archive(raw("x", '0', 0o644, "a long one"), x)},
		{"a folder twice", archive(raw("d", '5', 0o755, ""), raw("d/x", '0', 0o644, "x"), raw("d", '5', 0o700, ""))},
		{"a file, then a folder", archive(x, raw("x", '5', 0o755, ""))},
		{"a file, then something below", archive(x, raw("x/y", '0', 0o644, "y"))},
		{"a folder, then a file", archive(raw("x", '5', 0o755, ""), x)},
		{"v7 header", archive(raw("x", '0', 0o644, "x", set(257, "\x00\x00\x00\x00\x00\x00\x00\x00")))},
		{"GNU header", archive(raw("x", '0', 0o644, "x", set(257, "ustar  \x00")))},
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, one := range cases {
		if err := out.Encode(record(one.name, one.bytes)); err != nil {
			panic(err)
		}
	}
}

func record(name string, archive []byte) result {
	got := result{Name: name, Archive: base64.StdEncoding.EncodeToString(archive)}
	root, err := os.MkdirTemp("", "untar")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	target := filepath.Join(root, "in", "side")
	if err := os.MkdirAll(target, 0o755); err != nil {
		panic(err)
	}
	err = fluxtar.Untar(bytes.NewReader(archive), target, fluxtar.WithMaxUntarSize(-1), fluxtar.WithSkipSymlinks())
	if err != nil {
		got.Error = strings.ReplaceAll(err.Error(), target, "DIR")
		return got
	}
	filepath.WalkDir(target, func(path string, found fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(target, path)
		if relative == "." {
			return nil
		}
		info, _ := found.Info()
		contents := []byte{}
		if !found.IsDir() {
			contents, _ = os.ReadFile(path)
		}
		got.Entries = append(got.Entries, entry{relative, found.IsDir(), !found.IsDir() && info.Mode()&0o111 != 0, string(contents)})
		return nil
	})
	return got
}
