// pulumi-resource-openstack: the Terraform OpenStack provider behind the tokens of @pulumi/openstack, for tests.
//
// Pulumi's own plugin is this provider too, with a mapping of all its resources; it is downloaded at the first `pulumi up`. Tests must run
// where that can't be had, so this program maps the few resources that the tests have. tools/engine/openstack-plugin.js builds it.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/openstack"
)

// Of the npm package whose tokens these are. The engine takes a plugin on PATH whatever its version.
const version = "3.15.2"

func resource(tok tokens.Type) *tfbridge.ResourceInfo { return &tfbridge.ResourceInfo{Tok: tok} }

func main() {
	if slices.ContainsFunc(os.Args[1:], func(a string) bool { return a == "-version" || a == "--version" }) {
		fmt.Println(version)
		return
	}
	provider := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(openstack.Provider()),
		Name:    "openstack",
		Version: version,
		Resources: map[string]*tfbridge.ResourceInfo{
			"openstack_blockstorage_volume_v3":             resource("openstack:blockstorage/volume:Volume"),
			"openstack_blockstorage_volume_type_v3":        resource("openstack:blockstorage/volumeTypeV3:VolumeTypeV3"),
			"openstack_blockstorage_volume_type_access_v3": resource("openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3"),
			"openstack_blockstorage_qos_v3":                resource("openstack:blockstorage/qosV3:QosV3"),
			"openstack_blockstorage_qos_association_v3":    resource("openstack:blockstorage/qosAssociationV3:QosAssociationV3"),
			"openstack_blockstorage_volume_attach_v3":      resource("openstack:blockstorage/volumeAttach:VolumeAttach"),
			"openstack_compute_volume_attach_v2":           resource("openstack:compute/volumeAttach:VolumeAttach"),
		},
	}
	tfbridge.Main("openstack", version, provider, []byte("{}"))
}
