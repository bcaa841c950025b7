// Pulumi's Kubernetes provider from its Go module. Its own main embeds generated files that the module lacks. The schema is read only by
// `import` and `get`, which the tests don't use.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("pulumi-resource-kubernetes of 2026-01-15")
		return
	}
	provider.Serve("kubernetes", "4.34.2", []byte(`{"name":"kubernetes","version":"4.34.2"}`), []byte("{}"))
}
