// Pulumi's Kubernetes provider from its Go module. Its own main embeds generated files that the module lacks. Of the schema it reads only which
// inputs a resource has that is imported or read.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

const schema = `{"name": "kubernetes", "version": "4.34.2", "resources": {
  "kubernetes:core/v1:PersistentVolumeClaim": {"inputProperties": {"apiVersion": {}, "kind": {}, "metadata": {}, "spec": {}}}
}}`

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("pulumi-resource-kubernetes of 2026-01-15")
		return
	}
	provider.Serve("kubernetes", "4.34.2", []byte(schema), []byte("{}"))
}
