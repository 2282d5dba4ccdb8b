// The process that holds a pod's namespaces open.
module spectra.dev/hack/cluster/pause

go 1.24.0
