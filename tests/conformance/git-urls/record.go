// Records what Flux says of odd URLs of a GitRepository, and of redirects.
//
// `go run . urls > urls.jsonl` and `go run . redirects > redirects.jsonl`. No server needs to be reached: what is not
// refused before leads to port 1 of this machine, to a name that does not exist, or to a server of our own.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/repository"
	"golang.org/x/crypto/ssh"
)

var urls = []string{
	// Hosts and ports.
	"http://", "https://", "ssh://", "http:///app", "ssh:///app", "http://:1/app", "ssh://:1/app",
	"http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/app", "http://127.0.0.1:1/app/",
	"https://127.0.0.1:1/app", "ssh://127.0.0.1:1/app", "ssh://git@127.0.0.1:1/app", "ssh://git@127.0.0.1:1",
	"http://127.0.0.1:/app", "http://127.0.0.1:0/app", "http://127.0.0.1:99999/app", "http://127.0.0.1:-1/app",
	"http://127.0.0.1:1x/app", "http://127.0.0.1:01/app", "http://127.0.0.1:1:2/app", "http://127.0.0.1: 1/app",
	"ssh://git@127.0.0.1:99999/app", "ssh://git@127.0.0.1:x/app", "ssh://git@127.0.0.1:1:2/app",
	"http://127.0.0.1:99999999999999999999/app", "https://127.0.0.1:70000/app",
	"http://[::1]:1/app", "http://[::1/app", "http://::1]/app", "http://[::1]x/app", "http://[::1]:x/app",
	"http://[127.0.0.1]:1/app", "http://[]:1/app", "http://[::1%25lo]:1/app", "http://[::1%lo]:1/app",
	"http://[::ffff:127.0.0.1]:1/app", "http://[1::2::3]/app", "http://[12345::]/app", "http://a[::1]/app",
	"ssh://git@[::1/app", "ssh://git@[::1]:1/app", "ssh://git@[::1]x/app",
	"http://127.1:1/app", "http://2130706433:1/app", "http://0x7f000001:1/app", "http://127.0.0.1.:1/app",
	"http://exa mple/app", "http://exa\tmple/app", "http://exam|ple/app", "http://exa<mple/app", "http://exa^mple/app",
	"http://exa`mple/app", "http://exa{mple/app", "http://exa\\mple/app", "http://127.0.0.1:1\\@evil.invalid/app",
	"http://ex%41mple.invalid/app", "http://ex%zzmple/app", "http://ex%20mple/app", "http://ex%25mple/app",
	"http://UPPER.invalid/app", "http://bücher.invalid/app", "http://-u.invalid/app", "http://a..invalid/app",
	"http://.invalid/app", "http://a_b.invalid/app", "http://" + strings.Repeat("a", 64) + ".invalid/app",
	// Users.
	"http://alice@127.0.0.1:1/app", "http://alice:@127.0.0.1:1/app", "http://:secret@127.0.0.1:1/app",
	"http://alice:secret@127.0.0.1:1/app", "http://al%69ce:s%65cret@127.0.0.1:1/app", "http://al ice@127.0.0.1:1/app",
	"http://alice:sec ret@127.0.0.1:1/app", "http://alice:sec%zzret@127.0.0.1:1/app", "http://al%zzice@127.0.0.1:1/app",
	"http://a@b@127.0.0.1:1/app", "http://a:b:c@127.0.0.1:1/app", "http://@127.0.0.1:1/app", "http://127.0.0.1:1@[::1]:1/app",
	"http://alice:secret@exa mple/app", "http://alice:secret@[::1/app", "ssh://alice:secret@exa mple/app",
	"ssh://-oProxyCommand=touch%20x/app", "ssh://-oProxyCommand=touch${IFS}x@127.0.0.1:1/app",
	"ssh://--upload-pack=x@127.0.0.1:1/app", "ssh://al%zz@127.0.0.1:1/app", "ssh://git:x@127.0.0.1:1/app",
	// Paths, queries, fragments.
	"http://127.0.0.1:1/%zz", "http://127.0.0.1:1/%", "http://127.0.0.1:1/%2", "http://127.0.0.1:1/%41",
	"http://127.0.0.1:1/%00", "http://127.0.0.1:1/%2525", "http://127.0.0.1:1/%25zz", "http://127.0.0.1:1/a b",
	"http://127.0.0.1:1/a%20b", "http://127.0.0.1:1/é", "http://127.0.0.1:1/\u0001", "http://127.0.0.1:1/\u007f",
	"http://127.0.0.1:1/\ta", "http://127.0.0.1:1/a\\b", "http://127.0.0.1:1/a|b", "http://127.0.0.1:1/\"'<>`{}^",
	"http://127.0.0.1:1/../../../etc/passwd", "http://127.0.0.1:1/./a/../b", "http://127.0.0.1:1//a//b",
	"http://127.0.0.1:1?x", "http://127.0.0.1:1/app?--upload-pack=x", "http://127.0.0.1:1/app?a%zz", "http://127.0.0.1:1/app?a b",
	"http://127.0.0.1:1/app#x", "http://127.0.0.1:1/app#%zz", "http://127.0.0.1:1#", "http://127.0.0.1:1/app?a=b#c",
	"http://127.0.0.1:1/%3Fx", "http://127.0.0.1:1/%23x", "http://127.0.0.1:1/a%2Fb", "https://127.0.0.1:1/-u./x",
	"ssh://git@127.0.0.1:1/--upload-pack=touch", "ssh://git@127.0.0.1:1/app'; touch x; '", "ssh://git@127.0.0.1:1/$(touch x)",
	"ssh://git@127.0.0.1:1/`touch x`", "ssh://git@127.0.0.1:1/%zz", "ssh://git@127.0.0.1:1/a?b#c",
	// What the schema lets through and no scheme of ours.
	"http://http://127.0.0.1:1/app", "ssh://git@127.0.0.1:app", "http://127.0.0.1:1:/app",
}

type row struct {
	URL     string `json:"url"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// keys are a Secret's values for ssh: a fresh key, and a host that nothing here is.
func keys() map[string][]byte {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(err)
	public, err := ssh.NewPublicKey(private.Public())
	must(err)
	known := "other.invalid " + string(ssh.MarshalAuthorizedKey(public))
	return map[string][]byte{"identity": pem.EncodeToMemory(block), "known_hosts": []byte(known)}
}

// judge does what source-controller v1.9.4 does with a URL, up to the end of the clone.
func judge(text string, data map[string][]byte) (string, string) {
	parsed, err := url.Parse(text)
	if err != nil {
		return "URLInvalid", fmt.Sprintf("failed to parse url '%s': %s", text, err)
	}
	if parsed.Scheme != "ssh" {
		data = nil
	}
	options, err := git.NewAuthOptions(*parsed, data)
	if err != nil {
		return "AuthenticationFailed", fmt.Sprintf("failed to configure authentication options: %s", err)
	}
	client := []gogit.ClientOption{gogit.WithDiskStorage()}
	if options.Transport == git.HTTP {
		client = append(client, gogit.WithInsecureCredentialsOverHTTP())
	}
	directory, err := os.MkdirTemp("", "record-")
	must(err)
	defer os.RemoveAll(directory)
	reader, err := gogit.NewClient(directory, options, client...)
	must(err)
	defer reader.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	config := repository.CloneConfig{ShallowClone: true, CheckoutStrategy: repository.CheckoutStrategy{Branch: "main"}}
	_, err = reader.Clone(ctx, text, config)
	if err == nil {
		return "", ""
	}
	return "GitOperationFailed", fmt.Sprintf("failed to checkout and determine revision: %s", err)
}

func print(value any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	must(encoder.Encode(value))
}

// nameserver is what depends on the machine.
var nameserver = regexp.MustCompile(` on [0-9.:\[\]a-f]+: (no such host|server misbehaving)`)

func recordURLs() {
	data := keys()
	for _, text := range urls {
		reason, message := judge(text, data)
		message = nameserver.ReplaceAllString(message, ": no such host")
		print(row{text, reason, message})
	}
}

// redirect is a first answer, all of a server's but those below /elsewhere; ORIGIN stands for the server itself, OTHER for another one of the same kind.
type redirect struct {
	Name     string `json:"name"`
	Location string `json:"location"`
	Message  string `json:"message"`
}

var locations = []redirect{
	{Name: "no location", Location: ""},
	{Name: "no URL", Location: "http://exa mple/info/refs"},
	{Name: "another path", Location: "ORIGIN/elsewhere"},
	{Name: "another scheme", Location: "ftp://127.0.0.1:1/info/refs"},
	{Name: "a file", Location: "file:///etc/passwd/info/refs"},
	{Name: "endless", Location: "ORIGIN/app/info/refs"},
	{Name: "a closed port", Location: "http://127.0.0.1:1/app/info/refs"},
	{Name: "a name that is none", Location: "http://none.invalid/app/info/refs"},
}

func recordRedirects() {
	for _, one := range locations {
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				return
			}
			if one.Location != "" {
				w.Header().Set("Location", strings.ReplaceAll(one.Location, "ORIGIN", server.URL))
			}
			w.WriteHeader(http.StatusFound)
		}))
		_, message := judge(server.URL+"/app", nil)
		message = nameserver.ReplaceAllString(message, ": no such host")
		one.Message = strings.ReplaceAll(message, server.URL, "ORIGIN")
		print(one)
		server.Close()
	}
	posts()
	secure()
}

// posts redirects what follows the listing.
func posts() {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Location", server.URL+"/other/git-upload-pack")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		line := strings.Repeat("c", 40) + " refs/heads/main\x00agent=git/2 shallow\n"
		fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s0000", len(line)+4, line)
	}))
	defer server.Close()
	_, message := judge(server.URL+"/app", nil)
	print(redirect{"a post", "ORIGIN/other/git-upload-pack", strings.ReplaceAll(message, server.URL, "ORIGIN")})
}

// secure redirects from https to http.
func secure() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "0000")
	}))
	server.Listener = listener
	server.Start()
	defer server.Close()
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", server.URL+"/app/info/refs")
		w.WriteHeader(http.StatusFound)
	}))
	defer front.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	message := cloneSecure(front.URL+"/app", ca)
	message = strings.ReplaceAll(strings.ReplaceAll(message, front.URL, "ORIGIN"), server.URL, "OTHER")
	print(redirect{"from https to http", "OTHER/app/info/refs", message})
}

func cloneSecure(text string, ca []byte) string {
	parsed, err := url.Parse(text)
	must(err)
	options, err := git.NewAuthOptions(*parsed, map[string][]byte{"ca.crt": ca})
	must(err)
	directory, err := os.MkdirTemp("", "record-")
	must(err)
	defer os.RemoveAll(directory)
	reader, err := gogit.NewClient(directory, options, gogit.WithDiskStorage())
	must(err)
	config := repository.CloneConfig{ShallowClone: true, CheckoutStrategy: repository.CheckoutStrategy{Branch: "main"}}
	_, err = reader.Clone(context.Background(), text, config)
	return fmt.Sprintf("failed to checkout and determine revision: %s", err)
}

func main() {
	switch os.Args[1] {
	case "urls":
		recordURLs()
	case "redirects":
		recordRedirects()
	}
}
