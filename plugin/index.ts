#!/usr/bin/env node
// The Pulumi plugin `pulumi-resource-storage-profiles`: the components of this package for programs in any language, and the resources of our
// own that they are made of. The engine starts it with its own address, and reads a port from the first line of output.

import * as pulumi from "@pulumi/pulumi";

import { becomePlugin } from "../components/plugin-mode";
import { StorageProfiles } from "./provider";
import { startServer } from "./server";

// The engine starts plugins in the project's directory; the SDK otherwise learns that from its language host.
process.env["PULUMI_NODEJS_ROOT_DIRECTORY"] ??= process.cwd();
becomePlugin();
void startServer(() => pulumi.provider.main(new StorageProfiles(), process.argv.slice(2)));
