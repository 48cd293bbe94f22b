// Records what Go's net/http answers for a file, one JSON line per request.
//
// Run with `go run record.go > answers.jsonl`. The file has ten bytes, an entity tag and a fixed time, as our
// server gives every artifact; parts of a multipart answer are taken apart, as their boundary is random.
package main

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"time"
)

const (
	contents = "0123456789"
	tag      = `"tag"`
	date     = "Sun, 06 Nov 1994 08:49:37 GMT"
	earlier  = "Sun, 06 Nov 1994 08:49:36 GMT"
	later    = "Sun, 06 Nov 1994 08:49:38 GMT"
)

type part struct {
	Range string `json:"range"`
	Body  string `json:"body"`
}

type answer struct {
	Go       string            `json:"go"`
	Method   string            `json:"method"`
	Size     int               `json:"size"`
	Request  map[string]string `json:"request"`
	Status   int               `json:"status"`
	Response map[string]string `json:"response"`
	Body     string            `json:"body,omitempty"`
	Parts    []part            `json:"parts,omitempty"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, value := range []string{
		"", "bytes=0-3", "bytes=4-", "bytes=-3", "bytes=-30", "bytes=5-99", "bytes=10-", "bytes=99-", "bytes=-0",
		"bytes=5-2", "bytes=0-1,3-4", "bytes=0-1,99-,3-4", "bytes=99-,88-", "bytes=-1,-2", "bytes=0-,0-", "bytes=0-9,0-9",
		"items=1-2", "bytes=", "bytes=,", "bytes=a-b", "bytes=1", "bytes=--1", "bytes=1--2", "bytes= 1 - 2 ", "bytes=+1-2",
		"bytes=99999999999999999999-", "bytes=1-99999999999999999999", "bytes=-99999999999999999999", "BYTES=1-2", "bytes=0-0,0-0",
	} {
		record(out, "GET", contents, map[string]string{"Range": value})
		record(out, "GET", "", map[string]string{"Range": value})
	}
	for _, conditions := range []map[string]string{
		{"If-None-Match": tag}, {"If-None-Match": "W/" + tag}, {"If-None-Match": `"x", ` + tag}, {"If-None-Match": "*"},
		{"If-None-Match": `"x"`}, {"If-None-Match": "tag"}, {"If-None-Match": `"x"`, "If-Modified-Since": date},
		{"If-Modified-Since": date}, {"If-Modified-Since": earlier}, {"If-Modified-Since": later}, {"If-Modified-Since": "never"},
		{"If-Match": tag}, {"If-Match": "W/" + tag}, {"If-Match": `"x"`}, {"If-Match": "*"}, {"If-Match": `"x"`, "If-Unmodified-Since": date},
		{"If-Unmodified-Since": date}, {"If-Unmodified-Since": earlier}, {"If-Unmodified-Since": later},
		{"Range": "bytes=1-2", "If-Range": tag}, {"Range": "bytes=1-2", "If-Range": "W/" + tag}, {"Range": "bytes=1-2", "If-Range": `"x"`},
		{"Range": "bytes=1-2", "If-Range": date}, {"Range": "bytes=1-2", "If-Range": later}, {"Range": "bytes=99-", "If-Range": `"x"`},
		{"Range": "bytes=1-2", "If-None-Match": tag}, {"Range": "bytes=1-2,4-5"},
	} {
		record(out, "GET", contents, conditions)
		record(out, "HEAD", contents, conditions)
	}
}

func record(out *json.Encoder, method, contents string, headers map[string]string) {
	request := httptest.NewRequest(method, "/a", nil)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Etag", tag)
	recorder.Header().Set("Content-Type", "application/gzip")
	at, _ := http.ParseTime(date)
	http.ServeContent(recorder, request, "a", at.In(time.UTC), strings.NewReader(contents))
	got := recorder.Result()
	all := answer{Go: runtime.Version(), Method: method, Size: len(contents), Request: headers, Status: got.StatusCode,
		Response: map[string]string{}}
	kind, parameters, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	for _, name := range []string{"Accept-Ranges", "Content-Range", "Content-Length", "Etag", "Last-Modified"} {
		if value := got.Header.Get(name); value != "" {
			all.Response[strings.ToLower(name)] = value
		}
	}
	if kind == "multipart/byteranges" {
		delete(all.Response, "content-length")
		reader := multipart.NewReader(got.Body, parameters["boundary"])
		for {
			next, err := reader.NextPart()
			if err != nil {
				break
			}
			body, _ := io.ReadAll(next)
			all.Parts = append(all.Parts, part{next.Header.Get("Content-Range"), string(body)})
		}
	} else if got.StatusCode < 300 {
		body, _ := io.ReadAll(got.Body)
		all.Body = string(body)
	} else {
		delete(all.Response, "content-length")
	}
	all.Response["content-type"] = kind
	if err := out.Encode(all); err != nil {
		panic(err)
	}
}
