// What the process of a dynamic provider writes to its standard error.

import { backendNames, backends } from "../../src";
import { CioError } from "../../components/backends/cio/errors";
import { LocalVolumeError } from "../../components/host/errors";
import { KubernetesError } from "../../components/backends/kubernetes/cluster-errors";
import { OpenstackError } from "../../components/backends/openstack/errors";
import { ScaleioError } from "../../components/backends/scaleio/errors";

test("errors of ours are left to the engine, which tells them once; others are written as ever", () => {
  const written: unknown[] = [];
  const { error: before } = console;
  console.error = (text) => written.push(text);
  try {
    // Each provider sees to its own.
    for (const backend of backendNames.filter((each) => backends[each].hasProvider))
      require(`../../components/backends/${backend}/provider`);
    // As @pulumi/pulumi/cmd/dynamic-provider does.
    const report = (error: Error) => console.error(`${error}: ${error.stack}`);
    report(new ScaleioError("refused", "the array refuses: it is full"));
    report(new LocalVolumeError("disk-full", "the disk is full"));
    report(new OpenstackError("refused", "Cinder refuses: quota"));
    report(new KubernetesError("not-done", "claim shop/data: the driver rejected the class"));
    report(new CioError("refused", "the cluster refuses: it is full"));
    expect(written).toEqual([]);
    report(new TypeError("a mistake"));
    console.error("ScaleioError: said by hand");
    expect(written).toEqual([expect.stringContaining("TypeError: a mistake"), "ScaleioError: said by hand"]);
  } finally {
    console.error = before;
  }
});
