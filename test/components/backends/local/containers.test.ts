// Which cgroup is a container's own, by what the kernel says of its processes.

import { containerOf } from "../../../../components/backends/local/container-limits";

const id = "0123456789abcdef".repeat(4);

test.each([
  ["cgroup v1", 1, `12:pids:/docker/${id}\n7:blkio:/docker/${id}\n0::/docker/other`, `/docker/${id}`],
  ["cgroup v1 with the controllers together", 1, `7:blkio,io:/docker/${id}\n`, `/docker/${id}`],
  ["cgroup v2, by systemd", 2, `0::/system.slice/docker-${id}.scope\n`, `/system.slice/docker-${id}.scope`],
  ["a cgroup that the container made in its own", 2, `0::/docker/${id}/init.scope/deeper\n`, `/docker/${id}`],
  [
    "a container in a container: the inner one",
    1,
    `3:blkio:/docker/${"f".repeat(64)}/docker/${id}\n`,
    `/docker/${"f".repeat(64)}/docker/${id}`,
  ],
  ["a process of the machine", 1, "7:blkio:/system.slice/ssh.service\n0::/\n", undefined],
  ["v2 asked of a machine with v1", 2, `7:blkio:/docker/${id}\n0::/\n`, undefined],
  ["a process that has ended", 2, "", undefined],
] as const)("%s", (_, version, text, cgroup) => {
  expect(containerOf(text, version)).toBe(cgroup);
});
