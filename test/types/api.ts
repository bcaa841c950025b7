// The types of the public API, for the compiler alone (`npm run typecheck`): a line after `@ts-expect-error` must not compile.

import type * as aws from "@pulumi/aws";
import type * as openstack from "@pulumi/openstack";
import * as pulumi from "@pulumi/pulumi";

import { ProfiledVolume, ReadVolume, VolumeAttachment, type BackendName, type Settings } from "../../components";

/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- the usual way to compare types */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */

export function program(): unknown[] {
  const onAws = new ProfiledVolume("data@gold", { sizeGiB: 100, backend: "aws", aws: { tags: { team: "web" } } });
  onAws.settings.apply(({ volumeType, iops }) => `${volumeType} ${iops}`);
  const volume: aws.ebs.Volume = onAws.resource;
  holds<Equal<typeof onAws.mountPath, pulumi.Output<undefined>>>();
  // @ts-expect-error -- a setting of another backend
  onAws.settings.apply(({ migrationPolicy }) => migrationPolicy);

  const onCinder = new ProfiledVolume("data", { size: "100GiB", backend: "openstack" });
  const cinder: openstack.blockstorage.Volume = onCinder.resource;

  const path: pulumi.Output<string> = new ProfiledVolume("data", { sizeGiB: 1, backend: "local" }).mountPath;

  // Said by the stack: any of the backends.
  const any = new ProfiledVolume("data@gold", { sizeGiB: pulumi.output(100) });
  holds<Equal<typeof any, ProfiledVolume>>();
  const settings: pulumi.Output<Settings> = any.settings;
  const backend: pulumi.Output<BackendName> = any.backend;

  // @ts-expect-error -- a size is needed
  new ProfiledVolume("data@gold", {});
  // @ts-expect-error -- one size, not two
  new ProfiledVolume("data@gold", { sizeGiB: 1, size: "1GiB" });
  // @ts-expect-error -- a typing error in an override
  new ProfiledVolume("data@gold", { sizeGiB: 1, aws: { availabilityZon: "us-east-1a" } });
  // @ts-expect-error -- a typing error in an argument
  new ProfiledVolume("data@gold", { sizeGiB: 1, protection: false });
  // @ts-expect-error -- no such backend
  new ProfiledVolume("data@gold", { sizeGiB: 1, backend: "azure" });
  new ProfiledVolume("data@gold", {
    sizeGiB: 1,
    scaleio: { storagePool: "ssd" },
    transform: {
      aws: (args: aws.ebs.VolumeArgs) => ({ args: { ...args, finalSnapshot: true } }),
      // @ts-expect-error -- a typing error in an argument of the resource
      openstack: (args) => ({ args: { ...args, name: args.nam } }),
    },
  });

  new ProfiledVolume("data", { sizeGiB: 1, tags: { team: "shop", of: pulumi.output("x") } });
  new ProfiledVolume("data", { sizeGiB: 1, tags: pulumi.output({ team: "shop" }) });
  // @ts-expect-error -- a tag is text
  new ProfiledVolume("data", { sizeGiB: 1, tags: { cost: 42 } });

  new ProfiledVolume("data", {
    sizeGiB: 8,
    scaleio: { connection: "west" },
    cio: { connection: "b" },
    ceph: { connection: "c" },
  });
  // @ts-expect-error -- with whom the program talks is known before anything else is
  new ProfiledVolume("data", { sizeGiB: 8, scaleio: { connection: pulumi.output("west") } });
  // @ts-expect-error -- aws has providers in their place
  new ProfiledVolume("data", { sizeGiB: 8, aws: { connection: "west" } });
  const far: ReadVolume<"scaleio"> = ProfiledVolume.get("far", "1", { backend: "scaleio", connection: "west" });
  new VolumeAttachment("a", { volume: { backend: "scaleio", volumeId: "1", connection: "west" }, host: "node1" });

  const read = ProfiledVolume.get("shared", pulumi.output("vol-1"), { backend: "aws", protect: true });
  const arn: pulumi.Output<string> = read.resource.arn;
  read.settings.apply(({ volumeType, iops }) => `${volumeType ?? ""} ${iops ?? 0}`);
  holds<Equal<typeof read, ReadVolume<"aws">>>();
  holds<Equal<typeof read.mountPath, pulumi.Output<undefined>>>();
  const readAny: ReadVolume = ProfiledVolume.get("shared", "vol-1");
  // @ts-expect-error -- it has no profile
  read.profile.apply(String);
  // @ts-expect-error -- no such backend
  ProfiledVolume.get("shared", "vol-1", { backend: "azure" });
  // @ts-expect-error -- an id is text
  ProfiledVolume.get("shared", 5);
  new VolumeAttachment("a", { volume: read, host: "i-1", aws: { deviceName: "/dev/sdf" } });
  new VolumeAttachment("a", { volume: readAny, host: "node1" });
  const other = new pulumi.StackReference("acme/shop/prod");
  const volumeId = other.requireOutput("volumeId");
  new VolumeAttachment("a", { volume: { backend: "scaleio", volumeId }, host: "node1" });
  // @ts-expect-error -- how a volume is attached depends on its backend
  new VolumeAttachment("a", { volume: { backend: other.requireOutput("backend"), volumeId }, host: "node1" });

  new VolumeAttachment("a", { volume: onAws, host: "i-1", aws: { deviceName: "/dev/sdf" } });
  new VolumeAttachment("a", { volume: any, host: "node1", scaleio: { accessMode: "ReadOnly" } });
  new VolumeAttachment("a", {
    volume: { backend: "aws", volumeId: "vol-1" },
    host: "i-1",
    aws: { deviceName: "/dev/sdf" },
  });
  // @ts-expect-error -- a volume that the program doesn't declare has a backend
  new VolumeAttachment("a", { volume: { volumeId: "vol-1" }, host: "i-1" });
  // @ts-expect-error -- no such access mode
  new VolumeAttachment("a", { volume: any, host: "node1", scaleio: { accessMode: "Write" } });
  // @ts-expect-error -- EC2 needs a device name
  new VolumeAttachment("a", { volume: onAws, host: "i-1", aws: {} });
  return [volume.arn, arn, far, cinder, path, settings, backend];
}
