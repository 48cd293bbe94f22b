module weir.dev/hack/gen/unicode

go 1.26
