// The problems that only the Docker plugin has: Docker's calls, and its service on this machine.

import { defineProblems, listed, problemKind } from "../core/problems";
import { errorsOf, oneProblem } from "../stack/errors";
import { stackProblems } from "../stack/problems";

export const dockerProblems = defineProblems(
  {
    problems: {
      "install-not-ours": problemKind<{ file: string; why: string }>({
        meaning:
          "A file that `docker-plugin install` would write, or `uninstall` would remove, was created or changed by someone else.",
        message: ({ file, why }) => `${file} is left unchanged: ${why}`,
        allowed: () => "no file, or the file that `docker-plugin install` wrote",
        fix: ({ file }) =>
          `move ${file} away and try again; put changes of your own in a drop-in (\`systemctl edit\`), which is kept`,
      }),
      "install-not-possible": problemKind<{ what: string; why: string }>({
        meaning: "The Docker plugin's service can't be installed, started or removed.",
        message: ({ what, why }) => `${what}: ${why}`,
        allowed: () => "Linux with systemd, as root; or `--root` with a writable directory",
        fix: () => "run with `--dry-run` to see what would be done",
      }),
      "option-unknown": problemKind<{ option: string; options: string[]; nearest: string | undefined }>({
        meaning: "Docker passed an option that volumes don't support.",
        message: ({ option }) => `unknown option "${option}"`,
        allowed: ({ options }) => options.join(", "),
        fix: ({ option, nearest }) => (nearest ? `did you mean "${nearest}"?` : `remove "${option}"`),
      }),
      "volume-differs": problemKind<{ name: string; what: string; has: string; asked: string; command: string }>({
        meaning:
          "Docker asks for a volume with another profile or size than the volume has. A mismatch is never ignored.",
        message: ({ name, what, has, asked }) => `the ${what} of "${name}" is ${has}, not ${asked}`,
        allowed: ({ name, what, has }) => (what === "profile" ? `"${name}" or "${name}@${has}"` : has),
        fix: ({ what, command }) =>
          what === "profile"
            ? `to change it, run \`${command}\`, or start the plugin with --on-profile-change=apply`
            : `to change it, ${command}`,
      }),
      "volume-in-use": problemKind<{ name: string; users: string[] }>({
        meaning: "A volume can't be removed while containers use it.",
        message: ({ name, users }) => `"${name}" is in use by ${listed(users)}`,
        fix: () => "stop those containers first",
      }),
      "removal-unfinished": problemKind<{ name: string }>({
        meaning: "The volume that Docker asks for is being deleted: its removal was interrupted.",
        message: ({ name }) => `the removal of "${name}" was interrupted; the next \`up\` deletes it`,
        fix: ({ name }) =>
          `run \`docker volume rm ${name}\` again; to keep the volume and its data, declare it in the stack's config`,
      }),
      "not-on-this-machine": problemKind<{ name: string; backend: string; because: string }>({
        meaning: "The backend's volumes aren't available on the Docker host.",
        message: ({ name, backend, because }) => `"${name}" on backend ${backend} can't be mounted here: ${because}`,
        allowed: () => "a backend whose volumes this machine can mount",
        fix: () => "see docs/docker.md",
      }),
      "time-is-up": problemKind<{ seconds: number; waitsFor: string }>({
        meaning: "A Docker call timed out. The work continues, and the next call picks it up.",
        message: ({ seconds, waitsFor }) => `not done after ${seconds} s: still waiting for ${waitsFor}`,
        fix: () => "try again when that is done; see the plugin's log for progress",
      }),
      "call-broken-off": problemKind<Record<string, never>>({
        meaning: "The plugin was stopped during a call. Docker repeats the call, but without its parameters.",
        message: () =>
          "the plugin was stopped during the call, and Docker's repeated call doesn't include the volume's name",
        fix: () => "run the command again; it completes what was started",
      }),
      "socket-in-use": problemKind<{ socket: string }>({
        meaning: "Another plugin is already listening on the socket.",
        message: ({ socket }) => `another plugin is listening on ${socket}`,
        allowed: () => "one plugin per name on a machine",
        fix: () => "stop the other plugin, or choose another --name",
      }),
      "socket-not-passed": problemKind<{ why: string }>({
        meaning: "systemd started the plugin by socket activation, but didn't pass exactly one listening socket.",
        message: ({ why }) => `no usable socket from systemd: ${why}`,
        allowed: () => "one `ListenStream=`, without `Accept=yes`, in the socket unit",
        fix: () => "check drop-ins of the socket unit with `systemctl cat`",
      }),
    },
  },
  stackProblems,
);

export const { problem } = dockerProblems;
/** An error of one problem. */
export const stackError = errorsOf(dockerProblems, oneProblem);

declare module "../core/problems" {
  interface ProblemRooms {
    docker: typeof dockerProblems;
  }
}
