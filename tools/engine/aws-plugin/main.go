// pulumi-resource-aws: the Terraform AWS provider's executable behind the tokens of @pulumi/aws, for tests.
//
// Pulumi's own plugin is this provider too, compiled in and with a hand-made mapping of everything; it is downloaded at the
// first `pulumi up`. Tests must run where that can't be had, so this program, linked against Pulumi's own bridge, starts
// whatever terraform-provider-aws is on the machine, and maps the few resources that the tests have. What volumes get,
// refuse and plan is then the real provider's doing. tools/engine/aws-plugin.js builds it and finds the provider.
//
// The module's path lies under .../pulumi-terraform-bridge/v3/dynamic/ because the loader that runs a Terraform provider
// executable, dynamic/internal/shim/run, may only be imported from inside that tree. nocodegen/ stands in for two code
// generators that the bridge imports for generating SDKs, and that a running plugin never calls.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/internal/shim/run"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/proto"
	pfbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// Of the npm package whose tokens these are. The engine takes a plugin on PATH whatever its version.
const version = "7.48.0"

func resource(tok tokens.Type) *tfbridge.ResourceInfo { return &tfbridge.ResourceInfo{Tok: tok} }

func function(tok tokens.ModuleMember) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tok}
}

func main() {
	if slices.ContainsFunc(os.Args[1:], func(a string) bool { return a == "-version" || a == "--version" }) {
		fmt.Println(version)
		return
	}
	ctx := context.Background()
	path := os.Getenv("TERRAFORM_PROVIDER_AWS")
	if path == "" {
		fail("TERRAFORM_PROVIDER_AWS must name the terraform-provider-aws executable")
	}
	server, err := run.LocalProvider(ctx, path)
	if err != nil {
		fail("cannot start %s: %v", path, err)
	}
	info := tfbridge.ProviderInfo{
		P:              proto.New(ctx, server),
		Name:           "aws",
		Version:        version,
		ResourcePrefix: "aws",
		MetadataInfo:   &tfbridge.MetadataInfo{Path: "", Data: tfbridge.ProviderMetadata(nil)},
		Config: map[string]*tfbridge.SchemaInfo{
			"skip_metadata_api_check": {Type: "boolean"}, // a string in Terraform, a boolean in @pulumi/aws
			// Lists in the provider's schema, single objects in @pulumi/aws.
			"assume_role_with_web_identity": {MaxItemsOne: tfbridge.True()},
			"default_tags":                  {MaxItemsOne: tfbridge.True()},
			"ignore_tags":                   {MaxItemsOne: tfbridge.True()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"aws_ebs_volume":        resource("aws:ebs/volume:Volume"),
			"aws_ebs_snapshot":      resource("aws:ebs/snapshot:Snapshot"),
			"aws_volume_attachment": resource("aws:ec2/volumeAttachment:VolumeAttachment"),
			"aws_instance":          resource("aws:ec2/instance:Instance"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"aws_availability_zones": function("aws:index/getAvailabilityZones:getAvailabilityZones"),
			"aws_ebs_volumes":        function("aws:ebs/getEbsVolumes:getEbsVolumes"),
		},
	}
	pfbridge.Main(ctx, "aws", info, pfbridge.ProviderMetadata{
		XGetSchema: func(context.Context, plugin.GetSchemaRequest) ([]byte, error) {
			return json.Marshal(map[string]any{"name": info.Name, "version": info.Version})
		},
	})
	_ = server.Close()
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "pulumi-resource-aws: "+format+"\n", args...)
	os.Exit(1)
}
