// Records which files of a tree Flux leaves out of an artifact, for odd and for random ignore rules, and which ones
// it checks out for lists of folders.
//
// Run with `go run . ignore > ignore.jsonl` and `go run . sparse > sparse.jsonl`. The first line is the tree; each
// further one is a case, with a character per entry of the tree: `1` for an entry that is kept.
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/fluxcd/pkg/sourceignore"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

var files = []string{
	".flux.yaml", ".github/w.yml", ".gitattributes", ".gitignore", ".gitmodules", ".hidden/a", "A/c.yaml",
	"[ab]", "a/b/c.yaml", "a/b/c/c.yaml", "a/b/c/d.txt", "a/c.yaml", "ab/a.txt", "ab/b/a", "b/a", "b/ab",
	"b/c/b/c.yaml", "b/c/e", "back\\slash", "build", "c.yaml", "d/.sops.yaml", "docs/ lead", "docs/!bang",
	"docs/#hash", "docs/trail ", "img/P.JPG", "img/p.jpg", "out/build/x", "readme.MD", "star*", "t.tar.gz",
	"x y/z", "é/ü.yaml",
}

// longest is how many bytes a line may have; `LONG` in a case stands for such a line.
const longest = 65535

type ignoreCase struct {
	Spec  *string           `json:"spec,omitempty"`
	Files map[string]string `json:"files,omitempty"`
	Kept  string            `json:"kept"`
}

type sparseCase struct {
	List  []string `json:"list"`
	Kept  string   `json:"kept,omitempty"`
	Error string   `json:"error,omitempty"`
}

type tree struct {
	Tree []string `json:"tree"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func print(value any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	must(encoder.Encode(value))
}

func write(dir, path, contents string) {
	full := filepath.Join(dir, path)
	must(os.MkdirAll(filepath.Dir(full), 0o755))
	must(os.WriteFile(full, []byte(contents), 0o644))
}

// entries are the folders, with a slash at the end, and the files of the tree.
func entries() []string {
	seen := map[string]bool{}
	for _, file := range files {
		seen[file] = true
		for dir := filepath.Dir(file); dir != "."; dir = filepath.Dir(dir) {
			seen[dir+"/"] = true
		}
	}
	all := make([]string, 0, len(seen))
	for entry := range seen {
		all = append(all, entry)
	}
	sort.Strings(all)
	return all
}

func recordIgnore(dir string, all []string, c ignoreCase) {
	for folder, contents := range c.Files {
		write(dir, filepath.Join(folder, sourceignore.IgnoreFile), contents)
	}
	domain := strings.Split(dir, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(dir, domain)
	must(err)
	if c.Spec != nil {
		spec := strings.ReplaceAll(*c.Spec, "LONG+", "LONGx")
		spec = strings.ReplaceAll(spec, "LONG", strings.Repeat("x", longest))
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(spec), domain)...)
	}
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	if len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
	}
	var kept strings.Builder
	for _, entry := range all {
		path := filepath.Join(dir, entry)
		info, err := os.Lstat(path)
		must(err)
		if matcher.Match(strings.Split(path, string(filepath.Separator)), info.IsDir()) {
			kept.WriteByte('0')
		} else {
			kept.WriteByte('1')
		}
	}
	for folder := range c.Files {
		must(os.Remove(filepath.Join(dir, folder, sourceignore.IgnoreFile)))
	}
	c.Kept = kept.String()
	print(c)
}

var odd = []string{
	"", "#", "# comment", "\\#hash", " ", "\t", "  x", "/", "//", "!", "!!a", "\\!bang", "!\\!bang", "*", "**", "***",
	"/*", "/**", "*/", "**/", "**/*", "*/**", "a", "a/", "/a", "/a/", "a/b", "a/b/", "/a/b/c", "a//b", "a/b//", "//a",
	"a/*", "a/*/", "a/**", "a/**/", "a/**/c.yaml", "a/**/b", "a/**/**/d.txt", "**/a", "**/a/", "**/b/c", "**/b/**",
	"**/c/*.yaml", "/**/a", "a**", "**a", "a/b**/c", "a/**b/c", "*a", "a*", "a?", "?", "??", "[ab]", "\\[ab]", "[ab",
	"[", "a[", "[^a]*", "[!a]*", "[a-c]", "[c-a]", "[]a]", "[a", "a\\", "\\", "\\a", "star\\*", "star*", "back\\\\slash",
	"docs/trail ", "docs/trail\\ ", "trail\\ ", "trail ", "trail  ", "docs/\\ lead", "docs/ lead", " lead", "x y", "x\\ y/",
	"x y/z", "é", "é/*", "?/*.yaml", "É", "*.yaml", "*.YAML", "*.jpg", "*.JPG", "A", "A/", "c.yaml", "/c.yaml", "./c.yaml",
	"../a", "a/../b", "a/./b", ".", "..", "./", ".hidden", ".*", "*.*", "build", "build/", "/build", "/build/", "out/build",
	"out/build/", "out/", "!.gitignore", ".github", "!.github/", "*.tar.gz", "t.*", "b/c", "b/*/b", "b/*/b/c.yaml",
	"**/*.txt", "**/[ab]", "/[a-b]/", "a/b/c/", "a/b/c/d.txt/", "c/", "*/c/", "*/*/c", "c.yaml\r", "a\r", "\ufeffa", "a\x00",
	"\xff", "a/\\", "a/[", "**/[", "[/a", "a\\/b", "a/b\\", "ab/b", "ab/?", "b/?b", "*b", "b*", "*b*", "***/a", "**a/b",
}

var words = []string{
	"a", "b", "c", "ab", "c.yaml", "*", "*", "**", "**", "?", "a*", "*b", "*.yaml", "*.txt", "[ab]", "[^a]", "[", "\\a",
	"x y", "a**", "", ".", "..", "é", "A", "build", "out", "docs", "d.txt", "*.jpg", ".github", ".hidden", "e",
}

func pattern(r *rand.Rand) string {
	var p strings.Builder
	if r.Intn(3) == 0 {
		p.WriteString("!")
	}
	if r.Intn(4) == 0 {
		p.WriteString("/")
	}
	for i, n := 0, 1+r.Intn(4); i < n; i++ {
		if i > 0 {
			p.WriteString("/")
		}
		p.WriteString(words[r.Intn(len(words))])
	}
	if r.Intn(4) == 0 {
		p.WriteString("/")
	}
	if r.Intn(12) == 0 {
		p.WriteString([]string{" ", "\\ ", "\t", "\r"}[r.Intn(4)])
	}
	return p.String()
}

func text(r *rand.Rand, most int) string {
	lines := make([]string, 1+r.Intn(most))
	for i := range lines {
		if r.Intn(3) == 0 {
			lines[i] = odd[r.Intn(len(odd))]
		} else {
			lines[i] = pattern(r)
		}
	}
	return strings.ToValidUTF8(strings.Join(lines, "\n"), "?")
}

func ignore(dir string) {
	for _, file := range files {
		write(dir, file, file)
	}
	all := entries()
	print(tree{all})
	recordIgnore(dir, all, ignoreCase{})
	for _, line := range odd {
		line = strings.ToValidUTF8(line, "?")
		recordIgnore(dir, all, ignoreCase{Spec: &line})
		recordIgnore(dir, all, ignoreCase{Files: map[string]string{"a": line}})
		back := "*\n!" + line
		recordIgnore(dir, all, ignoreCase{Files: map[string]string{"": back}})
	}
	// Around the longest line that is read.
	for _, text := range []string{"a\nLONG+\nb", "a\nLONG\nb", "a\nLONG+", "a\nLONG", "LONG\r\nb"} {
		recordIgnore(dir, all, ignoreCase{Spec: &text})
	}
	r := rand.New(rand.NewSource(1))
	folders := []string{"", "a", "a/b", "a/b/c", "b", "b/c", "docs", "out", "x y", "é", ".hidden", ".github"}
	for range 2500 {
		c := ignoreCase{Files: map[string]string{}}
		if r.Intn(2) == 0 {
			spec := text(r, 4)
			c.Spec = &spec
		}
		for range r.Intn(4) {
			c.Files[folders[r.Intn(len(folders))]] = text(r, 3)
		}
		recordIgnore(dir, all, c)
	}
}

func recordSparse(origin string, all []string, list []string) {
	c := sparseCase{List: list}
	dir, err := os.MkdirTemp("", "sparse")
	must(err)
	defer os.RemoveAll(dir)
	repo, err := git.PlainClone(dir, false, &git.CloneOptions{URL: origin, NoCheckout: true})
	must(err)
	w, err := repo.Worktree()
	must(err)
	folders := make([]string, len(list))
	for i, path := range list {
		folders[i] = strings.TrimPrefix(path, "./")
	}
	err = w.Checkout(&git.CheckoutOptions{
		Branch: plumbing.NewBranchReferenceName("master"), SparseCheckoutDirectories: folders,
	})
	must(err)
	for _, path := range list {
		full, err := securejoin.SecureJoin(dir, path)
		if err == nil {
			_, err = os.Lstat(full)
		}
		if err != nil {
			c.Error = fmt.Sprintf("sparse checkout dir '%s' does not exist in repository: %s", path, err)
			c.Error = strings.ReplaceAll(c.Error, dir, "DIR")
			print(c)
			return
		}
	}
	found := map[string]bool{}
	must(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		must(err)
		name, err := filepath.Rel(dir, path)
		must(err)
		if entry.IsDir() {
			name += "/"
		}
		found[name] = true
		return nil
	}))
	var kept strings.Builder
	for _, entry := range all {
		if found[entry] {
			kept.WriteByte('1')
		} else {
			kept.WriteByte('0')
		}
	}
	c.Kept = kept.String()
	print(c)
}

func sparse(dir string) {
	repo, err := git.PlainInit(dir, false)
	must(err)
	w, err := repo.Worktree()
	must(err)
	for _, file := range files {
		// Git reads these.
		if file == ".gitmodules" || file == ".gitignore" {
			write(dir, file, "")
			continue
		}
		write(dir, file, file)
	}
	must(w.AddWithOptions(&git.AddOptions{All: true}))
	_, err = w.Commit("all", &git.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@b", When: time.Unix(1, 0)}})
	must(err)
	all := entries()
	print(tree{all})
	for _, list := range [][]string{
		{"a"}, {"./a"}, {"a/"}, {"a/b"}, {"a/b/"}, {"a/b/c/d.txt"}, {"b"}, {"b/", "a/"}, {"x y"}, {"é"}, {"A"}, {".hidden"},
		{"."}, {"./"}, {""}, {"/"}, {"/a"}, {"./."}, {"././a"}, {"nope"}, {"./nope"}, {"a", "nope"}, {"../a"}, {"a/../b"},
		{"a/.."}, {".."}, {"a//b"}, {"a/./b"}, {"A/", "a"}, {"c.yaml"}, {"c"}, {"doc"}, {"docs", "img"}, {"*"}, {"a/*"},
		{"a/b/c/../c"}, {"[ab]"}, {"star*"}, {"img/p"}, {"img/p.jpg"}, {"out/build"}, {"build"}, {"b/c/b"}, {"a ", "a"},
		{"docs/trail "}, {"docs/trail"}, {"a\\b"}, {"ab/b", "ab/b"}, {".gitignore"},
	} {
		recordSparse(dir, all, list)
	}
}

func main() {
	dir, err := os.MkdirTemp("", "record")
	must(err)
	defer os.RemoveAll(dir)
	switch os.Args[1] {
	case "ignore":
		ignore(dir)
	case "sparse":
		sparse(dir)
	}
}
